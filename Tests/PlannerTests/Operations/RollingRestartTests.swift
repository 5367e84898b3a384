import ClusterModel
import Planner
import Testing

/// Invariant: lossless-switchover.
@Suite struct RollingRestartTests {
    @Test func aRollingRestartGoesShardByShardWithReplicasFirst() throws {
        var scene = try Scene.ordered(.rollingRestart())
        #expect(
            scene.carryOut() == [
                "shutdown 7003", "start 7003", "hand over 7003", "shutdown 7000", "start 7000",
                "shutdown 7004", "start 7004", "hand over 7004", "shutdown 7001", "start 7001",
                "shutdown 7005", "start 7005", "hand over 7005", "shutdown 7002", "start 7002",
            ])
        #expect(scene.operation?.state == .done && scene.steps.last == "6 nodes restarted")
        #expect(scene.steps.first == "1/6 restarting 7003")
        #expect(scene.masters == ["7003", "7004", "7005"])
    }

    @Test func aRollingRestartRestoresRolesIfRequested() throws {
        var scene = try Scene.ordered(.rollingRestart(restoreRoles: true))
        _ = scene.carryOut()
        #expect(scene.masters == ["7000", "7001", "7002"])
        #expect(scene.starts.values.allSatisfy { $0 == 2 })
    }

    @Test func onlyOneNodeAtATimeIsDown() throws {
        var scene = try Scene.ordered(.rollingRestart(), replicas: 2)
        for _ in 0..<1000 where scene.hasOpenOperations {
            scene.turn()
            #expect(scene.processes.count >= 8)
        }
        #expect(scene.starts.values.allSatisfy { $0 == 2 })
    }

    @Test func aRollingRestartEndsAtTheFirstNodeThatDoesNotReturn() throws {
        var scene = try Scene.ordered(.rollingRestart())
        scene.run { !$0.nodes("start").isEmpty }
        scene.die(
            "7003", ProcessExit(code: 1), log: ["*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***", "Bad directive"])
        scene.look()
        #expect(scene.carryOut().isEmpty)
        #expect(scene.operation?.state == .failed)
        #expect(
            scene.operation?.error
                == "7003 rejected its configuration: Bad directive: Bad directive; not restarted: 7000 7001 7002 7004 7005"
        )
        #expect(scene.processes.count == 5)
    }

    @Test func aNodeRestartedMeanwhileIsSkipped() throws {
        var scene = try Scene.ordered(.rollingRestart())
        scene.run { !$0.nodes("start").isEmpty }
        scene.die("7005")
        scene.look()
        _ = scene.carryOut()
        #expect(scene.starts["7005"] == 2 && scene.operation?.state == .done)
    }

    @Test func mastersWithoutAReplicaAreRefusedUnlessForced() throws {
        var scene = Scene.settled(replicas: 0)
        let refusal = scene.refusal(.rollingRestart())
        #expect(refusal?.exit == 4 && refusal?.hint?.contains("clusterd rolling-restart --force") == true)
        try scene.ask(.rollingRestart(force: true))
        #expect(
            scene.carryOut() == [
                "shutdown 7000", "start 7000", "shutdown 7001", "start 7001", "shutdown 7002", "start 7002",
            ])
    }

    @Test func aStoppedNodeIsNotStarted() throws {
        var scene = try Scene.ordered(.stopNode("7004"), replicas: 2)
        _ = scene.carryOut()
        try scene.ask(.rollingRestart(force: true))
        #expect(!scene.carryOut().contains("start 7004"))
        #expect(scene.operation?.state == .done && scene.member("7004").wanted == .stopped)
    }

    // MARK: pending

    private func restart(_ scene: inout Scene, _ change: (inout Scene) -> Void) throws -> [String] {
        change(&scene)
        try scene.ask(.rollingRestart(pending: true))
        return scene.carryOut().filter { $0.hasPrefix("start") }
    }

    /// A cluster whose nodes were each started by this clusterd, with the redis.conf that it wrote.
    private func started() throws -> Scene {
        var scene = Scene.settled()
        // The engine does not elect a replica twice within four node timeouts.
        scene.spec.directives.append(.init(name: "cluster-node-timeout", arguments: ["100"]))
        try scene.ask(.rollingRestart(restoreRoles: true))
        _ = scene.carryOut()
        scene.run { $0.assessment.ready }
        scene.pass(.seconds(10))
        scene.hear()
        return scene
    }

    @Test func withoutPendingChangesNoNodeIsRestarted() throws {
        var scene = try started()
        #expect(try restart(&scene) { _ in } == [])
        #expect(scene.operation?.currentStep?.words == "no node waits for a restart")
    }

    @Test func aDirectiveChangedOnDiskIsPending() throws {
        var scene = try started()
        let starts = try restart(&scene) { scene in
            scene.spec.directives.append(.init(name: "databases", arguments: ["16"]))
        }
        #expect(starts.count == 6)
    }

    @Test func aDirectiveOfOneNodeIsPendingOnThatNode() throws {
        var scene = try started()
        let starts = try restart(&scene) { scene in
            scene.spec.overrides["7004"] = .init(directives: [.init(name: "maxmemory", arguments: ["1gb"])])
        }
        #expect(starts == ["start 7004"])
    }

    @Test func aDirectiveThatANodeHasLiveIsNotPending() throws {
        var scene = try started()
        let starts = try restart(&scene) { scene in
            scene.spec.overrides["7004"] = .init(directives: [.init(name: "maxmemory", arguments: ["1gb"])])
            scene.seen.check.settings["7004"] = SettingsReply(
                askedAt: scene.now, of: scene.processes["7004"] ?? Scene.identity("7004"),
                values: ["maxmemory": "1073741824"])
        }
        #expect(starts == [])
    }

    @Test func anUpgradedEngineIsPendingOnNodesThatRunTheOldOne() throws {
        var scene = try started()
        scene.seen.check.inspection = HostInspection(
            askedAt: scene.now, engine: Engine(name: .redis, version: EngineVersion(7, 0, 16)), quarantineBytes: 0,
            quarantineFolders: 0)
        scene.answer("7002") { $0.engine.version = EngineVersion(7, 0, 16) }
        try scene.ask(.rollingRestart(pending: true))
        guard case .rollingRestart(let rolling)? = scene.operation?.kind else {
            return #expect(Bool(false), "\(String(describing: scene.operation))")
        }
        #expect(rolling.remaining.map(\.node) == ["7000", "7001", "7003", "7004", "7005"])
    }

    // MARK: interruptions

    @Test func aRollingRestartResumesUnderAnotherDaemon() throws {
        for turns in stride(from: 0, to: 120, by: 5) {
            var scene = try Scene.ordered(.rollingRestart(restoreRoles: turns % 2 == 0))
            for _ in 0..<turns { scene.turn() }
            scene.replaceDaemon()
            scene.run { $0.record?.operations.contains(where: \.isOpen) == false && $0.assessment.ready }
            #expect(scene.operation?.state == .done, "after \(turns) turns: \(scene.operation?.error ?? "")")
            #expect(scene.starts.values.allSatisfy { $0 == 2 }, "after \(turns) turns: \(scene.starts)")
        }
    }
}
