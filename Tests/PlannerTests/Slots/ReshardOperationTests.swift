import ClusterModel
import Planner
import Testing

/// What each turn orders while slots move. Invariants: no-early-owner, disposable-daemon.
@Suite struct ReshardOperationTests {
    private static let all = SlotSet(0...499)

    /// Slots 0 to 499 are to go from 7000 to 7001, after `change`.
    private func ordered(_ change: (inout Scene) -> Void = { _ in }) throws -> Scene {
        try Scene.ordered(.reshard(.init(from: "7000", to: "7001", slots: .exactly(Self.all))), change)
    }

    private func migrations(_ decision: Decision) -> [Effect.SlotMigration] {
        decision.effects.compactMap { effect in
            guard case .migrateSlots(let migration, _, _) = effect else { return nil }
            return migration
        }
    }

    /// What the next turn orders that orders a migration.
    private func next(_ scene: inout Scene) throws -> Effect.SlotMigration {
        let decision = scene.come { !migrations($0).isEmpty }
        #expect(migrations(decision).count == 1, "one part at a time")
        return try #require(migrations(decision).first)
    }

    /// All migrations until the operation has ended.
    private func carryOut(_ scene: inout Scene) -> [Effect.SlotMigration] {
        var orders: [Effect.SlotMigration] = []
        scene.run { decision in
            orders += migrations(decision)
            return decision.record?.operations.contains(where: \.isOpen) == false
        }
        return orders
    }

    private func hear(_ scene: inout Scene) {
        scene.pass(.milliseconds(25))
        scene.hear()
    }

    @Test func theLowestSlotsGoFirst() throws {
        var scene = try ordered()
        let migration = try next(&scene)
        #expect(migration.source == "7000" && migration.sourceID == Scene.id("7000"))
        #expect(migration.target == "7001" && migration.targetID == Scene.id("7001"))
        #expect(migration.slots == SlotSet(0...249))
        #expect(migration.witnesses.map(\.node) == ["7004"])
    }

    @Test func aReplicaThatIsNotInSyncIsNoWitness() throws {
        var scene = try ordered()
        scene.answer("7004") { $0.replication.linkUp = false }
        #expect(migrations(scene.decide()).first?.witnesses.isEmpty == true)
    }

    /// A claim that arrives later would take the slots back, and the engine would delete their keys.
    @Test func aTargetThatHasNotHeardOfTheSourcesClaimGetsNoSlot() throws {
        var scene = try ordered()
        scene.answer("7001") { report in
            for index in report.view.entries.indices where report.view.entries[index].id == Scene.id("7000") {
                report.view.entries[index].configEpoch -= 1
            }
        }
        #expect(migrations(scene.decide()).isEmpty)
        hear(&scene)
        #expect(try next(&scene).target == "7001")
    }

    /// It serves nothing because it imports slots of a master that was replaced: the order tells it the owner.
    @Test func aTargetThatLacksOnlyTheSlotsThatMoveGetsThem() throws {
        var scene = try ordered()
        scene.answer("7001") { report in
            report.clusterStateOK = false
            for index in report.view.entries.indices where report.view.entries[index].id == Scene.id("7000") {
                report.view.entries[index].slots = report.view.entries[index].slots.subtracting(Self.all)
            }
        }
        #expect(try next(&scene).target == "7001")
    }

    @Test func itIsDoneWhenEverySlotHasArrived() throws {
        var scene = try ordered()
        let orders = carryOut(&scene)
        #expect(orders.map(\.slots) == [SlotSet(0...249), SlotSet(250...499)])
        #expect(scene.operation?.state == .done)
        #expect(scene.steps.first == "moving slots from 7000 to 7001: 0 of 500 slots")
        #expect(scene.steps.last == "500 slots moved")
        #expect(scene.slots == [SlotSet(500...5460), SlotSet([0...499, 5461...10922]), SlotSet(10923...16383)])
        #expect(scene.decide().findings.isEmpty)
    }

    @Test func whatHasArrivedAlreadyIsNotMoved() throws {
        var scene = try ordered()
        scene.give(SlotSet(0...489), to: "7001")
        hear(&scene)
        let orders = carryOut(&scene)
        #expect(orders.map(\.slots) == [SlotSet(490...499)])
        #expect(scene.operation?.state == .done)
    }

