import ClusterModel
import Planner
import Testing

/// Half moved slots with keys on both nodes. Invariants: confirmed-repair, last-copy, no-early-owner.
@Suite struct MovesOfKeysTests {
    private static let id = "finish-move 7000 7001 5"
    private static let back = "return-keys 7001 7000 5"

    /// Slot 5 belongs to 7000, is half moved to 7001, and has three keys there.
    private func halfMoved(migrating: Bool) -> (Scene, Decision) {
        var scene = Scene.settled()
        scene.open(5, from: "7000", to: "7001", migrating: migrating)
        var decision = scene.decide()
        for _ in 0..<30 {
            hear(&scene)
            decision = scene.decide()
            scene.take(decision)
            scene.pass(.milliseconds(500))
        }
        hear(&scene)
        return (scene, scene.decide())
    }

    private func hear(_ scene: inout Scene) {
        for name in scene.processes.keys.sorted() {
            scene.answer(name) { report in
                if name == "7001" { report.keysOfImportedSlots[5] = 3 }
            }
        }
    }

    private func carryOut(_ scene: inout Scene) -> [String] {
        var kinds: [String] = []
        scene.run { decision in
            for kind in ["save", "preserve", "migrate slots", "return keys"] {
                kinds += decision.orders(kind).map { _ in kind }
            }
            return decision.record?.operations.contains(where: \.isOpen) == false
        }
        return kinds
    }

    @Test func aSlotThatBothNodesMarkGoesOn() throws {
        let (start, decision) = halfMoved(migrating: true)
        var scene = start
        let finding = try #require(decision.finding(.slotOpen))
        #expect(finding.repair?.id == Self.id && finding.hint == "clusterd fix")
        #expect(finding.repair?.text.contains("the value of 7000, the owner, is kept") == true)
        try scene.ask(.fix([Self.id]))
        #expect(carryOut(&scene) == ["save", "preserve", "migrate slots"], "the copy comes first")
        #expect(scene.operation?.state == .done, "\(scene.operation?.error ?? "")")
        #expect(scene.slots[1].contains(5) && !scene.slots[0].contains(5))
    }

    @Test func keysOfASlotThatItsOwnerDoesNotMigrateReturn() throws {
        let (start, decision) = halfMoved(migrating: false)
        var scene = start
        let finding = try #require(decision.finding(.slotOpen))
        #expect(finding.repair?.id == Self.back)
        #expect(finding.repair?.text.contains("3 keys of slot 5") == true)
        try scene.ask(.fix([Self.back]))
        #expect(carryOut(&scene) == ["save", "preserve", "return keys"], "the copy comes first")
        #expect(scene.operation?.state == .done, "\(scene.operation?.error ?? "")")
        #expect(scene.report("7001")?.view.myself?.importing.isEmpty == true)
    }

    /// The record is stored, and the daemon killed, before and after each effect.
    @Test(arguments: 0..<12, [true, false]) func aRepairResumesUnderTheNextDaemon(turns: Int, migrating: Bool) throws {
        var (scene, _) = halfMoved(migrating: migrating)
        try scene.ask(.fix([migrating ? Self.id : Self.back]))
        for _ in 0..<turns { scene.turn() }
        if !scene.hasOpenOperations { return }
        scene.replaceDaemon()
        scene.run { $0.record?.operations.contains(where: \.isOpen) == false }
        #expect(scene.operation?.state == .done, "\(scene.operation?.error ?? "")")
        #expect(scene.report("7001")?.view.myself?.importing.isEmpty == true)
    }

    @Test(arguments: [true, false]) func nothingMovesWithoutACopy(migrating: Bool) throws {
        var (scene, _) = halfMoved(migrating: migrating)
        try scene.ask(.fix([migrating ? Self.id : Self.back]))
        let decision = scene.come { !$0.orders("preserve").isEmpty }
        scene.take(decision)
        for effect in decision.orders("preserve") { scene.note(effect, failure: "No space left on device") }
        scene.pass(.milliseconds(25))
        scene.hear()
        scene.take(scene.decide())
        #expect(scene.operation?.state == .failed)
        #expect(scene.operation?.error?.contains("could not keep a copy and changed nothing") == true)
    }

    @Test func aSlotWithTwoOwnersIsNotMoved() throws {
        var scene = Scene.settled()
        scene.open(5, from: "7000", to: "7001")
        var decision = scene.decide()
        for _ in 0..<30 {
            hear(&scene)
            scene.answer("7002") { report in
                guard let index = report.view.entries.firstIndex(where: { $0.id == Scene.id("7002") }) else { return }
                report.view.entries[index].slots = report.view.entries[index].slots.union(SlotSet(5...5))
            }
            decision = scene.decide()
            scene.take(decision)
            scene.pass(.milliseconds(500))
        }
        #expect(decision.finding(.slotOpen)?.repair == nil)
    }
}
