import ClusterModel
import Planner
import Testing

/// Invariant: lossless-switchover.
@Suite struct FailoverOperationTests {
    @Test func aReplicaTakesOverFromARunningMaster() throws {
        var scene = try Scene.ordered(.failover("7004"))
        #expect(scene.carryOut() == ["hand over 7004"])
        #expect(scene.masters == ["7000", "7004", "7002"])
        #expect(scene.operation?.state == .done && scene.operation?.node == "7004")
        #expect(scene.steps.first == "handing over to 7004")
        #expect(scene.steps.last?.hasPrefix("7004 is master of ") == true)
    }

    @Test func failoverFromAMasterChoosesTheBestReplica() throws {
        var scene = Scene.settled(replicas: 2)
        scene.answer("7007") { $0.replication.offset = 2000 }
        try scene.ask(.failoverFrom("7001"))
        #expect(scene.decide().nodes("hand over") == ["7007"])
        #expect(scene.carryOut() == ["hand over 7007"])
        #expect(scene.masters == ["7000", "7007", "7002"])
    }

    @Test func failoverToTheCurrentMasterChangesNothing() throws {
        var scene = Scene.settled()
        let already = try scene.ask(.failover("7001"))
        #expect(already.state == .done && already.currentStep?.words.hasPrefix("7001 is master already") == true)
        let gone = try scene.ask(.failoverFrom("7004"))
        #expect(gone.state == .done && gone.currentStep?.words == "7004 is no master; 7001 is master of its shard")
        #expect(scene.decide().story.isEmpty)
    }

    /// Only the old master, once, and only where the engine would continue the pause.
    @Test(arguments: [(EngineVersion(6, 2, 5), ["7001"]), (EngineVersion(7, 0, 15), [])])
    func theOldMasterIsUnpausedAfterAHandOver(version: EngineVersion, told: [NodeName]) throws {
        var scene = Scene.settled()
        scene.seen.engine.version = version
        try scene.ask(.failover("7004"))
        var unpaused: [NodeName] = []
        scene.run { decision in
            unpaused += decision.nodes("unpause")
            return decision.record?.operations.contains(where: \.isOpen) == false
        }
        for _ in 0..<10 {
            unpaused += scene.decide().nodes("unpause")
            scene.pass(.seconds(1))
        }
        #expect(unpaused == told)
        #expect(scene.masters == ["7000", "7004", "7002"])
    }

    /// A failover to the replica and back, so that each of the two has stood for election once.
    private static func thereAndBack(nodeTimeout: String = "500") throws -> (scene: Scene, began: Moment) {
        var scene = Scene.settled()
        scene.spec.directives.append(.init(name: "cluster-node-timeout", arguments: [nodeTimeout]))
        let began = scene.now
        try scene.ask(.failover("7004"))
        #expect(scene.carryOut() == ["hand over 7004"])
        try scene.ask(.failover("7001"))
        #expect(scene.carryOut() == ["hand over 7001"])
        return (scene, began)
    }

    /// Without the wait the engine would not elect the replica, and writes would stall meanwhile.
    @Test func aSecondElectionOfAReplicaWaitsUntilTheEngineAllowsIt() throws {
        var (scene, began) = try Self.thereAndBack()
        try scene.ask(.failover("7004"))
        scene.run { $0.nodes("hand over") == ["7004"] }
        #expect(scene.now - began >= .seconds(9) && scene.now - began < .seconds(11))
        scene.run { $0.record?.operations.contains(where: \.isOpen) == false }
        #expect(scene.masters == ["7000", "7004", "7002"])
        let waits = scene.steps.filter {
            $0.hasSuffix(": the engine refuses a second election of a replica of 7001 so soon")
        }
        #expect(waits.count == 1, "\(scene.steps)")
    }

