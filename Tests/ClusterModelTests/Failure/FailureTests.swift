import ClusterModel
import Testing

@Suite struct FailureTests {
    @Test(
        arguments: [
            ("already-running", 1), ("no-daemon", 3), ("two-clusters", 4), ("unknown-node", 64), ("no-permission", 77),
            ("configuration", 78), ("timeout", 124), ("of-a-later-clusterd", 1),
        ] as [(String, Int32)])
    func theCodeOfAnErrorDecidesItsExitStatus(code: String, exit: Int32) {
        #expect(Failure(code, "it failed").exit == exit)
    }

    @Test func anExitStatusThatIsGivenComesBeforeThatOfTheCode() {
        #expect(Failure("folder-unusable", "it failed").exit == Failure.ExitCode.failed)
        #expect(Failure("folder-unusable", "it failed", exit: 77).exit == Failure.ExitCode.noPermission)
    }
}
