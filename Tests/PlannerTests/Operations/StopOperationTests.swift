import ClusterModel
import Planner
import Testing

/// Invariant: no-unrequested-stop.
@Suite struct StopOperationTests {
    @Test func aStoppedReplicaStaysStopped() throws {
        var scene = try Scene.ordered(.stopNode("7004"))
        #expect(scene.carryOut() == ["shutdown 7004"])
        #expect(scene.operation?.state == .done)
        #expect(scene.steps == ["stopping 7004", "7004 is stopped"])
        #expect(scene.member("7004").wanted == .stopped)
        for _ in 0..<5 { #expect(scene.turn().nodes("start").isEmpty) }
        scene.replaceDaemon()
        let decision = scene.run { $0.assessment.ready }
        #expect(scene.processes["7004"] == nil)
        let finding = decision?.finding(.nodeStopped)
        #expect(finding?.node == "7004" && finding?.severity == .warning && finding?.hint == "clusterd start-node 7004")
    }

    @Test func aStopWaitsForARunningStartAndEndsItsProcess() throws {
        var orders: [Effect] = []
        var scene = try Scene.ordered(.stopNode("7004")) { scene in
            scene.pass(.milliseconds(10))
            scene.die("7004")
            scene.look()
            let decision = scene.come { $0.nodes("start") == ["7004"] }
            scene.take(decision)
            orders = decision.orders("start")
            scene.begin(orders[0])
        }
        scene.turn()
        #expect(scene.operation?.state == .running)
        #expect(scene.steps == ["waiting for what is under way at 7004"])
        scene.perform(orders[0])
        #expect(scene.carryOut() == ["shutdown 7004"])
        #expect(scene.operation?.state == .done && scene.processes["7004"] == nil)
    }

    @Test func aStoppedReplicaIsOnlyANoticeIfAnotherReplicaRuns() throws {
        var scene = try Scene.ordered(.stopNode("7004"), replicas: 2)
        _ = scene.carryOut()
        #expect(scene.run { $0.assessment.ready }?.finding(.nodeStopped)?.severity == .info)
    }

    @Test func aStoppedNodeLeavesTheClusterReadyButDegraded() throws {
        var scene = try Scene.ordered(.stopNode("7004"))
        _ = scene.carryOut()
        let assessment = scene.run { $0.assessment.ready }?.assessment
        #expect(assessment?.serving == true && assessment?.state == .degraded)
    }

    @Test func aMasterHandsOverBeforeItIsStopped() throws {
        var scene = try Scene.ordered(.stopNode("7001"))
        #expect(scene.carryOut() == ["hand over 7004", "shutdown 7001"])
        #expect(scene.masters == ["7000", "7004", "7002"])
        #expect(scene.member("7001").wanted == .stopped)
    }

    /// The operator's request is on disk before the process is told to shut down: a daemon that is killed in between
    /// finds it there.
    @Test func theWantedStateIsRecordedWithTheShutdownAndNotBefore() throws {
        var scene = try Scene.ordered(.stopNode("7001"))
        scene.run { decision in
            let isToldToEnd = decision.nodes("shutdown") == ["7001"]
            #expect(decision.record?.member("7001")?.wanted == (isToldToEnd ? .stopped : .running))
            return isToldToEnd
        }
    }

    @Test func withoutFailoverAMasterIsStoppedAndNoReplicaIsPromoted() throws {
        var scene = try Scene.ordered(.stopNode("7001", noFailover: true))
        #expect(scene.carryOut() == ["shutdown 7001"])
        for _ in 0..<20 { #expect(scene.turn().story.isEmpty) }
        #expect(scene.masters == ["7000", "7001", "7002"])
        #expect(scene.decide().assessment.serving == false)
    }

    @Test func aStopThatWouldTakeSlotsDownIsRefused() {
        let refusal = Scene.settled(replicas: 0).refusal(.stopNode("7001"))
        #expect(refusal?.reason == .noReplica && refusal?.exit == 4)
        #expect(refusal?.message.contains("slots 5462-10922") == true || refusal?.message.contains("slots 546") == true)
        #expect(refusal?.hint?.contains("clusterd stop-node 7001 --no-failover") == true)
    }

    @Test func aSecondNodeOfAShardIsRefused() throws {
        var scene = try Scene.ordered(.stopNode("7004"), replicas: 2)
        _ = scene.carryOut()
        scene.run { $0.assessment.ready }
        for command in [Command.stopNode("7007"), .restartNode("7007"), .stopNode("7001"), .rollingRestart()] {
            let refusal = scene.refusal(command)
            #expect(refusal?.reason == .secondNode && refusal?.exit == 4, "\(command)")
            #expect(refusal?.message.hasPrefix("7004 of its shard is stopped") == true)
            #expect(refusal?.hint?.contains("--force") == true)
        }
        try scene.ask(.stopNode("7007", force: true))
        #expect(scene.carryOut() == ["shutdown 7007"])
    }

    @Test func aStopWaitsForADeadNodeOfTheSameShard() throws {
        var scene = try Scene.ordered(.stopNode("7004"), replicas: 2)
        scene.die("7007")
        scene.look()
        let decision = scene.decide()
        #expect(decision.orders("shutdown") == [])
        #expect(
            decision.record?.operations.last?.currentStep?.words
                == "waiting to stop 7004: 7007 of its shard does not run")
        scene.take(decision)
        #expect(scene.carryOut() == ["start 7007", "shutdown 7004"])
    }

    @Test func stoppingAStoppedNodeIsDoneAtOnce() throws {
        var scene = try Scene.ordered(.stopNode("7004"))
        _ = scene.carryOut()
        let again = try scene.ask(.stopNode("7004"))
        #expect(again.state == .done && again.currentStep?.words == "7004 is stopped already")
    }

    @Test func aFailedStopRestoresTheWantedState() throws {
        var scene = try Scene.ordered(.stopNode("7004")) { scene in
            scene.answer("7004") { $0.persistence.appendOnly = false }
        }
        for _ in 0..<700 where scene.hasOpenOperations {
            scene.answer("7004") { $0.persistence.appendOnly = false }
            let decision = scene.decide()
            scene.take(decision)
            for order in decision.orders("shutdown") { scene.note(order, failure: "ERR Errors trying to SHUTDOWN") }
            scene.pass(.seconds(1))
        }
        #expect(scene.operation?.state == .failed)
        #expect(scene.member("7004").wanted == .running && scene.processes["7004"] != nil)
    }

    // MARK: start-node

    @Test func aStoppedNodeIsStarted() throws {
        var scene = try Scene.ordered(.stopNode("7001"))
        _ = scene.carryOut()
        try scene.ask(.startNode("7001"))
        #expect(scene.member("7001").wanted == .running)
        #expect(scene.carryOut() == ["start 7001"])
        #expect(scene.steps.last == "7001 runs as replica")
        let again = try scene.ask(.startNode("7001"))
        #expect(again.state == .done && again.currentStep?.words == "7001 runs already")
    }

    @Test func startNodeRetriesANodeThatIsNoLongerRestarted() throws {
        var scene = Scene.settled()
        scene.spec.supervision.restart = .never
        scene.die("7004", ProcessExit(code: 1))
        scene.look()
        #expect(scene.decide().nodes("start").isEmpty)
        try scene.ask(.startNode("7004"))
        #expect(scene.carryOut() == ["start 7004"])
    }

    @Test func aStoppedNodeIsNotRestarted() throws {
        var scene = try Scene.ordered(.stopNode("7004"))
        _ = scene.carryOut()
        let refusal = scene.refusal(.restartNode("7004"))
        #expect(refusal?.hint == "clusterd start-node 7004")
    }

    // MARK: interruptions

    @Test(arguments: [("7001", false), ("7001", true), ("7004", false)])
    func aStopResumesUnderAnotherDaemon(node: String, noFailover: Bool) throws {
        for turns in 0..<30 {
            var scene = try Scene.ordered(.stopNode(node, noFailover: noFailover))
            for _ in 0..<turns { scene.turn() }
            scene.replaceDaemon()
            scene.run { $0.record?.operations.contains(where: \.isOpen) == false }
            #expect(scene.operation?.state == .done, "after \(turns) turns: \(scene.operation?.error ?? "")")
            #expect(scene.processes[NodeName(node)] == nil && scene.member(NodeName(node)).wanted == .stopped)
            #expect(scene.starts[NodeName(node)] == 1 && scene.processes.count == 5, "after \(turns) turns")
        }
    }

    @Test func aStoppedNodeStartedByHandIsReported() throws {
        var scene = try Scene.ordered(.stopNode("7004"))
        _ = scene.carryOut()
        scene.replaceDaemon()
        scene.processes["7004"] = Scene.identity("7004", life: 5)
        scene.run { $0.assessment.ready }
        #expect(scene.decide().orders("shutdown") == [])
    }
}