    @Test func theWaitForASecondElectionNamesItsDuration() throws {
        var (scene, began) = try Self.thereAndBack(nodeTimeout: "15000")
        let passed = scene.now - began
        try scene.ask(.failover("7004"))
        // The node is queried before it is told to stand for election.
        scene.take(scene.decide())
        scene.hear()
        let seconds = 65 - passed.components.seconds
        #expect(scene.decide().waits.contains { $0.words.contains("waiting \(seconds) s: the engine refuses") })
    }

    /// The engines remember the election longer than clusterd lives.
    @Test func anotherDaemonAlsoWaitsForASecondElection() throws {
        var (scene, _) = try Self.thereAndBack()
        scene.replaceDaemon()
        scene.run { $0.assessment.ready }
        try scene.ask(.failover("7004"))
        #expect(scene.decide().nodes("hand over") == [])
    }

    /// A new process remembers no election of its own; the masters remember their votes for two node timeouts.
    @Test func aRestartedReplicaMayStandForElectionSooner() throws {
        var (scene, began) = try Self.thereAndBack()
        scene.die("7004")
        scene.look()
        scene.run { $0.assessment.ready }
        try scene.ask(.failover("7004"))
        scene.run { $0.nodes("hand over") == ["7004"] }
        #expect(scene.now - began >= .seconds(6) && scene.now - began < .seconds(8))
    }

    // MARK: refusals

    @Test func aReplicaThatIsNotInSyncIsRefused() {
        var scene = Scene.settled()
        scene.answer("7004") { $0.replication.linkUp = false }
        for command in [Command.failover("7004"), .failoverFrom("7001")] {
            let refusal = scene.refusal(command)
            #expect(refusal?.reason == .replicaNotInSync && refusal?.exit == 4)
            #expect(refusal?.hint?.contains("--force") == true)
        }
    }

    @Test func aReplicaThatNeverSyncedIsRefusedEvenWithForce() {
        var scene = Scene.settled()
        scene.answer("7004") { report in
            report.replication.linkUp = false
            report.replication.offset = 0
        }
        scene.seen.lastInSync = [:]
        #expect(scene.refusal(.failover("7004", force: true))?.reason == .replicaEmpty)
    }

    @Test func aReplicaThatDoesNotRunIsRefused() {
        var scene = Scene.settled()
        scene.die("7004")
        scene.look()
        #expect(scene.refusal(.failover("7004"))?.reason == .nodeIsStopped)
        #expect(scene.refusal(.failoverFrom("7001"))?.reason == .noReplica)
    }

    // MARK: force

    /// A replica that lost its link: the master is stopped with its keys saved, and only then is the replica promoted.
    @Test func forceStopsAMasterThatCannotHandOver() throws {
        var scene = Scene.settled()
        scene.answer("7004") { $0.replication.linkUp = false }
        try scene.ask(.failover("7004", force: true))
        var orders: [String] = []
        for _ in 0..<400 where scene.hasOpenOperations {
            if scene.processes["7001"] != nil {
                for name in scene.processes.keys.sorted() where name != "7004" { scene.answer(name) }
                scene.answer("7004") { $0.replication.linkUp = false }
                let decision = scene.decide()
                orders += decision.story
                scene.take(decision)
                for effect in decision.effects where effect.node != "7004" { scene.perform(effect) }
                scene.pass(.milliseconds(100))
            } else {
                scene.answer("7004") { $0.replication.linkUp = false }
                orders += scene.turn().story
            }
        }
        #expect(orders.prefix(2) == ["shutdown 7001", "promote 7004"], "\(orders)")
        #expect(scene.masters == ["7000", "7004", "7002"])
        #expect(scene.operation?.state == .done, "\(scene.operation?.error ?? "")")
    }

