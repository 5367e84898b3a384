import ArgumentParser
import ClusterModel
import ControlAPI
import Glibc
import NodeFiles
import Planner

struct LogsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Show the logs of the nodes, merged by time.",
        discussion: """
            Shows all nodes, or only the named ones. Each line begins with the name of its node. Without options, shows the last \
            100 lines of all logs together. With --since, shows all lines from then on.

            clusterd logs
            clusterd logs 7000 7003 -f
            clusterd logs --since 10m
            clusterd logs 7002 -n all
            """)

    @OptionGroup var daemon: DaemonChoice
    @Argument(
        help: ArgumentHelp("Nodes by name, port, host:port, or the beginning of the id [all].", valueName: "node"),
        completion: Completion.node)
    var nodes: [String] = []
    @Flag(name: [.customShort("f"), .long], help: "Keep running and print new lines as they are written.") var follow =
        false
    @Option(
        name: [.customShort("n"), .long], help: ArgumentHelp("Show only the last N lines, or all.", valueName: "n"))
    var lines: LineCount?
    @Option(
        help: ArgumentHelp(
            "Show only lines since a time, or since a duration ago: 10m, 2026-01-01T12:00:00Z.", valueName: "time"))
    var since: SinceArgument?

    /// The interval between reads while no file grows.
    private static let pause: useconds_t = 100_000

    func run() throws {
        let chosen = try choose()
        let now = WallTime(milliseconds: Int64(Glibc.time(nil)) * 1000)
        let from = since?.since.time(at: now)
        let count = lines?.count ?? (since == nil ? (follow ? 10 : 100) : .max)
        let start: LineReader.Start =
            from.map { .writtenSince($0) } ?? (count == .max ? .beginning : .lastLines(count))
        var log = MergedLog(
            chosen.map { RotatedFile($0.log, count: LogPolicy.filesKept) }, from: start
        ) { LogZone.wall(of: $0, local: LocalTime.wall) }
        let page = LogPage(names: chosen.map(\.name), color: Output.hasColor, isTerminal: Terminal.isThere)

        var kept: [MergedLog.Line] = []
        while let line = log.next() {
            if let from, line.time < from { continue }
            guard count != .max else {
                page.show(line)
                continue
            }
            kept.append(line)
            if kept.count >= count * 2 + 1024 { kept.removeFirst(kept.count - count) }
        }
        for line in kept.suffix(count) { page.show(line) }
        page.flush()
        guard follow else { return }
        ReaderWatch.start()
        while true {
            while let line = log.next() { page.show(line) }
            page.flush()
            usleep(Self.pause)
        }
    }

    private func choose() throws(Failure) -> [(name: String, log: String)] {
        let status: StatusDocument
        do {
            status = try daemon.client().get(.status, StatusDocument.self)
        } catch {
            throw withPlace(error)
        }
        var chosen: [(name: String, log: String)] = []
        let wanted = nodes.isEmpty ? status.nodes : try nodes.map { (text) throws(Failure) in try status.node(text) }
        for node in wanted where !chosen.contains(where: { $0.name == node.name.text }) {
            guard let log = node.log else { continue }
            chosen.append((node.name.text, log))
        }
        for (name, log) in chosen where access(log, R_OK) != 0 && errno != ENOENT {
            throw Failure(
                "no-permission", "the log of \(name) cannot be read: \(log): \(String(cString: strerror(errno)))",
                hint: "the log belongs to the user that runs clusterd: sudo clusterd logs")
        }
        return chosen
    }

    private func withPlace(_ failure: Failure) -> Failure {
        guard failure.exit == ControlAPI.ExitCode.noDaemon,
            let folder = daemon.dataFolders.first(where: { access("\($0)/nodes", R_OK) == 0 })
        else { return failure }
        var failure = failure
        failure.hint = "the logs are in \(folder)/nodes/*/\(LogPolicy.fileName)"
        return failure
    }
}

/// A number of lines, or all.
struct LineCount: ExpressibleByArgument {
    var count: Int

    init?(argument: String) {
        if argument == "all" {
            count = .max
        } else if let number = Int(argument), (0..<1_000_000_000).contains(number) {
            count = number
        } else {
            return nil
        }
    }
}

/// Buffers lines for stdout, to write many at once.
final class LogPage {
    private let prefixes: [[UInt8]]
    private let isTerminal: Bool
    private var text: [UInt8] = []

    private static let colors = ["36", "32", "35", "34", "33", "31"]

    init(names: [String], color: Bool, isTerminal: Bool) {
        self.isTerminal = isTerminal
        let width = names.map(\.utf8.count).max() ?? 0
        prefixes = names.enumerated().map { index, name in
            let prefix = name + String(repeating: " ", count: width - name.utf8.count) + " | "
            return Array((color ? "\u{1B}[\(Self.colors[index % Self.colors.count])m\(prefix)\u{1B}[0m" : prefix).utf8)
        }
    }

    func show(_ line: MergedLog.Line) {
        text += prefixes[line.log]
        text += isTerminal ? TerminalText.visible(line.bytes) : Array(line.bytes)
        text.append(10)
        if text.count >= 1 << 16 { flush() }
    }

    func flush() {
        if !text.isEmpty { Output.result(text) }
        text = []
    }
}
