import ClusterModel
import NodeFiles
import Planner

/// One line on its way from a node's own log to the journal.
struct NodeLogEntry: Hashable, Sendable {
    var node: NodeName
    var level: LogLine.Level
    /// The pid of the process that wrote the line; nil if the line does not say it.
    var pid: String?
    var text: String
}

/// Reads what the nodes have written to their logs since the last call: lines with a time, and no more of them than the budget
/// of each node allows. Not thread-safe.
struct NodeTails {
    struct Log: Hashable, Sendable {
        var node: NodeName
        var path: String
    }

    /// The position up to which each log was read, for the next daemon.
    struct Positions: Hashable, Sendable, Codable {
        struct Place: Hashable, Sendable, Codable {
            var node: NodeName
            var path: String
            var position: LineReader.Position
        }
        var logs: [Place] = []
    }

    private struct Tail {
        let log: Log
        let reader: LineReader
        let wall: (CivilTime) -> WallTime
        /// Older lines are not sent.
        var from: WallTime?
        var budget = LogBudget()
        /// The process of the last line that names one.
        var writer: String?
        /// The process whose crash report is being read.
        var reporter: String?

        /// Whether a line belongs to a crash report. It contains the command that was being served, with its keys and values, and
        /// users who may read the journal may not be allowed to read the data. An incomplete report ends at a line of another
        /// process.
        mutating func isReporting(_ line: ArraySlice<UInt8>) -> Bool {
            guard let reporter else { return false }
            let isEnd = String(decoding: line.prefix(160), as: UTF8.self).contains("BUG REPORT END")
            let isOther = LogLine.pid(line).map { $0 != reporter } ?? false
            if isEnd || isOther { self.reporter = nil }
            return !isOther
        }
    }

    /// The maximum number of lines of one node in one call, so that a verbose node does not delay the others.
    private static let batch = 20_000

    private var tails: [Tail] = []
    private let known: Positions
    private let began: WallTime
    private let wall: (RotatedFile) -> (CivilTime) -> WallTime

    /// - Parameters:
    ///   - known: the positions that the previous daemon saved.
    ///   - began: for a log without a saved position, older lines are not sent.
    init(_ known: Positions, began: WallTime, wall: @escaping (RotatedFile) -> (CivilTime) -> WallTime) {
        self.known = known
        self.began = began
        self.wall = wall
    }

    var positions: Positions {
        Positions(
            logs: tails.compactMap { tail in
                tail.reader.position.map { .init(node: tail.log.node, path: tail.log.path, position: $0) }
            })
    }

    mutating func look(at logs: [Log], now: Moment, send: (NodeLogEntry) -> Void) {
        if tails.map(\.log) != logs {
            tails = logs.map { log in tails.first { $0.log == log } ?? tail(log) }
        }
        for index in tails.indices { Self.look(&tails[index], now, send) }
    }

    private func tail(_ log: Log) -> Tail {
        let file = RotatedFile(log.path, count: LogPolicy.filesKept)
        if let place = known.logs.first(where: { $0.node == log.node && $0.path == log.path }) {
            return Tail(log: log, reader: LineReader(file, from: .after(place.position)), wall: wall(file))
        }
        return Tail(log: log, reader: LineReader(file, from: .writtenSince(began)), wall: wall(file), from: began)
    }

    private static func look(_ tail: inout Tail, _ now: Moment, _ send: (NodeLogEntry) -> Void) {
        let node = tail.log.node
        for _ in 0..<batch {
            guard let line = tail.reader.line() else { break }
            if let from = tail.from {
                guard let time = LogLine.time(line, wall: tail.wall), time >= from else { continue }
                tail.from = nil
            }
            guard !tail.isReporting(line) else { continue }
            // The journal accepts longer lines, but they would be useless to a reader.
            let text = String(decoding: line.prefix(8192), as: UTF8.self)
            if text.contains("BUG REPORT START") {
                tail.reporter = tail.writer
                send(
                    NodeLogEntry(
                        node: node, level: .warning, pid: nil, text: "\(node) reports a crash: \(tail.log.path)"))
            }
            guard let level = LogLine.level(line) else { continue }
            tail.writer = LogLine.pid(line)
            guard tail.budget.allows(warning: level == .warning, at: now) else { continue }
            send(NodeLogEntry(node: node, level: level, pid: tail.writer, text: text))
        }
        if let count = tail.budget.takeLeftOut(at: now) {
            let words =
                "\(count) \(count == 1 ? "line" : "lines") of \(node)'s log \(count == 1 ? "is" : "are") omitted here"
            send(
                NodeLogEntry(
                    node: node, level: .notice, pid: nil,
                    text: "\(words), more than \(LogBudget.perSecond) a second; \(tail.log.path) has all lines"))
        }
    }
}
