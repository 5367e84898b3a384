import ClusterModel
import Testing

@testable import Planner

/// Every nodes.conf is lost, and the record has the owner of each slot. Invariants: highest-epoch, confirmed-repair.
@Suite struct RestoredSlotsTests {
    /// No node runs, and each nodes.conf is in the state `nodesFile`.
    private func emptied(_ nodesFile: NodesFileState = .empty) -> Scene {
        var scene = Scene.settled()
        for name in scene.processes.keys.sorted() {
            scene.die(name)
            scene.disk[Scene.folder(name)]?.nodesFile = nodesFile
        }
        scene.replaceDaemon()
        scene.look()
        return scene
    }

    @Test func theRecordedSlotsAreOfferedOnceForAllNodes() throws {
        var scene = emptied()
        scene.run { $0.finding(.slotsUnknown) != nil }
        let decision = scene.decide()
        let findings = decision.findings.filter { $0.code == .slotsUnknown }
        #expect(findings.count == 1 && findings[0].hint == "clusterd fix")
        guard case .restoreSlots(let restore)? = findings[0].repair else {
            Issue.record("nothing is offered")
            return
        }
        #expect(restore.owners.map(\.member) == ["7000", "7001", "7002"])
        #expect(restore.owners.reduce(SlotSet()) { $0.union($1.slots) } == .all)
        // Nothing is restored without confirmation.
        #expect(decision.nodes("write").isEmpty && decision.nodes("start").isEmpty)
    }

    @Test func fixStartsAllNodesWithTheirSlots() throws {
        var scene = emptied()
        scene.run { $0.finding(.slotsUnknown)?.repair != nil }
        try scene.ask(.fix([try #require(scene.decide().finding(.slotsUnknown)?.repair?.id)]))
        let end = scene.run { $0.assessment.ready }
        #expect(end != nil && scene.masters == ["7000", "7001", "7002"])
        #expect(scene.operation?.state == .done || scene.hasOpenOperations)
        scene.run { $0.record?.operations.contains(where: \.isOpen) == false }
        #expect(scene.operation?.state == .done, "\(scene.operation?.error ?? "")")
    }

    @Test func aSlotRestoreResumesUnderTheNextDaemon() throws {
        for turns in 0..<10 {
            var scene = emptied()
            scene.run { $0.finding(.slotsUnknown)?.repair != nil }
            try scene.ask(.fix([try #require(scene.decide().finding(.slotsUnknown)?.repair?.id)]))
            for _ in 0..<turns { scene.turn() }
            scene.replaceDaemon()
            scene.look()
            #expect(scene.run { $0.assessment.ready } != nil, "after \(turns) turns")
            #expect(scene.masters == ["7000", "7001", "7002"])
        }
    }

    /// All nodes were told to release the slots of one shard, and its nodes have exited.
    @Test func aShardWhoseSlotsNoNodeKnowsIsRestoredFromTheRecord() throws {
        var scene = Scene.settled()
        let slots = try #require(scene.record?.member("7000")?.lastSlots)
        for name in scene.processes.keys.sorted() {
            guard case .parsed(var file)? = scene.disk[Scene.folder(name)]?.nodesFile else { continue }
            for index in file.view.entries.indices {
                file.view.entries[index].slots = file.view.entries[index].slots.subtracting(slots)
            }
            scene.disk[Scene.folder(name)]?.nodesFile = .parsed(file)
        }
        for name: NodeName in ["7000", "7003"] { scene.die(name) }
        scene.replaceDaemon()
        scene.look()
        scene.run { $0.finding(.slotsUnknown)?.repair != nil }
        let finding = try #require(scene.decide().finding(.slotsUnknown))
        #expect(finding.repair == .restoreSlots(.init(owners: [.init(member: "7000", slots: slots)])))
        #expect(finding.message.hasPrefix("clusterd does not start 7000 7003: "))
        try scene.ask(.fix([try #require(finding.repair?.id)]))
        for _ in 0..<400 where scene.starts["7003"] != 2 {
            scene.turn()
            scene.pass(.milliseconds(50))
            scene.hear()
        }
        #expect(scene.starts["7000"] == 2 && scene.starts["7003"] == 2)
        #expect(scene.report("7000")?.view.myself?.slots == slots)
        #expect(scene.report("7003")?.view.myself?.masterID == Scene.id("7000"))
    }

    @Test func aRemainingNodesFileTakesPrecedenceOverTheRecord() {
        var scene = emptied()
        scene.disk[Scene.folder("7004")]?.nodesFile = .parsed(Scene.settled().file("7004"))
        scene.look()
        #expect(scene.run { $0.assessment.ready } != nil)
        #expect(scene.record?.operations.isEmpty == true)
    }

    @Test func anIncompleteRecordOfSlotsIsNotOffered() {
        var scene = emptied()
        scene.record?.members[0].lastSlots = nil
        scene.run { $0.finding(.slotsUnknown) != nil }
        let finding = scene.decide().finding(.slotsUnknown)
        #expect(finding?.repair == nil && finding?.hint?.hasPrefix("put a nodes.conf of this cluster") == true)
    }

    /// During a stop the nodes exit one after the other, and only files from before the change remain.
    @Test func theRecordKeepsTheLastSlotOwnersWhileTheNodesExit() {
        var scene = Scene.bereaved()
        scene.answer("7003")
        scene.run { $0.assessment.ready }
        #expect(scene.masters[0] == "7003")
        #expect(scene.record?.member("7003")?.lastSlots != nil && scene.record?.member("7000")?.lastSlots == nil)
        scene.seen.survey = Scene.settled().seen.survey
        for name in scene.processes.keys.sorted() {
            scene.die(name)
            scene.take(scene.decide())
        }
        #expect(scene.record?.member("7003")?.lastSlots != nil && scene.record?.member("7000")?.lastSlots == nil)
    }
}
