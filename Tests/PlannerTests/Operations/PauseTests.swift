import ClusterModel
import Planner
import Testing

@Suite struct PauseTests {
    private func paused(for duration: Duration? = nil) throws -> Scene {
        var scene = Scene.settled()
        try scene.ask(.pause(duration))
        return scene
    }

    @Test func duringAPauseNoNodeIsRestartedOrPromoted() throws {
        var scene = try paused()
        scene.die("7001")
        scene.die("7005")
        scene.look()
        for _ in 0..<300 { #expect(scene.turn().story.isEmpty) }
        let decision = scene.decide()
        #expect(
            decision.finding(.paused)?.severity == .warning && decision.finding(.paused)?.hint == "clusterd resume")
        #expect(decision.finding(.nodeDown)?.hint == "clusterd start-node 7001")
        #expect(decision.finding(.nodeDown)?.message == "7001 was killed by SIGKILL; clusterd is paused")
        #expect(decision.assessment.phase == .ready, "systemd does not wait for it")
    }

    @Test func aPauseHoldsUnderAnotherDaemon() throws {
        var scene = try paused()
        scene.die("7001")
        scene.replaceDaemon()
        for _ in 0..<300 { #expect(scene.turn().story.isEmpty) }
        #expect(
            scene.decide().finding(.nodeDown)?.message
                == "7001 ended while clusterd was not running; clusterd is paused")
        try scene.ask(.resume)
        scene.run { $0.assessment.ready }
        #expect(scene.processes.count == 6)
    }

    @Test func aRebootedHostStartsItsNodesDespiteAPause() throws {
        var scene = try paused()
        for node in scene.processes.keys { scene.processes[node] = nil }
        scene.replaceDaemon()
        scene.seen.bootID = "another boot"
        scene.run { $0.assessment.ready }
        #expect(scene.processes.count == 6)
        #expect(scene.decide().finding(.paused) != nil)
    }

    @Test func aStoppedClusterStartsEntirelyDespiteAPause() throws {
        var scene = try paused()
        scene.seen.intent = .stop(asked: scene.now, kill: false)
        scene.run { $0.end == .done }
        scene.replaceDaemon()
        scene.run { $0.assessment.ready }
        #expect(scene.processes.count == 6)
    }

    @Test func commandsWorkDuringAPause() throws {
        var scene = try paused()
        try scene.ask(.restartNode("7001"))
        #expect(scene.carryOut() == ["hand over 7004", "shutdown 7001", "start 7001"])
        scene.die("7001")
        scene.look()
        try scene.ask(.startNode("7001"))
        #expect(scene.carryOut() == ["start 7001"])
    }

    @Test func aPauseExpires() throws {
        var scene = try paused(for: .seconds(10))
        scene.die("7005")
        scene.look()
        let decision = scene.decide()
        #expect(decision.finding(.paused)?.message.hasPrefix("paused until 2023-11-14 22:13:30 UTC: ") == true)
        #expect(decision.wake.map { $0 <= scene.now + .seconds(10) } == true)
        scene.pass(.seconds(10))
        scene.hear()
        scene.run { $0.assessment.ready }
        #expect(scene.record?.pause == nil && scene.processes.count == 6)
    }

    @Test func aSecondPauseMovesTheEndAndARepeatedResumeIsHarmless() throws {
        var scene = try paused(for: .seconds(10))
        scene.pass(.seconds(2))
        let again = try scene.ask(.pause(nil))
        #expect(again.state == .done && again.currentStep?.words == "paused until clusterd resume")
        #expect(scene.record?.pause == Pause(since: Scene.wall, until: nil))
        #expect(try scene.ask(.resume).currentStep?.words == "automatic restarts and failovers are resumed")
        #expect(try scene.ask(.resume).currentStep?.words == "it was not paused")
    }

    /// A paused shard is not in transition: nodes are not queried forty times a second while one is left down.
    @Test func whileAPauseLeavesANodeDownTheOthersAreQueriedLessOften() throws {
        var scene = try paused()
        scene.die("7004")
        for _ in 0..<5 { scene.turn() }
        func pause() throws -> Duration {
            scene.hear()
            return try #require(scene.decide().wake) - scene.now
        }
        #expect(try pause() <= .milliseconds(25))
        scene.pass(.seconds(20))
        #expect(try pause() >= .milliseconds(200))
        // The next change is noticed at once.
        scene.die("7005")
        #expect(try pause() <= .milliseconds(25))
    }
}