    /// Whichever half an interrupted migration has left.
    @Test(arguments: [(true, true), (true, false), (false, true)])
    func aSlotThatIsHalfMovedComesFirst(migrating: Bool, importing: Bool) throws {
        var scene = try ordered()
        scene.open(70, from: "7000", to: "7001", migrating: migrating, importing: importing)
        hear(&scene)
        let first = try next(&scene)
        #expect(first.slots == SlotSet(70...70))
        #expect(scene.decide().finding(.slotOpen) == nil, "the operation is the remedy")
        let orders = carryOut(&scene)
        #expect(orders.count == 3)
        #expect(scene.operation?.state == .done)
    }

    /// The target owns the slot, and the source has not learned it.
    @Test func aSlotThatTheTargetOwnsIsClosed() throws {
        var scene = try ordered()
        scene.give(Self.all, to: "7001")
        scene.open(99, from: "7000", to: "7001", importing: false)
        hear(&scene)
        let orders = carryOut(&scene)
        #expect(orders.map(\.slots) == [SlotSet(99...99)])
        #expect(scene.operation?.state == .done)
    }

    // MARK: failovers

    @Test func itContinuesWithTheSourcesNewMaster() throws {
        var scene = try ordered()
        scene.turn()
        scene.takeOver("7003")
        hear(&scene)
        let orders = carryOut(&scene)
        #expect(!orders.isEmpty && orders.allSatisfy { $0.source == "7003" && $0.sourceID == Scene.id("7003") })
        #expect(scene.operation?.state == .done)
        #expect(scene.slots[1] == SlotSet([0...499, 5461...10922]))
    }

    @Test func itContinuesWithTheTargetsNewMaster() throws {
        var scene = try ordered()
        scene.turn()
        scene.takeOver("7004")
        hear(&scene)
        let orders = carryOut(&scene)
        #expect(!orders.isEmpty && orders.allSatisfy { $0.target == "7004" && $0.targetID == Scene.id("7004") })
        #expect(scene.operation?.state == .done)
        #expect(scene.slots[1] == SlotSet([0...499, 5461...10922]))
    }

    @Test(arguments: [NodeName("7000"), NodeName("7001")])
    func itWaitsForAMasterThatIsDown(node: NodeName) throws {
        var scene = try ordered()
        scene.take(scene.decide())
        scene.die(node)
        hear(&scene)
        let decision = scene.decide()
        #expect(migrations(decision).isEmpty)
        scene.take(decision)
        #expect(scene.operation?.currentStep == .awaitingMasterOfShard(node))
        _ = carryOut(&scene)
        #expect(scene.operation?.state == .done)
        #expect(scene.slots[1] == SlotSet([0...499, 5461...10922]))
    }

    /// A replica of it may not know of the last slots yet.
    @Test(arguments: ["7000", "7001"] as [NodeName])
    func aMasterThatDiesMeanwhileRestartsInPlace(node: NodeName) throws {
        var scene = try ordered()
        scene.turn()
        scene.die(node)
        scene.run { $0.nodes("start") == [node] || !$0.nodes("promote").isEmpty }
        #expect(scene.decide().nodes("promote").isEmpty)
    }

