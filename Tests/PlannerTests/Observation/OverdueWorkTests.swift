import ClusterModel
import Testing

@testable import Planner

@Suite struct OverdueWorkTests {
    @Test func aFileOnAHungDiskIsReportedWithTheDurationAndAnExecutableHint() {
        let spec = ClusterSpec(name: "demo", dataDirectory: "/my data")
        var seen = Observation(
            bootID: "boot", wall: WallTime(milliseconds: 60_000), entropy: 0,
            engine: Engine(name: .redis, version: EngineVersion(7, 0, 15)), began: .seconds(1))
        seen.overdue = [.init(doing: "writing", path: "/my data/state.json", since: .seconds(10))]
        var turn = Turn(spec, nil, seeing: seen, at: .seconds(15))
        turn.reportRecordTrouble()
        let finding = turn.decision.findings.first
        #expect(finding?.code == .diskHangs && finding?.severity == .error)
        #expect(
            finding?.message.hasPrefix(
                "writing /my data/state.json has not returned since 1970-01-01 00:00:55 UTC: its disk does not respond")
                == true)
        #expect(finding?.hint == "findmnt -T '/my data/state.json'")
    }
}
