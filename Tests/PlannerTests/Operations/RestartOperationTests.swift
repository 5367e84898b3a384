import ClusterModel
import Planner
import Testing

/// Invariant: lossless-switchover.
@Suite struct RestartOperationTests {
    // MARK: the complete operation

    @Test func aReplicaIsRestartedInPlace() throws {
        var scene = try Scene.ordered(.restartNode("7004"))
        #expect(scene.carryOut() == ["shutdown 7004", "start 7004"])
        #expect(scene.record?.operations.last?.state == .done)
        #expect(
            scene.steps == [
                "stopping 7004", "starting 7004", "waiting for 7004 to load its data", "7004 is replica and in sync",
            ])
        #expect(scene.masters == ["7000", "7001", "7002"])
    }

    @Test func aMasterHandsOverBeforeItsRestartAndReturnsAsReplica() throws {
        var scene = try Scene.ordered(.restartNode("7001"))
        #expect(scene.carryOut() == ["hand over 7004", "shutdown 7001", "start 7001"])
        #expect(scene.masters == ["7000", "7004", "7002"])
        #expect(scene.record?.operations.last?.state == .done)
        #expect(scene.steps.first == "handing over to 7004")
        #expect(scene.steps.last == "7001 is replica and in sync")
        #expect(Set(scene.steps).count == scene.steps.count, "each step once: \(scene.steps)")
        #expect(scene.record?.operations.last?.steps.allSatisfy { $0.state == .done } == true)
    }

    @Test func aRestartRestoresRolesIfRequested() throws {
        var scene = try Scene.ordered(.restartNode("7001", restoreRoles: true))
        #expect(scene.carryOut() == ["hand over 7004", "shutdown 7001", "start 7001", "hand over 7001"])
        #expect(scene.masters == ["7000", "7001", "7002"])
        #expect(
            scene.steps.suffix(3) == [
                "waiting for the masters to reach 7001", "handing back from 7004", "7001 is master and in sync",
            ])
        #expect(Set(scene.steps).count == scene.steps.count, "each step once: \(scene.steps)")
    }

    @Test func withoutFailoverTheMasterIsRestartedInPlace() throws {
        var scene = try Scene.ordered(.restartNode("7001", noFailover: true))
        #expect(scene.carryOut() == ["shutdown 7001", "start 7001"])
        #expect(scene.masters == ["7000", "7001", "7002"])
    }

    @Test func forceStillHandsOverToAReplicaInSync() throws {
        var scene = try Scene.ordered(.restartNode("7001", force: true))
        #expect(scene.carryOut() == ["hand over 7004", "shutdown 7001", "start 7001"])
        #expect(Set(scene.steps).count == scene.steps.count, "each step once: \(scene.steps)")
    }

    @Test func forceRestartsAMasterWithoutACandidate() throws {
        var scene = try Scene.ordered(.restartNode("7001", force: true)) { scene in
            scene.record?.members[4].wanted = .stopped
            scene.die("7004", ProcessExit(code: 0))
            scene.look()
        }
        #expect(scene.carryOut() == ["shutdown 7001", "start 7001"])
    }

    /// No condition of the wait becomes true, however long it lasts.
    @Test func aRestartOfAReplicaWhoseMasterIsStoppedDoesNotWaitForSync() throws {
        var scene = try Scene.ordered(.restartNode("7004", force: true)) { scene in
            scene.record?.members[1].wanted = .stopped
            scene.die("7001", ProcessExit(code: 0))
            scene.look()
        }
        #expect(scene.carryOut() == ["shutdown 7004", "start 7004"])
        let operation = try #require(scene.record?.operations.last)
        #expect(operation.state == .failed)
        #expect(operation.error == "7004 runs but cannot get in sync: 7001, its master, was stopped")
    }

    // MARK: the hand-over

    /// The hand-over was ordered; the roles have not changed, and no node was queried since.
    private func handingOver(_ command: Command = .restartNode("7001")) throws -> Scene {
        var scene = try Scene.ordered(command)
        let decision = scene.decide()
        #expect(
            decision.orders("hand over") == [
                .handOver("7004", scene.contact("7004"), from: .init(master: Scene.id("7001"), epoch: 2))
            ])
        scene.take(decision)
        scene.pass(.milliseconds(1))
        scene.note(decision.orders("hand over")[0], failure: nil)
        scene.pass(.milliseconds(5))
        return scene
    }

    /// A vote that cannot be sent counts as given: the replica would wait for it forever.
    @Test func noHandOverToAReplicaThatTheMastersDoNotReachYet() throws {
        var scene = try Scene.ordered(.restartNode("7001"))
        for name in ["7000", "7002", "7003", "7005"] as [NodeName] {
            scene.answer(name) { $0.view.entries[4].linkConnected = false }
        }
        scene.answer("7001")
        scene.answer("7004")
        let early = scene.decide()
        #expect(early.orders("hand over") == [])
        #expect(early.record?.operations.last?.currentStep?.words == "waiting for the masters to reach 7004")
        scene.take(early)
        scene.answer("7002")
        #expect(scene.decide().nodes("hand over") == ["7004"])
    }

    @Test(arguments: [false, true])
    func aHandOverIsOrderedOnceAndAwaited(force: Bool) throws {
        var scene = try handingOver(.restartNode("7001", force: force))
        for _ in 0..<3 {
            let stale = scene.decide()
            scene.take(stale)
            #expect(stale.orders("hand over") == [] && stale.orders("shutdown") == [])
            scene.pass(.milliseconds(25))
            scene.hear()
            let fresh = scene.decide()
            scene.take(fresh)
            #expect(fresh.orders("hand over") == [] && fresh.orders("shutdown") == [])
        }
        #expect(scene.steps == ["handing over to 7004"])
    }

    @Test func theMasterIsStoppedOnceAllNodesAgreeAndItFollowsItsSuccessor() throws {
        var scene = try handingOver()
        scene.takeOver("7004")
        scene.pass(.milliseconds(5))
        scene.hear()
        scene.answer("7001") { $0.replication.linkUp = false }
        #expect(scene.decide().orders("shutdown") == [])
        #expect(
            scene.decide().record?.operations.last?.currentStep?.words
                == "waiting for all nodes to agree that 7004 is master")
        scene.answer("7001")
        scene.answer("7002") { report in
            report.view.entries[1].flags = .master
            report.view.entries[4].flags = .replica
        }
        #expect(scene.decide().orders("shutdown") == [])
        scene.answer("7002")
        #expect(scene.decide().nodes("shutdown") == ["7001"])
    }

    @Test func aHandOverThatDoesNotHappenFailsTheRestartWithAReason() throws {
        var scene = try handingOver()
        scene.pass(.seconds(31))
        scene.hear()
        let operation = scene.decide().record?.operations.last
        #expect(operation?.state == .failed)
        #expect(operation?.error == "7004 did not take over within 30 s; nothing was restarted")
        #expect(operation?.steps.last?.state == .failed)
        #expect(scene.decide().orders("shutdown") == [] && scene.processes["7001"] != nil)
    }

    @Test func theErrorNamesWhyAHandOverWasRefused() throws {
        var scene = try Scene.ordered(.restartNode("7001"))
        let decision = scene.decide()
        scene.take(decision)
        scene.note(decision.orders("hand over")[0], failure: "ERR no")
        scene.pass(.seconds(31))
        scene.hear()
        #expect(
            scene.decide().record?.operations.last?.error == "7004 could not take over: ERR no; nothing was restarted")
    }

    @Test func aReplicaWhoseMasterCannotLoadItsDataIsNotAwaitedForAnHour() throws {
        var scene = try Scene.ordered(.restartNode("7004"))
        scene.run { $0.nodes("start") == ["7004"] }
        scene.disk[Scene.folder("7004")]?.content = DirectoryContent()
        scene.die("7001", ProcessExit(code: 1), log: ["Unexpected end of file reading the append only file"])
        scene.look()
        for _ in 0..<40 where scene.operation?.state == .running {
            scene.answer("7004") {
                $0.replication.linkUp = false
                $0.load.keys = 0
            }
            scene.take(scene.decide())
            scene.pass(.seconds(1))
        }
        #expect(scene.operation?.state == .failed)
        #expect(
            scene.operation?.error?.hasPrefix("7004 runs but cannot get in sync: 7001, its master, could not load")
                == true,
            "\(scene.operation?.error ?? "")")
    }

    @Test func withoutAReplicaInSyncAMasterIsNotRestarted() throws {
        var scene = try Scene.ordered(.restartNode("7001"))
        for _ in 0...31 {
            scene.answer("7004") { $0.replication.linkUp = false }
            scene.take(scene.decide())
            scene.pass(.seconds(1))
        }
        let operation = scene.record?.operations.last
        #expect(operation?.state == .failed)
        #expect(operation?.error == "no replica of 7001 came into sync; nothing was restarted")
        #expect(scene.steps == ["waiting for a replica of 7001 to be in sync"])
        #expect(scene.processes["7001"] == Scene.identity("7001"))
    }

    // MARK: the start

    @Test func aNodeThatDoesNotStartFailsTheRestartWithAReason() throws {
        var scene = try Scene.ordered(.restartNode("7004"))
        scene.run { !$0.nodes("start").isEmpty }
        scene.die(
            "7004", ProcessExit(code: 1), log: ["*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***", "Bad directive"])
        scene.look()
        let operation = scene.decide().record?.operations.last
        #expect(operation?.state == .failed)
        #expect(operation?.error?.hasPrefix("7004 rejected its configuration: Bad directive") == true)
    }

    @Test func aRestartIsNotDoneBeforeTheNodeIsInSync() throws {
        var scene = try Scene.ordered(.restartNode("7004"))
        scene.run { !$0.nodes("start").isEmpty }
        scene.answer("7004") { $0.replication.syncInProgress = true }
        let decision = scene.decide()
        #expect(decision.record?.operations.last?.isOpen == true)
        #expect(decision.record?.operations.last?.currentStep?.words == "waiting for 7004 to be in sync")
    }

    @Test func aRestartFailsAfterAnHourOfLoading() throws {
        var scene = try Scene.ordered(.restartNode("7004"))
        scene.run { !$0.nodes("start").isEmpty }
        scene.answer("7004") { $0.loading = true }
        scene.take(scene.decide())
        scene.pass(.seconds(3601))
        scene.answer("7004") { $0.loading = true }
        let error = scene.decide().record?.operations.last?.error
        #expect(error == "not done after an hour: waiting for 7004 to load its data")
    }

    // MARK: interruptions

    /// clusterd is killed after each turn of the operation; the next daemon finds its state and completes it.
    @Test(arguments: [
        ("7001", false), ("7001", true), ("7004", false),
    ])
    func aRestartResumesUnderAnotherDaemon(node: String, restoreRoles: Bool) throws {
        for turns in 0..<40 {
            var scene = try Scene.ordered(.restartNode(node, restoreRoles: restoreRoles))
            for _ in 0..<turns { scene.turn() }
            scene.replaceDaemon()
            let decision = scene.run { $0.record?.operations.contains(where: \.isOpen) == false && $0.assessment.ready }
            let operation = decision?.record?.operations.last
            #expect(operation?.state == .done, "after \(turns) turns: \(operation?.error ?? "")")
            #expect(scene.starts[NodeName(node)] == 2, "after \(turns) turns")
            #expect(scene.processes.count == 6)
        }
    }

    @Test func aMasterKilledDuringItsRestartIsReplacedAndTheOperationEnds() throws {
        var scene = try handingOver()
        scene.die("7001")
        #expect(scene.carryOut() == ["promote 7004", "preserve 7001", "start 7001"])
        #expect(scene.record?.operations.last?.state == .done)
    }
}
