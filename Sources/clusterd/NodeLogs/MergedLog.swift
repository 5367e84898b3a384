import ClusterModel
import NodeFiles

/// Merges the logs of several nodes by the times that the engines wrote.
struct MergedLog {
    struct Line: Equatable {
        /// The index of the log.
        var log: Int
        /// A line without a time has the time of the line above it.
        var time: WallTime
        var bytes: ArraySlice<UInt8>
    }

    private struct Log {
        let reader: LineReader
        let wall: (CivilTime) -> WallTime
        var head: Line?
        var last = WallTime(milliseconds: 0)
    }

    private var logs: [Log]

    /// - Parameter wall: returns the conversion of times in one file.
    init(
        _ files: [RotatedFile], from start: LineReader.Start,
        wall: (RotatedFile) -> (CivilTime) -> WallTime
    ) {
        logs = files.map { Log(reader: LineReader($0, from: start), wall: wall($0)) }
    }

    /// The next line; nil: there is none yet.
    mutating func next() -> Line? {
        for index in logs.indices where logs[index].head == nil {
            guard let bytes = logs[index].reader.line() else { continue }
            let time = LogLine.time(bytes, wall: logs[index].wall) ?? logs[index].last
            logs[index].last = time
            logs[index].head = Line(log: index, time: time, bytes: bytes)
        }
        let first = logs.compactMap(\.head).min { ($0.time, $0.log) < ($1.time, $1.log) }
        if let first { logs[first.log].head = nil }
        return first
    }
}
