import ClusterModel
import Foundation
import NodeFiles
import Testing

@testable import clusterd

/// The engines' own logs, merged.
@Suite struct LogTests {
    /// As if the host were in UTC.
    private static func wall(_ civil: CivilTime) -> WallTime {
        var parts = DateComponents()
        parts.timeZone = TimeZone(identifier: "UTC")
        (parts.year, parts.month, parts.day) = (civil.year, civil.month, civil.day)
        (parts.hour, parts.minute, parts.second) = (civil.hour, civil.minute, civil.second)
        let seconds = Calendar(identifier: .gregorian).date(from: parts)?.timeIntervalSince1970 ?? 0
        return WallTime(milliseconds: Int64(seconds) * 1000 + Int64(civil.millisecond))
    }

    @Test(arguments: [
        ("4131:M 24 Nov 2026 22:42:43.968 # Valkey is now ready to exit, bye bye...", 1_795_560_163_968),
        ("4131:C 01 Jan 1970 00:00:00.001 * x", 1),
        ("4145:M 2026-11-24T22:42:44.192+00:00 # Valkey", 1_795_560_164_192),
        ("4145:M 2026-11-24T23:42:44.192+01:00 # Valkey", 1_795_560_164_192),
        ("4159:M 1795560164378 # Valkey", 1_795_560_164_378),
        (#"pid=4177 role=primary timestamp="24 Nov 2026 22:42:44.557" level=warning message="x""#, 1_795_560_164_557),
        (#"pid=4194 role=primary timestamp="2026-11-24T22:42:44.736+00:00" level=warning"#, 1_795_560_164_736),
        (#"pid=4212 role=primary timestamp="1795560164913" level=warning message="x""#, 1_795_560_164_913),
        ("4131:signal-handler (1795560163) Received SIGTERM scheduling shutdown...", 1_795_560_163_000),
    ])
    func everyTimeFormatIsRead(line: String, milliseconds: Int64) {
        #expect(LogLine.time(ArraySlice(Array(line.utf8)), wall: Self.wall)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", " ", "=== REDIS BUG REPORT START: Cut & paste starting from here ===", "Backtrace:", "0: x",
        "12:M", "12:M ", "12:M 24 Nov", "12:M 24 Foo 2026 10:00:00.000 # x", "12:M 24 Nov 2026 10:00 # x", "pid=3 x",
        "                _._", "12:M \u{FFFD}",
    ])
    func aLineWithoutATimeHasNone(line: String) {
        #expect(LogLine.time(ArraySlice(Array(line.utf8)), wall: Self.wall) == nil)
    }

    @Test(arguments: [
        ("plain \t text: äöü €", "plain \t text: äöü €"), ("\u{1B}[31m", "^[[31m"), ("a\rb\u{7F}", "a^Mb^?"),
        ("\u{9B}31m", "M-^[31m"), ("Â", "Â"),
    ])
    func controlCharactersInALogNeverReachTheTerminal(text: String, shown: String) {
        #expect(TerminalText.visible(text) == shown)
    }

    @Test func linesOfSeveralNodesAreMergedByTimeAndReportsStayWhole() throws {
        let folder = NSTemporaryDirectory() + "clusterd-logs-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func write(_ name: String, _ lines: [String]) throws -> RotatedFile {
            try (lines.joined(separator: "\n") + "\n").write(
                toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
            return RotatedFile("\(folder)/\(name)", count: 5)
        }
        let one = try write(
            "one", ["1:M 24 Nov 2026 10:00:00.001 * a", "report", "more", "1:M 24 Nov 2026 10:00:00.004 * d"])
        let two = try write("two", ["2:S 24 Nov 2026 10:00:00.002 * b", "2:S 24 Nov 2026 10:00:00.003 * c"])
        var log = MergedLog([one, two], from: .beginning) { _ in Self.wall }
        var seen: [String] = []
        while let line = log.next() {
            seen.append("\(line.log) \(String(decoding: line.bytes.suffix(6), as: UTF8.self))")
        }
        #expect(seen == ["0 01 * a", "0 report", "0 more", "1 02 * b", "1 03 * c", "0 04 * d"])
        // Later lines appear at the next read.
        let handle = try #require(FileHandle(forWritingAtPath: two.path))
        handle.seekToEndOfFile()
        try handle.write(contentsOf: Array("2:S 24 Nov 2026 10:00:00.005 * e\n".utf8))
        #expect(log.next().map { String(decoding: $0.bytes.suffix(1), as: UTF8.self) } == "e")
        #expect(log.next() == nil)
    }

    /// The caller is in UTC. The file was written to at 22:42:44 UTC.
    @Test(arguments: [
        ("24 Nov 2026 22:42:43.968", nil), ("25 Nov 2026 07:42:43.968", 9.0), ("24 Nov 2026 17:42:43.968", -5),
        ("25 Nov 2026 04:12:43.968", 5.5), ("25 Nov 2026 12:42:43.968", 14), ("24 Nov 2026 02:00:00.000", nil),
        ("2026-11-25T07:42:43.968+09:00", nil),
    ])
    func theModificationTimeOfALogGivesItsTimeZone(stamp: String, hours: Double?) {
        let lines = ["1:M 01 Jan 2020 00:00:00.000 * old", "1:M \(stamp) * last", "a report has no time"]
        let zone = LogZone(
            lines: lines.map { ArraySlice(Array($0.utf8)) }, modified: WallTime(milliseconds: 1_795_560_164_000),
            local: Self.wall)
        #expect(zone.ahead == hours.map { Int64($0 * 3_600_000) })
    }

    @Test(arguments: [0, 1, 951_782_400_000, 1_709_164_800_000, 1_795_560_163_968, 4_102_444_799_999] as [Int64])
    func aCivilTimeInUTCSurvivesARoundTrip(milliseconds: Int64) {
        let time = WallTime(milliseconds: milliseconds)
        #expect(CivilTime(time).time(ahead: 0) == time)
        #expect(CivilTime(time).time(ahead: 3_600_000).milliseconds == milliseconds - 3_600_000)
    }
}
