import ClusterModel
import Planner
import Testing

@Suite struct ExitReasonTests {
    @Test(
        arguments: [
            ("Could not create server TCP listening socket 127.0.0.1:7005: bind: Address already in use", 7005),
            ("Failed listening on port 7003 (TCP), aborting.", 7003),
        ])
    func aTakenPortIsReadFromTheLog(line: String, port: Int) {
        let reason = ExitReason(exit: ProcessExit(code: 1), logTail: ["12:C # oO0OoO0OoO0Oo", line])
        #expect(reason.kind == .portTaken(port))
        #expect(reason.cause == "could not bind port \(port): address already in use")
    }

    @Test func whatTheEngineSaysOfItsConfigurationIsPassedOn() {
        let reason = ExitReason(
            exit: ProcessExit(code: 1),
            logTail: ["*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***", ">>> 'foo bar'", "Bad directive"])
        #expect(reason.kind == .badDirective)
        #expect(reason.isHopeless)
        #expect(reason.cause == "refused its configuration: Bad directive")
    }

    @Test func signalsAndCodesAreNamed() {
        #expect(ExitReason(exit: ProcessExit(signal: 9), logTail: []).cause == "killed by SIGKILL")
        #expect(ExitReason(exit: ProcessExit(signal: 9), logTail: []).kind == .killed)
        #expect(ExitReason(exit: ProcessExit(signal: 11, coreDumped: true), logTail: []).kind == .crashed)
        #expect(ExitReason(exit: ProcessExit(code: 0), logTail: ["anything"]).kind == .clean)
        #expect(ExitReason(exit: ProcessExit(code: 3), logTail: []).cause == "exited with code 3")
    }
}
