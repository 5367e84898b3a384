import ClusterModel
import Planner
import Testing

@Suite struct ExecLifeTests {
    private func ready() -> Decision {
        var decision = Decision(record: nil)
        decision.assessment.ready = true
        return decision
    }

    private func running() -> ExecLife {
        var life = ExecLife()
        #expect(life.clusterIs(ready()) == [.start])
        #expect(life.started() == [])
        return life
    }

    @Test func theCommandStartsOnceWhenTheClusterIsReady() {
        var life = ExecLife()
        #expect(life.clusterIs(Decision(record: nil)) == [])
        #expect(life.clusterIs(ready()) == [.start])
        #expect(life.clusterIs(ready()) == [])
        #expect(life.started() == [] && life.state == .running)
    }

    @Test(
        arguments: [
            (ProcessExit(code: 0), 0), (ProcessExit(code: 7), 7), (ProcessExit(signal: 9), 137),
            (ProcessExit(signal: 2), 130),
        ] as [(ProcessExit, Int32)])
    func execExitsWithTheExitCodeOfTheCommand(exit: ProcessExit, code: Int32) {
        var life = running()
        #expect(life.exited(exit) == [.endCluster])
        #expect(life.state == .over && life.exitCode == code && life.complaint == nil)
    }

    @Test func theExitOfTheCommandMayBeSeenBeforeItsStart() {
        var life = ExecLife()
        _ = life.clusterIs(ready())
        #expect(life.exited(ProcessExit(code: 3)) == [.endCluster])
        #expect(life.started() == [] && life.exitCode == 3)
    }

    @Test(arguments: [(2, 127), (13, 126), (8, 126)] as [(Int32, Int32)])
    func aCommandThatCannotRunHasTheExitCodesOfEnv(errno: Int32, code: Int32) {
        var life = ExecLife()
        _ = life.clusterIs(ready())
        #expect(life.couldNotStart(errno, "why") == [.endCluster])
        #expect(life.exitCode == code && life.complaint == "why")
    }

    @Test func aSignalIsForwardedToTheCommandUnlessTheTerminalSentIt() {
        var life = running()
        #expect(life.signalled(15, isOfTerminal: false) == [.forward(15)])
        #expect(life.signalled(2, isOfTerminal: false) == [.forward(2)])
        #expect(life.signalled(2, isOfTerminal: true) == [])
        #expect(life.state == .running)
    }

    @Test func aSignalBeforeTheCommandEndsTheAttempt() {
        var life = ExecLife()
        #expect(life.signalled(2, isOfTerminal: true) == [.endCluster])
        #expect(life.exitCode == 130)
        // Nothing is started even if the cluster becomes ready.
        #expect(life.clusterIs(ready()) == [])
        #expect(life.signalled(15, isOfTerminal: false) == [])
    }

    @Test func aSignalDuringTheStartIsDeliveredToTheCommandLater() {
        var life = ExecLife()
        _ = life.clusterIs(ready())
        #expect(life.signalled(15, isOfTerminal: false) == [])
        #expect(life.started() == [.forward(15)])
    }

    @Test func aCommandThatLostItsShellGetsSIGTERMAndThenSIGKILL() {
        var life = running()
        #expect(life.parentEnded() == [.forward(15), .alarm(after: ExecLife.grace)])
        #expect(life.cameDue() == [.kill])
        #expect(life.exited(ProcessExit(signal: 9)) == [.endCluster])
        #expect(life.cameDue() == [])
    }

    @Test func withoutAShellExecMakesNoCluster() {
        var life = ExecLife()
        #expect(life.parentEnded() == [.endCluster])
        #expect(life.exitCode == 129)
    }

    @Test func aClusterThatDoesNotStartExits125WithTheReason() {
        var late = ExecLife()
        #expect(late.cameUpTooLate(["for 7000 to answer"], "60s") == [.endCluster])
        #expect(late.exitCode == 125)
        #expect(late.complaint == "the cluster was not ready within 60s: waiting for 7000 to answer")

        var hopeless = ExecLife()
        var decision = Decision(record: nil)
        decision.findings = [
            Finding(.portTaken, .info, "7005 is in use"), Finding(.nodeDown, .error, "7000 refused"),
        ]
        #expect(hopeless.clusterIs(decision) == [.endCluster])
        #expect(hopeless.exitCode == 125 && hopeless.complaint == "7000 refused")

        var refused = ExecLife()
        refused.clusterEnded("no ports")
        #expect(refused.exitCode == 125 && refused.complaint == "no ports")
    }

    @Test func theStartLimitDoesNotApplyOnceTheCommandRuns() {
        var life = running()
        #expect(life.cameUpTooLate([], "60s") == [])
        var decision = Decision(record: nil)
        decision.findings = [Finding(.crashLoop, .error, "a test kills nodes")]
        #expect(life.clusterIs(decision) == [])
    }
}
