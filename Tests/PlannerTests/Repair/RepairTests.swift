import ClusterModel
import Planner
import Testing

/// When `fix` is offered for a problem of a running cluster, and what it orders. Invariant: confirmed-repair.
@Suite struct RepairTests {
    /// A check of a persistent condition, in a scene in which nodes report wrong states.
    private func checked(_ scene: Scene, _ lies: [NodeName: (inout NodeReport) -> Void]) -> (Scene, Decision) {
        var scene = scene
        var decision = scene.decide()
        for _ in 0..<30 {
            for name in scene.processes.keys.sorted() { scene.answer(name, lies[name] ?? { _ in }) }
            decision = scene.decide()
            scene.take(decision)
            scene.pass(.milliseconds(500))
        }
        for name in scene.processes.keys.sorted() { scene.answer(name, lies[name] ?? { _ in }) }
        return (scene, scene.decide())
    }

    private func entry(_ view: inout NodesView, _ name: NodeName, _ change: (inout NodeEntry) -> Void) {
        guard let index = view.entries.firstIndex(where: { $0.id == Scene.id(name) }) else { return }
        change(&view.entries[index])
    }

    private func open(_ slot: Int, from: NodeName, to: NodeName, keys: Int64?) -> [NodeName: (inout NodeReport) -> Void]
    {
        [
            from: { report in self.entry(&report.view, from) { $0.migrating = [.init(slot: slot, node: Scene.id(to))] }
            },
            to: { report in
                self.entry(&report.view, to) { $0.importing = [.init(slot: slot, node: Scene.id(from))] }
                if let keys { report.keysOfImportedSlots[slot] = keys }
            },
        ]
    }

    @Test(arguments: [(0, true), (3, false), (nil, false)] as [(Int64?, Bool)])
    func aHalfMovedSlotIsClosedOnlyIfNoKeyArrived(keys: Int64?, isOffered: Bool) throws {
        let lies = open(5, from: "7000", to: "7001", keys: keys)
        var (scene, decision) = checked(.settled(), lies)
        let finding = try #require(decision.finding(.slotOpen))
        let move = Repair.MoveKeys(from: "7000", to: "7001", slots: SlotSet(5...5), keys: keys)
        #expect(finding.repair == (isOffered ? .closeSlot(5) : keys == nil ? nil : .finishMove(move)))
        let hint = keys == nil ? "clusterd reshard --from 7000 --to 7001" : "clusterd fix"
        #expect(finding.hint?.hasPrefix(hint) == true)
        guard isOffered else { return }
        try scene.ask(.fix(["close-slot 5"]))
        scene.take(scene.decide())
        scene.pass(.milliseconds(25))
        for name in scene.processes.keys.sorted() { scene.answer(name, lies[name] ?? { _ in }) }
        decision = scene.decide()
        #expect(decision.nodes("close slot") == ["7000"], "its owner first, which sends clients there")
        for effect in decision.orders("close slot") {
            guard case .closeSlot(_, _, let slot, let ifEmpty) = effect else { continue }
            #expect(slot == 5 && !ifEmpty)
        }
    }

    @Test func uncoveredSlotsReturnToTheOwnerThatAllOthersList() throws {
        let lost = SlotSet(0...99)
        let lies: [NodeName: (inout NodeReport) -> Void] = [
            "7000": { report in self.entry(&report.view, "7000") { $0.slots = $0.slots.subtracting(lost) } }
        ]
        let (_, decision) = checked(.settled(), lies)
        let finding = try #require(decision.finding(.slotsUncovered))
        #expect(finding.repair == .addSlots(.init(member: "7000", slots: lost)) && finding.hint == "clusterd fix")
    }

    @Test func uncoveredSlotsWithoutAListedOwnerAreLeftUnchanged() throws {
        let lost = SlotSet(0...99)
        let forgetful: (inout NodeReport) -> Void = { report in
            self.entry(&report.view, "7000") { $0.slots = $0.slots.subtracting(lost) }
        }
        var scene = Scene.settled()
        // The record does not list an owner either, as after an upgrade.
        for index in scene.record?.members.indices ?? 0..<0 { scene.record?.members[index].lastSlots = nil }
        let (_, decision) = checked(scene, ["7000": forgetful, "7004": forgetful])
        let finding = try #require(decision.finding(.slotsUncovered))
        #expect(finding.repair == nil && finding.hint == nil)
    }

