import ClusterModel
import ControlAPI
import NodeFiles
import Orchestrator

/// `<data>/events.jsonl`, rotated by size.
package struct EventFile: EventStore {
    static let limit: Int64 = 16 << 20
    static let count = 5
    private static let mode: UInt32 = 0o600

    private let file: RotatedFile
    private let limit: Int64

    package init(_ dataDirectory: String) { self.init(Self.path(dataDirectory), limit: Self.limit) }

    init(_ path: String, limit: Int64) {
        file = RotatedFile(path, count: Self.count)
        self.limit = limit
    }

    package static func path(_ dataDirectory: String) -> String { dataDirectory + "/events.jsonl" }

    package func append(_ lines: [[UInt8]]) -> String? {
        do {
            if file.size >= limit { try file.rotate() }
            try file.append(Array(lines.joined(separator: [10])) + [10], mode: Self.mode)
            return nil
        } catch {
            return error.description
        }
    }

    package func newest() -> EventDocument? {
        // A crash may have truncated the last line.
        let reader = LineReader(file, from: .lastLines(100))
        var newest: EventDocument?
        while let line = reader.line() {
            if let event = try? ControlJSON.decode(EventDocument.self, from: Array(line)) { newest = event }
        }
        return newest
    }

    package func lines(_ query: EventQuery, limit: Int) -> [EventLine] {
        guard limit > 0 else { return [] }
        var start = LineReader.Start.beginning
        if case .time(let time) = query.since { start = .writtenSince(time) }
        if query.since == nil, query.after == nil { start = .lastLines(limit) }
        let reader = LineReader(file, from: start)
        var lines: [EventLine] = []
        while let bytes = reader.line() {
            guard let line = EventLine(bytes), query.includes(line) else { continue }
            lines.append(line)
            // Holds at most twice as many, and drops the older half at once.
            if lines.count >= limit * 2 { lines.removeFirst(lines.count - limit) }
        }
        return Array(lines.suffix(limit))
    }
}