    /// Its port is taken: a shard is not left without a master for that.
    @Test(arguments: ["7000", "7001"] as [NodeName])
    func aMasterThatDoesNotStartIsReplaced(node: NodeName) throws {
        var scene = try ordered()
        scene.turn()
        scene.busyPorts = [scene.member(node).ports.client: "nc (pid 7)"]
        scene.seen.ports[scene.member(node).ports] = nil
        scene.die(node)
        hear(&scene)
        for _ in 0..<100 { #expect(scene.turn().nodes("promote").isEmpty) }
        scene.pass(.seconds(3))
        scene.hear()
        scene.run { $0.nodes("promote") == [node == "7000" ? "7003" : "7004"] }
    }

    /// It would claim the slots again with a higher epoch, and the target would delete their keys. The master itself stays down.
    @Test func aReplicaThatHasNotLearnedOfMovedSlotsDoesNotTakeOver() throws {
        var scene = try ordered { $0.spec.supervision.restart = .never }
        let old = try #require(scene.report("7003")).view
        scene.turn()
        hear(&scene)
        scene.take(scene.decide())
        scene.die("7000")
        scene.pass(.milliseconds(150))
        scene.hear()
        var unaware = scene
        unaware.answer("7003") { $0.view = old }
        #expect(unaware.decide().nodes("promote").isEmpty)
        scene.run { $0.nodes("promote") == ["7003"] }
    }

    /// The record is stored, and the daemon killed, before and after each effect.
    @Test(arguments: 0..<10)
    func itContinuesUnderTheNextDaemon(turns: Int) throws {
        var scene = try ordered()
        for _ in 0..<turns { scene.turn() }
        scene.replaceDaemon()
        if scene.hasOpenOperations { _ = carryOut(&scene) }
        #expect(scene.operation?.state == .done)
        #expect(scene.slots[1] == SlotSet([0...499, 5461...10922]))
    }

    // MARK: its end

    @Test func itIsDoneOnlyWhenEveryNodeHasLearnedTheOwner() throws {
        var scene = try ordered()
        let old = try #require(scene.report("7002"))
        scene.give(Self.all, to: "7001")
        hear(&scene)
        scene.answer("7002") { $0.view = old.view }
        let decision = scene.decide()
        #expect(migrations(decision).isEmpty)
        scene.take(decision)
        #expect(scene.operation?.currentStep == .awaitingAgreement)
        let orders = carryOut(&scene)
        #expect(orders.isEmpty && scene.operation?.state == .done)
    }

    @Test func aCancelledOneFinishesWhatIsHalfMoved() throws {
        var scene = try ordered()
        scene.take(scene.decide())
        scene.open(7, from: "7000", to: "7001")
        hear(&scene)
        let id = try #require(scene.operation?.id)
        try scene.ask(.cancel(String(id)))
        #expect(scene.operation?.state == .running)
        let orders = carryOut(&scene)
        #expect(!orders.isEmpty && orders.allSatisfy { $0.isEnding && $0.slots.contains(7) })
        #expect(scene.operation?.state == .cancelled)
        #expect(scene.steps.contains("cancelled: finishing the slots that are half moved from 7000 to 7001"))
        #expect(scene.steps.last == "1 slot moved; the others stay where they are")
        #expect(scene.slots[1] == SlotSet([7...7, 5461...10922]))
    }

    /// The part that was ordered last is looked at, and left where it is.
    @Test func aCancelledOneWithoutAHalfMovedSlotMovesNone() throws {
        var scene = try ordered()
        scene.take(scene.decide())
        let id = try #require(scene.operation?.id)
        try scene.ask(.cancel(String(id)))
        let orders = carryOut(&scene)
        #expect(orders.allSatisfy { $0.isEnding && $0.slots == SlotSet(0...249) })
        #expect(scene.operation?.state == .cancelled)
        #expect(scene.steps.last == "0 slots moved; the others stay where they are")
    }

    /// Neither new master knows which slots were half moved: the record does.
    @Test func aCancelledOneLooksAtItsLastPartAfterFailoversOfBothMasters() throws {
        var scene = try ordered()
        let part = try next(&scene)
        scene.take(scene.decide())
        scene.takeOver("7003")
        scene.takeOver("7004")
        hear(&scene)
        let id = try #require(scene.operation?.id)
        try scene.ask(.cancel(String(id)))
        scene.replaceDaemon()
        let orders = carryOut(&scene)
        #expect(!orders.isEmpty)
        #expect(
            orders.allSatisfy { $0.isEnding && $0.slots == part.slots && $0.source == "7003" && $0.target == "7004" })
        #expect(scene.operation?.state == .cancelled)
    }

    @Test func slotsThatBelongToAThirdShardEndIt() throws {
        var scene = try ordered()
        scene.take(scene.decide())
        scene.give(SlotSet(0...9), to: "7002")
        hear(&scene)
        let decision = scene.decide()
        #expect(migrations(decision).isEmpty)
        scene.take(decision)
        #expect(scene.operation?.currentStep == .awaitingSlotOwners(shardOf: "7000"))
        scene.pass(.seconds(31))
        scene.hear()
        scene.take(scene.decide())
        #expect(scene.operation?.failure == .slotsElsewhere(SlotSet(0...9), owner: "7002"))
    }

    @Test func aMigrationThatIsRejectedIsTriedAgainForALimitedTime() throws {
        var scene = try ordered()
        let decision = scene.come { !migrations($0).isEmpty }
        scene.take(decision)
        let effect = try #require(decision.orders("migrate slots").first)
        scene.note(effect, failure: "ERR no")
        hear(&scene)
        #expect(migrations(scene.decide()).isEmpty, "not at once")
        scene.take(scene.decide())
        #expect(scene.steps.last == "retrying to move slots from 7000 to 7001: ERR no")
        scene.pass(.seconds(1))
        scene.hear()
        #expect(!migrations(scene.decide()).isEmpty)
        scene.pass(.seconds(120))
        scene.hear()
        scene.take(scene.decide())
        #expect(scene.operation?.failure == .slotsNotMoved(from: "7000", to: "7001", "ERR no"))
    }
}
