import ClusterModel
import Planner
import Testing

@testable import Orchestrator

/// Which findings are one finding, and when it is reported.
@Suite struct FindingEventsTests {
    private func scene(_ now: Moment) -> Scene {
        let cycle = Cycle(
            spec: ClusterSpec(name: "demo", dataDirectory: "/data"), record: nil,
            engine: Engine(name: .redis, version: EngineVersion(7, 0, 15)), bootID: "boot", now: .seconds(0),
            wall: WallTime(milliseconds: 1), entropy: 1)
        return Scene(cycle: cycle, before: nil, now: now)
    }

    /// The events of turns with these findings, one turn a second.
    private func told(_ turns: [[Finding]]) -> [String] {
        var detector = FindingEvents()
        var told: [String] = []
        for (second, findings) in turns.enumerated() {
            let events = detector.events(findings, scene(.seconds(Double(second))))
            told += events.map { "\($0.code.rawValue): \($0.message)" }
        }
        return told
    }

    @Test func aFindingWhoseMessageChangesIsReportedOnce() {
        let causes = ["exited with code 1", "exited with code 2", "was killed by SIGKILL", "was killed by SIGABRT"]
        let turns = causes.map { [Finding(.nodeDown, .warning, node: "7000", "7000 \($0)")] }
        #expect(told(turns) == ["finding-appeared: 7000 exited with code 2"])
    }

    @Test func findingsOfOneCodeWithDifferentSubjectsAreReportedEach() {
        let findings = [1, 2].map { Finding(.slotOpen, .error, about: .slot($0), "slot \($0) is half moved") }
        #expect(
            told([findings, findings, findings]) == [
                "finding-appeared: slot 1 is half moved", "finding-appeared: slot 2 is half moved",
            ])
    }

    @Test func aChangeOfSeverityIsReported() {
        let mild = [Finding(.diskLow, .warning, "the disk is low")]
        let severe = [Finding(.diskLow, .error, "the disk is very low")]
        #expect(
            told([mild, mild, severe, severe]) == [
                "finding-appeared: the disk is low", "finding-appeared: the disk is very low",
            ])
    }

    @Test func ofTwoSeveritiesInOneTurnTheHigherIsReportedOnce() {
        let both = [
            Finding(.nodeDown, .warning, node: "7000", "7000 was killed by SIGKILL"),
            Finding(.nodeDown, .error, node: "7000", "7000 stays down"),
        ]
        #expect(told([both, both, both, both]) == ["finding-appeared: 7000 stays down"])
    }

    @Test func aFindingClearsAfterThreeSecondsOfAbsence() {
        let finding = [Finding(.nodeDown, .error, node: "7000", "7000 stays down")]
        #expect(told([finding, finding, [], [], finding]) == ["finding-appeared: 7000 stays down"])
        #expect(
            told([finding, finding, [], [], []]) == [
                "finding-appeared: 7000 stays down", "finding-cleared: cleared: 7000 stays down",
            ])
    }
}
