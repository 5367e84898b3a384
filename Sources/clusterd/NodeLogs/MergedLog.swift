import ClusterModel
import NodeFiles

/// The logs of several nodes as one, by the time that the engines wrote.
struct MergedLog {
    struct Line: Equatable {
        /// Which of the logs.
        var log: Int
        /// A line without a time has that of the line above it.
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

    /// - Parameter wall: how the times in one file are read.
    init(
        _ files: [RotatedFile], from start: LineReader.Start,
        wall: (RotatedFile) -> (CivilTime) -> WallTime
    ) {
        logs = files.map { Log(reader: LineReader($0, from: start), wall: wall($0)) }
    }

    /// nil: there is none yet.
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
