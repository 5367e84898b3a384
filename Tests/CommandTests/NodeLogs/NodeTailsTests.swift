import ClusterModel
import Foundation
import NodeFiles
import Testing

@testable import clusterd

/// The lines that are forwarded from the nodes' own logs to the journal.
@Suite struct NodeTailsTests {
    private final class Logs {
        let folder = NSTemporaryDirectory() + "clusterd-tails-\(UUID().uuidString.prefix(8))"

        init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(atPath: folder) }

        func log(_ node: NodeName) -> NodeTails.Log { .init(node: node, path: "\(folder)/\(node).log") }

        func write(_ node: NodeName, _ lines: String...) throws {
            try RotatedFile(log(node).path, count: 5).append(Array(lines.map { $0 + "\n" }.joined().utf8), mode: 0o600)
        }

        func rotate(_ node: NodeName) throws { try RotatedFile(log(node).path, count: 5).rotate() }
    }

    /// 2026-11-24 10:00:00 UTC, as if the host were in UTC.
    private static let ten = WallTime(milliseconds: 1_795_514_400_000)
    private static func wall(_ civil: CivilTime) -> WallTime {
        WallTime(
            milliseconds: ten.milliseconds + Int64((civil.hour - 10) * 3600 + civil.minute * 60 + civil.second) * 1000)
    }
    private func line(_ minute: Int, _ text: String) -> String { "7:M 24 Nov 2026 10:0\(minute):00.000 \(text)" }

    private func tails(_ known: NodeTails.Positions = .init(), began: WallTime = ten) -> NodeTails {
        NodeTails(known, began: began, wall: { _ in Self.wall })
    }

    private func look(
        _ tails: inout NodeTails, _ logs: [NodeTails.Log], at seconds: Double = 1
    ) -> [NodeLogEntry] {
        var entries: [NodeLogEntry] = []
        tails.look(at: logs, now: .seconds(seconds)) { entries.append($0) }
        return entries
    }

    @Test(
        arguments: [
            ("4131:M 24 Nov 2026 22:42:43.968 # Valkey is now ready to exit, bye bye...", .warning),
            ("4131:M 24 Nov 2026 22:42:43.968 * Ready to accept connections", .notice),
            ("4131:S 24 Nov 2026 22:42:43.968 - Client closed # connection", .verbose),
            ("4131:S 24 Nov 2026 22:42:43.968 . 0 clients connected", .debug),
            ("4145:M 2026-11-24T22:42:44.192+00:00 * Valkey", .notice), ("4159:M 1795560164378 # Valkey", .warning),
            (#"pid=4177 role=primary timestamp="24 Nov 2026 22:42:44.557" level=warning message="x""#, .warning),
            (#"pid=4177 role=primary timestamp="1795560164913" level=notice message="x""#, .notice),
            ("4131:signal-handler (1795560163) Received SIGTERM scheduling shutdown...", .warning),
            ("Backtrace:", nil), ("", nil), ("12:M", nil), ("a b # c", nil), ("x:M 24 Nov 2026 22:42:43.968 # y", nil),
        ] as [(String, LogLine.Level?)])
    func theLevelOfALineIsTheEngines(line: String, level: LogLine.Level?) {
        #expect(LogLine.level(ArraySlice(Array(line.utf8))) == level)
    }

    @Test func everyLineIsSentOnceWithItsLevelAndProcess() throws {
        let logs = try Logs()
        var tails = tails()
        // Before any file exists.
        #expect(look(&tails, [logs.log("7000"), logs.log("7001")]) == [])
        try logs.write("7000", line(1, "# trouble"), "the rest of it", line(2, "* fine"))
        try logs.write("7001", line(1, "- chatter"))
        let entries = look(&tails, [logs.log("7000"), logs.log("7001")])
        #expect(entries.map(\.node) == ["7000", "7000", "7001"])
        #expect(entries.map(\.level) == [.warning, .notice, .verbose])
        #expect(entries.allSatisfy { $0.pid == "7" } && entries[1].text == line(2, "* fine"))
        #expect(look(&tails, [logs.log("7000"), logs.log("7001")]) == [])
    }

    /// It contains keys and values, and the journal has other readers than the data.
    @Test func aCrashReportIsNotSent() throws {
        let logs = try Logs()
        var tails = tails()
        try logs.write(
            "7000", line(1, "# "), "", "=== REDIS BUG REPORT START: Cut & paste", "argv[1]: 'secret'",
            line(1, "# key 'secret' found in DB"), "=== REDIS BUG REPORT END.", line(2, "* last words"))
        // A truncated report ends with the next process.
        try logs.write("7000", line(3, "# "), "=== VALKEY BUG REPORT START", line(3, "# key 'secret' found in DB"))
        try logs.write("7000", "8:M 24 Nov 2026 10:04:00.000 * first words", "argv[1]: 'secret'")
        let told = look(&tails, [logs.log("7000")]).map(\.text)
        let crash = "7000 reports a crash: \(logs.log("7000").path)"
        #expect(
            told == [
                line(1, "# "), crash, line(2, "* last words"), line(3, "# "), crash,
                "8:M 24 Nov 2026 10:04:00.000 * first words",
            ])
    }

    @Test func linesOlderThanTheFirstDaemonAreNotSent() throws {
        let logs = try Logs()
        try logs.write("7000", line(1, "* old"), "an old report", line(5, "* new"), "its rest")
        var tails = tails(began: WallTime(milliseconds: Self.ten.milliseconds + 240_000))
        #expect(look(&tails, [logs.log("7000")]).map(\.text) == [line(5, "* new")])
    }

    @Test func theNextDaemonContinuesAtTheLastPositionAcrossARotation() throws {
        let logs = try Logs()
        var first = tails()
        try logs.write("7000", line(1, "* a"))
        #expect(look(&first, [logs.log("7000")]).count == 1)
        let known = first.positions
        // No daemon reads for a while.
        try logs.write("7000", line(2, "* b"))
        try logs.rotate("7000")
        try logs.write("7000", line(3, "* c"))
        // However late the daemon starts: unsent lines are not too old.
        var second = tails(known, began: WallTime(milliseconds: Self.ten.milliseconds + 3_600_000))
        #expect(look(&second, [logs.log("7000")]).map(\.text) == [line(2, "* b"), line(3, "* c")])
        // If the last position is gone, all lines of the newest file are new.
        for minute in 4...8 {
            try logs.rotate("7000")
            try logs.write("7000", line(minute, "* d"))
        }
        var third = tails(second.positions)
        #expect(look(&third, [logs.log("7000")]).map(\.text) == [line(8, "* d")])
    }

    @Test func theLinesOfAVerboseNodeAreLimitedButNotItsWarnings() throws {
        let logs = try Logs()
        var tails = tails()
        #expect(look(&tails, [logs.log("7000"), logs.log("7001")]) == [])
        for _ in 0..<3000 { try logs.write("7000", line(1, ". chatter")) }
        try logs.write("7000", line(1, "# trouble"))
        try logs.write("7001", line(1, "* quiet"))
        let entries = look(&tails, [logs.log("7000"), logs.log("7001")])
        #expect(entries.count == 500 + 1 + 1 && entries.last?.node == "7001")
        #expect(entries.contains { $0.level == .warning && $0.text.hasSuffix("# trouble") })
        // Reported when it is over.
        let told = look(&tails, [logs.log("7000"), logs.log("7001")], at: 2)
        #expect(
            told.map(\.text) == [
                "2500 lines of 7000's log are omitted here, more than 50 a second; \(logs.log("7000").path) has all lines"
            ])
        #expect(look(&tails, [logs.log("7000"), logs.log("7001")], at: 3) == [])
    }

    @Test func positionsSurviveARoundTrip() throws {
        let logs = try Logs()
        var tails = tails()
        try logs.write("7000", line(1, "* a"))
        _ = look(&tails, [logs.log("7000"), logs.log("7001")])
        let positions = tails.positions
        #expect(positions.logs.map(\.node) == ["7000"])
        let data = try JSONEncoder().encode(positions)
        #expect(try JSONDecoder().decode(NodeTails.Positions.self, from: data) == positions)
    }
}