    @Test func aGhostIsForgottenByEveryNodeThatListsIt() throws {
        var ghost = NodeEntry(id: Scene.id("dead"), host: "127.0.0.1", ports: PortPair(client: 7999))
        ghost.flags = [.master, .fail]
        let seer: (inout NodeReport) -> Void = { [ghost] in $0.view.entries.append(ghost) }
        let lies: [NodeName: (inout NodeReport) -> Void] = ["7000": seer, "7004": seer]
        var (scene, decision) = checked(.settled(), lies)
        #expect(decision.finding(.ghostNode)?.repair == .forget(.init(ghost.id)))
        try scene.ask(.fix(["forget \(ghost.id)"]))
        scene.take(scene.decide())
        scene.pass(.milliseconds(25))
        for name in scene.processes.keys.sorted() { scene.answer(name, lies[name] ?? { _ in }) }
        decision = scene.decide()
        #expect(decision.nodes("forget") == ["7000", "7004"])
        scene.take(decision)
        scene.pass(.milliseconds(25))
        scene.hear()
        scene.take(scene.decide())
        #expect(scene.operation?.state == .done)
    }

    @Test func aMisplacedReplicaReturnsToItsShard() throws {
        let lies: [NodeName: (inout NodeReport) -> Void] = Dictionary(
            uniqueKeysWithValues: FolderClassificationTests.six.map { name in
                (name, { report in self.entry(&report.view, "7004") { $0.masterID = Scene.id("7000") } })
            })
        var (scene, decision) = checked(.settled(), lies)
        let finding = try #require(decision.finding(.replicaMisplaced))
        #expect(finding.repair == .follow(.init(member: "7004", master: "7001")))
        try scene.ask(.fix(["follow 7004 7001"]))
        decision = scene.decide()
        #expect(decision.nodes("replicate") == ["7004"])
        scene.take(decision)
        scene.pass(.milliseconds(25))
        scene.hear()
        scene.run { $0.record?.operations.contains(where: \.isOpen) == false }
        #expect(scene.operation?.state == .done)
    }

    // MARK: an append-only file that cannot be loaded

    private static let log = ["1:M 01 Jan 2026 00:00:00.000 # Bad file format reading the append only file x"]

    private func dead(_ name: NodeName, replicas: Int, _ change: (inout Scene) -> Void = { _ in }) -> Scene {
        var scene = Scene.settled(replicas: replicas)
        scene.die(name, ProcessExit(code: 1), log: Self.log)
        change(&scene)
        scene.pass(.milliseconds(5))
        scene.look()
        return scene
    }

    @Test func aTruncatedAppendOnlyFileIsExaminedAndItsRepairOffered() throws {
        var scene = dead("7000", replicas: 0)
        let first = scene.decide()
        #expect(first.orders("examine").count == 1 && first.finding(.nodeDown)?.repair == nil)
        scene.turn()
        let finding = try #require(scene.decide().finding(.nodeDown))
        guard case .repairAppendOnly(let repair)? = finding.repair else {
            Issue.record("nothing is offered")
            return
        }
        #expect(repair.bytes == 100 && repair.goodBytes == 78 && repair.names == ["appendonlydir"])
        #expect(finding.hint == "clusterd fix" && finding.repair?.text.contains("last 22 of the 100 bytes") == true)
        #expect(scene.decide().nodes("start") == [], "until the operator confirms it")
        try scene.ask(.fix([try #require(finding.repair?.id)]))
        var orders: [String] = []
        scene.run { decision in
            orders += decision.deeds.filter {
                $0.hasPrefix("preserve") || $0.hasPrefix("repair") || $0.hasPrefix("start")
            }
            return decision.record?.operations.contains(where: \.isOpen) == false
        }
        #expect(orders.map { $0.split(separator: " ")[0] } == ["preserve", "repair", "start"], "a copy first")
        #expect(scene.operation?.state == .done)
    }

    @Test func aRepairNeverReplacesARunningReplicaByOlderData() throws {
        var scene = dead("7000", replicas: 1) { $0.spec.supervision.failover = .off }
        // This holds for each way of promotion, and without one.
        for _ in 0..<10 {
            scene.hear()
            let decision = scene.turn()
            #expect(decision.findings.allSatisfy { $0.repair == nil } && decision.orders("examine").isEmpty)
        }
    }

    @Test(arguments: [
        (
            "AOF analyzed: size=248, ok_up_to=226, ok_up_to_line=60, diff=22\nAOF is not valid.",
            AppendOnlyCheck?.some(.init("AOF analyzed: size=248, ok_up_to=226")!)
        ),
        (
            "x\nAOF analyzed: filename=a, size=89, ok_up_to=89, diff=0\nAOF analyzed: filename=b.aof, size=5, ok_up_to=0, diff=5",
            .init("AOF analyzed: size=5, ok_up_to=0")
        ),
        ("Cannot open file", nil), ("AOF analyzed: size=5, ok_up_to=9", nil), ("", nil),
    ])
    func theOutputOfTheCheckToolIsParsed(output: String, expected: AppendOnlyCheck?) {
        #expect(AppendOnlyCheck(output) == expected)
    }
}
