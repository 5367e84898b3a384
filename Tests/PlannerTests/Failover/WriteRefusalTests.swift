import ClusterModel
import Planner
import Testing

/// `min-replicas-to-write`: a master that rejects writes does not serve, and a command that would stop writes is
/// refused.
/// Invariant: ready-is-true.
@Suite struct WriteRefusalTests {
    /// Every master asks for this many replicas, and the engine counts those that are in sync.
    private static func asking(_ wanted: Int, replicas: Int = 1, good: Int? = nil) -> Scene {
        var scene = Scene.settled(replicas: replicas)
        for name in scene.processes.keys.sorted() { answer(&scene, name, wanted, good ?? replicas) }
        return scene
    }

    private static func answer(_ scene: inout Scene, _ name: NodeName, _ wanted: Int, _ good: Int?) {
        scene.answer(name) { report in
            report.settings["min-replicas-to-write"] = String(wanted)
            report.replication.goodReplicas = good
        }
    }

    @Test(
        arguments: [(1, 0, true), (2, 1, true), (1, 1, false), (0, 0, false), (1, nil, false)] as [(Int, Int?, Bool)])
    func aMasterThatRefusesWritesDoesNotServe(wanted: Int, good: Int?, refuses: Bool) throws {
        var scene = Scene.settled()
        Self.answer(&scene, "7000", wanted, good)
        var decision = scene.decide()
        #expect(decision.assessment.serving == !refuses && decision.assessment.ready == !refuses)
        #expect((decision.assessment.state == .down) == refuses)
        #expect(decision.assessment.slotsCovered == 16384)
        #expect(
            decision.waits.contains(.replicasForWrites(of: ["7000"])) == refuses)
        scene.take(decision)
        scene.pass(.seconds(3))
        for name in scene.processes.keys.sorted() { scene.answer(name) }
        Self.answer(&scene, "7000", wanted, good)
        decision = scene.decide()
        let finding = decision.finding(.writesRefused)
        #expect((finding != nil) == refuses && finding?.severity ?? .error == .error)
        let report = HealthReport(decision, scene.spec)
        #expect(report.isHealthy == !refuses)
        #expect(report.passed.contains("All 16384 slots covered.") == !refuses)
        #expect(report.passed.contains("Every master has its replica, in sync.") == !refuses)
    }

    @Test func theHintRestoresWrites() throws {
        func hint(_ change: (inout Scene) -> Void) -> String? {
            var scene = Scene.settled()
            change(&scene)
            for _ in 0..<2 {
                for name in scene.processes.keys.sorted() { scene.answer(name) }
                Self.answer(&scene, "7000", 2, 1)
                scene.take(scene.decide())
                scene.pass(.seconds(3))
            }
            return scene.decide().finding(.writesRefused)?.hint
        }
        #expect(hint { $0.record?.members[3].wanted = .stopped } == "clusterd start-node 7003")
        #expect(
            hint { $0.spec.directives.append(.init(name: "min-replicas-to-write", arguments: ["2"])) }
                == "set redis.min-replicas-to-write to 1 or lower in the configuration, then: clusterd reload")
        #expect(hint { _ in }?.hasSuffix("redis-cli -p 7000 CONFIG SET min-replicas-to-write 0") == true)
    }

    static let commands: [Command] = [
        .restartNode("7003"), .restartNode("7000"), .stopNode("7003"), .rollingRestart(),
    ]

    @Test(arguments: commands, [(1, 1), (2, 2), (2, 1), (1, 0)])
    func aCommandThatWouldStopWritesIsRefused(command: Command, case row: (replicas: Int, wanted: Int)) {
        let scene = Self.asking(row.wanted, replicas: row.replicas)
        guard row.wanted > row.replicas - 1 else { return Self.admits(scene, command) }
        let refusal = scene.refusal(command)
        #expect(refusal?.reason == .writesWouldStop && refusal?.exit == 4)
        #expect(refusal?.hint?.hasSuffix("--force") == true)
    }

    @Test func withForceACommandThatStopsWritesIsAdmitted() {
        let scene = Self.asking(1)
        Self.admits(scene, .restartNode("7003", force: true))
        Self.admits(scene, .stopNode("7003", force: true))
        Self.admits(scene, .rollingRestart(force: true))
        // Writes are rejected already: the command does not make it worse.
        Self.admits(Self.asking(1, good: 0), .restartNode("7003"))
    }

    private static func admits(_ scene: Scene, _ command: Command) {
        var scene = scene
        #expect(throws: Never.self) { try scene.ask(command) }
    }
}