    @Test func aMasterThatDoesNotAnswerIsKilledBeforeItIsReplaced() throws {
        var scene = Scene.settled()
        scene.pass(.seconds(20))
        for name in scene.processes.keys.sorted() where name != "7001" { scene.answer(name) }
        silence("7001", &scene)
        #expect(scene.refusal(.failover("7004"))?.reason == .masterSilent)
        try scene.ask(.failover("7004", force: true))
        var orders: [String] = []
        for _ in 0..<600 where scene.hasOpenOperations {
            for name in scene.processes.keys.sorted() where name != "7001" { scene.answer(name) }
            if scene.processes["7001"] != nil { silence("7001", &scene) }
            if scene.processes["7001"] == nil {
                scene.answer("7004") { $0.replication.linkUp = $0.replication.role == .replica && false }
            }
            let decision = scene.decide()
            orders += decision.story
            scene.take(decision)
            for effect in decision.effects {
                if case .shutdown = effect { scene.begin(effect) } else { scene.perform(effect) }
            }
            scene.pass(.milliseconds(100))
        }
        #expect(orders.filter { !$0.hasPrefix("shutdown") }.prefix(2) == ["kill 7001", "promote 7004"], "\(orders)")
        #expect(scene.masters[1] == "7004")
    }

    private func silence(_ node: NodeName, _ scene: inout Scene) {
        guard case .running(let process) = scene.seen.processes[node] else { return }
        scene.seen.replies[node] = NodeReply(
            askedAt: scene.now, answeredAt: scene.now, of: process.identity, outcome: .silent)
    }

    @Test func forceHandsOverIfPossible() throws {
        var scene = try Scene.ordered(.failover("7004", force: true))
        #expect(scene.carryOut() == ["hand over 7004"])
    }

    // MARK: a dead master

    @Test func duringAPauseFailoverReplacesADeadMaster() throws {
        var scene = Scene.settled()
        try scene.ask(.pause(nil))
        scene.die("7001")
        scene.look()
        for _ in 0..<200 { #expect(scene.turn().story.isEmpty) }
        try scene.ask(.failover("7004"))
        scene.hear()
        scene.answer("7004") { $0.replication.linkUp = false }
        #expect(scene.carryOutWithDeadLink() == ["promote 7004"])
        #expect(scene.masters == ["7000", "7004", "7002"])
        #expect(scene.processes["7001"] == nil, "it is paused")
    }

    @Test func withFailoverOffReplacingADeadMasterNeedsForce() throws {
        var scene = Scene.settled()
        scene.spec.supervision.failover = .off
        try scene.ask(.pause(nil))
        scene.die("7001")
        scene.look()
        let refusal = scene.refusal(.failover("7004"))
        #expect(refusal?.reason == .masterDown && refusal?.exit == 4)
        #expect(refusal?.hint?.contains("clusterd failover 7004 --force") == true)
        try scene.ask(.failover("7004", force: true))
        #expect(scene.carryOutWithDeadLink() == ["promote 7004"])
    }

    // MARK: interruptions

    @Test func aFailoverResumesUnderAnotherDaemon() throws {
        for turns in 0..<20 {
            var scene = try Scene.ordered(.failover("7004"))
            for _ in 0..<turns { scene.turn() }
            scene.replaceDaemon()
            scene.run { $0.record?.operations.contains(where: \.isOpen) == false && $0.assessment.ready }
            #expect(scene.operation?.state == .done, "after \(turns) turns: \(scene.operation?.error ?? "")")
            #expect(scene.masters == ["7000", "7004", "7002"] && scene.starts.values.allSatisfy { $0 == 1 })
        }
    }
}

extension Scene {
    /// Like `carryOut`, where the replica's link ended with its master.
    fileprivate mutating func carryOutWithDeadLink() -> [String] {
        var orders: [String] = []
        for _ in 0..<400 where hasOpenOperations {
            if masters[1] == "7001" { answer("7004") { $0.replication.linkUp = false } }
            let decision = decide()
            orders += decision.story
            take(decision)
            for effect in decision.effects {
                if case .ask("7004", _) = effect, masters[1] == "7001" {
                    answer("7004") { $0.replication.linkUp = false }
                } else {
                    perform(effect)
                }
            }
            pass(.milliseconds(5))
        }
        return orders
    }
}
