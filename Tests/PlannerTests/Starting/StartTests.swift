import ClusterModel
import Planner
import Testing

/// Invariants: slots-kept, fresh-facts.
@Suite struct StartTests {
    /// 7004 exited just now, and was surveyed after that.
    private func ended(
        _ exit: ProcessExit = ProcessExit(signal: 9), log: [String] = [], failures: Int = 1,
        _ change: (inout Scene) -> Void = { _ in }
    ) -> Scene {
        var scene = Scene.settled()
        change(&scene)
        scene.pass(.milliseconds(10))
        scene.die("7004", exit, log: log, failures: failures)
        scene.look()
        return scene
    }

    private static let bindFailed = [
        "Could not create server TCP listening socket *:7004: bind: Address already in use"
    ]
    private static let badDirective = ["*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***", "Bad directive"]

    // MARK: backoff

    @Test(arguments: [(1, 200), (2, 400), (3, 800), (5, 3200), (9, 30_000), (60, 30_000)])
    func theBackoffDoublesUpToALimit(failures: Int, milliseconds: Int) {
        var scene = ended(failures: failures)
        let due = scene.now + .milliseconds(milliseconds)
        let waiting = scene.decide()
        #expect(waiting.nodes("write") == [] && waiting.nodes("start") == [])
        #expect(
            waiting.waits.map(\.words).contains("7004 was killed by SIGKILL; it is started again in \(milliseconds) ms")
        )
        scene.pass(.milliseconds(milliseconds - 1))
        scene.hear()
        #expect(scene.decide().nodes("write") == [])
        #expect(scene.decide().wake == due)
        scene.pass(.milliseconds(1))
        #expect(scene.decide().nodes("write") == ["7004"])
    }

    @Test func theJitterIsInTheUpperHalfOfTheBackoff() {
        guard case .exited(var exit)? = ended(failures: 3).seen.processes["7004"] else { return }
        for jitter in [0, 1, 123_456_789, UInt64.max] {
            exit.jitter = jitter
            let pause = RestartPolicy.retryAt(exit, ClusterSpec.Supervision()) - exit.at
            #expect(pause >= .milliseconds(400) && pause <= .milliseconds(800))
        }
    }

    @Test func aNodeThatLostItsPortAtStartIsRetriedAtOnce() {
        var scene = ended(ProcessExit(code: 1), log: Self.bindFailed, failures: 4)
        #expect(scene.decide().orders("reserve") == [.reserve([PortPair(client: 7004)], addresses: ["127.0.0.1"])])
        let decision = scene.run { $0.nodes("start") == ["7004"] }
        #expect(decision != nil)
        #expect(scene.now < .seconds(101), "no backoff")
    }

    @Test func fiveExitsInARowAreACrashLoopAndRestartsContinue() {
        var scene = ended(ProcessExit(signal: 11), log: ["Redis 7.0.15 crashed by signal: 11"], failures: 5)
        let finding = scene.decide().finding(.crashLoop)
        #expect(finding?.severity == .error && finding?.node == "7004")
        #expect(finding?.message == "7004 ended 5 times in a row; the last time it was killed by SIGSEGV")
        scene.run { $0.nodes("start") == ["7004"] }
    }

    // MARK: restart policy

    @Test func aPermanentStartFailureIsNotRetried() {
        var scene = ended(ProcessExit(code: 1), log: Self.badDirective)
        for _ in 0..<3 {
            scene.pass(.seconds(60))
            scene.hear()
            let decision = scene.decide()
            #expect(decision.nodes("write") == [] && decision.nodes("start") == [])
            #expect(decision.finding(.nodeDown)?.hint == "clusterd restart-node 7004")
            #expect(decision.assessment.state == .degraded)
        }
    }

    typealias Restart = ClusterSpec.Supervision.Restart
    static let policies: [(Restart, ProcessExit, Bool)] = [
        (.always, ProcessExit(code: 0), true), (.always, ProcessExit(signal: 9), true),
        (.onFailure, ProcessExit(code: 0), false), (.onFailure, ProcessExit(code: 1), true),
        (.onFailure, ProcessExit(signal: 11), true), (.never, ProcessExit(code: 0), false),
        (.never, ProcessExit(signal: 9), false),
    ]

    @Test(arguments: policies)
    func theRestartPolicyIsConfigurable(policy: Restart, exit: ProcessExit, isStarted: Bool) {
        var scene = ended(exit) { $0.spec.supervision.restart = policy }
        scene.pass(.seconds(31))
        scene.hear()
        #expect(scene.decide().nodes("write") == (isStarted ? ["7004"] : []))
        #expect((scene.decide().finding(.nodeDown) == nil) == isStarted)
    }

    @Test func aNodeStoppedByTheOperatorStaysStopped() {
        var scene = ended(ProcessExit(code: 0)) { $0.record?.members[4].wanted = .stopped }
        scene.pass(.seconds(31))
        scene.hear()
        #expect(scene.decide().deeds == [])
        scene.replaceDaemon()
        scene.run { $0.assessment.progress.answering == 5 }
        #expect(scene.decide().nodes("write") == [])
    }

    @Test func theFolderIsSurveyedAfterTheExitAndBeforeTheStart() {
        var scene = Scene.settled()
        scene.pass(.milliseconds(10))
        scene.die("7004", ProcessExit(code: 0))
        scene.pass(.milliseconds(300))
        #expect(scene.decide().orders("survey") == [.survey(after: scene.now - .milliseconds(300))])
        #expect(scene.decide().nodes("write") == [])
    }

    @Test func noNodeStartsBelowMinFree() {
        var scene = ended { $0.room(100 << 20) }
        scene.pass(.seconds(1))
        scene.hear()
        let decision = scene.decide()
        #expect(decision.nodes("write") == [])
        #expect(decision.waits.contains(.roomToStart("7004")))
        #expect(decision.finding(.diskFull)?.message.contains("waiting for room: 7004") == true)
        scene.room(1 << 40)
        #expect(scene.decide().nodes("write") == ["7004"])
    }

    // MARK: start order

    /// The host was rebooted: all files are on disk and no node runs.
    private func booted(_ change: (inout Scene) -> Void = { _ in }) -> Scene {
        var scene = Scene.settled()
        scene.processes = [:]
        scene.replaceDaemon()
        change(&scene)
        return scene
    }

    private func startOrder(_ scene: inout Scene) -> [[NodeName]] {
        var order: [[NodeName]] = []
        scene.run { decision in
            if !decision.nodes("start").isEmpty { order.append(decision.nodes("start")) }
            return decision.assessment.ready
        }
        return order
    }

    @Test func mastersStartShortlyBeforeTheirReplicas() {
        var scene = booted()
        #expect(startOrder(&scene) == [["7000", "7001", "7002"], ["7003", "7004", "7005"]])
    }

    @Test func aReplicaWaitsForItsMasterToRespondForAtMostOneSecond() {
        // An access list: it starts without ghosts, for which all replicas would wait.
        var scene = booted { $0.spec.directives.append(.init(name: "user", arguments: ["default"])) }
        let decision = scene.come { $0.nodes("start") == ["7000", "7001", "7002"] }
        scene.take(decision)
        for effect in decision.effects { scene.perform(effect) }
        scene.answer("7001")
        func asked(_ scene: Scene) -> [Effect] { scene.decide().orders("reserve") }
        func port(_ port: Int) -> Effect { .reserve([PortPair(client: port)], addresses: ["127.0.0.1"]) }
        #expect(asked(scene) == [port(7004)], "7000 and 7002 do not answer yet")
        scene.pass(.milliseconds(1001))
        #expect(asked(scene) == [port(7003), port(7004), port(7005)])
    }

    /// A host that lost the master's disk: the engine would make the replica drop its keys.
    @Test func aMasterWithAnEmptyFolderDoesNotStartOverAReplicaWithKeys() {
        var scene = booted { $0.disk[Scene.folder("7000")] = nil }
        let decision = scene.run { $0.assessment.ready }
        #expect(decision?.assessment.node("7003")?.role == .master)
        #expect(decision?.assessment.node("7000")?.replicaOf == "7003")
        #expect(decision?.assessment.node("7003")?.slots == SlotSet(0...5460))
    }

    @Test func theNodesFileOfAnOldMasterDoesNotOverrideAHigherEpoch() {
        var scene = Scene.settled()
        scene.processes["7000"] = nil
        scene.takeOver("7003")
        scene.processes = [:]
        scene.replaceDaemon()
        var preserved: [NodeName] = []
        let decision = scene.run { decision in
            preserved += decision.nodes("preserve")
            return decision.assessment.ready
        }
        #expect(decision?.assessment.node("7000")?.replicaOf == "7003")
        #expect(preserved == ["7000"])
    }

    /// After a change of engine, every nodes.conf may be rejected at once: then only these files name the owners of the
    /// slots.
    @Test(arguments: [0, 1])
    func nodesFilesThatTheEngineRejectsAreRewrittenAndNoSlotIsForgotten(replicas: Int) {
        var scene = Scene.settled(replicas: replicas)
        let nodes = scene.processes.keys.sorted()
        scene.pass(.milliseconds(10))
        for node in nodes {
            scene.die(
                node, ProcessExit(code: 1), log: ["1:M # Unrecoverable error: corrupted cluster config file."])
        }
        scene.look()
        var kept: Set<NodeName> = []
        scene.run { decision in
            for case .preserve(let order) in decision.effects where order.files == ["nodes-\(order.node).conf"] {
                kept.insert(order.node)
            }
            return decision.assessment.ready
        }
        #expect(kept == Set(nodes))
        #expect(scene.starts.values.allSatisfy { $0 == 2 })
    }
}
