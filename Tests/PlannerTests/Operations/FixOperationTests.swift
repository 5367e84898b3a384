import ClusterModel
import Planner
import Testing

/// What `fix` does once the operator has confirmed. Invariants: confirmed-repair, idle-folder.
@Suite struct FixOperationTests {
    @Test func aLoneNodeIsMovedAndTheMemberReturns() throws {
        var scene = StrayFoldersTests.replaced { _ in FolderClassificationTests.standalone("7005", keys: true) }
        try scene.ask(.fix(["set-aside /data/nodes/7005"]))
        #expect(scene.operation?.title == "fix 7005")
        var moves: [Effect.Quarantine] = []
        scene.run { decision in
            for case .quarantine(let move) in decision.effects { moves.append(move) }
            return decision.record?.operations.contains(where: \.isOpen) == false
        }
        #expect(scene.operation?.state == .done, "\(scene.operation?.error ?? "")")
        #expect(moves.map(\.files) == [["nodes-7005.conf", "appendonlydir"]])
        #expect(moves.first?.folder.hasSuffix("-7005") == true)
        #expect(scene.processes["7005"] != nil && scene.report("7005")?.id == Scene.id("7005"))
        #expect(scene.decide().findings.allSatisfy { $0.repair == nil })
    }

    @Test func anEntireFolderIsMoved() throws {
        var scene = StrayFoldersTests.stray("/data/7009", FolderClassificationTests.standalone("7009", keys: true))
        let operation = try scene.ask(.fix(["set-aside /data/7009"]), key: "k")
        #expect(try scene.ask(.fix(["set-aside /data/7009"]), key: "k").id == operation.id)
        #expect(try scene.ask(.fix(["set-aside /data/7009"])).id == operation.id, "the same is under way")
        scene.run { $0.record?.operations.contains(where: \.isOpen) == false }
        #expect(scene.operation?.state == .done && scene.disk["/data/7009"] == nil)
        #expect(scene.steps.contains { $0.hasPrefix("moving /data/7009 to quarantine/") })
    }

    /// The record is stored, and the daemon killed, before and after each effect.
    @Test(arguments: 0..<12)
    func aFixResumesUnderTheNextDaemon(turns: Int) throws {
        var scene = StrayFoldersTests.replaced { _ in FolderClassificationTests.standalone("7005", keys: true) }
        try scene.ask(.fix(["set-aside /data/nodes/7005"]))
        for _ in 0..<turns { scene.turn() }
        if !scene.hasOpenOperations { return }
        scene.replaceDaemon()
        scene.run { $0.record?.operations.contains(where: \.isOpen) == false }
        #expect(scene.operation?.state == .done, "\(scene.operation?.error ?? "")")
        #expect(scene.report("7005")?.id == Scene.id("7005"))
    }

    @Test func aFixWithoutAMatchingFindingIsRefused() {
        let scene = Scene.settled()
        let refusal = scene.refusal(.fix(["set-aside /data/nodes/7005"]))
        #expect(refusal?.reason == .repairUnknown && refusal?.exit == 1)
    }

    @Test func aFolderThatCameIntoUseIsNotMoved() throws {
        var scene = StrayFoldersTests.stray("/data/7009", FolderClassificationTests.standalone("7009", keys: true))
        try scene.ask(.fix(["set-aside /data/7009"]))
        scene.strangers = [
            .init(
                directory: "/data/7009", identity: ProcessIdentity(bootID: Scene.bootID, pid: 77, startTime: 1),
                command: "redis-server *:7009")
        ]
        scene.run { decision in
            #expect(decision.orders("quarantine").isEmpty)
            return decision.record?.operations.contains(where: \.isOpen) == false
        }
        #expect(scene.operation?.state == .failed && scene.operation?.error?.contains("in use") == true)
    }
}
