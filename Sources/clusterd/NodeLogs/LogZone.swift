import ClusterModel
import NodeFiles

/// The time zone of one engine's log. Engines write the local time of the shell or service that started them, and most line
/// formats do not name the zone. The modification time of the file reveals it: the last line was written then.
struct LogZone: Equatable {
    /// The offset from UTC in milliseconds; nil: the file does not reveal it, or the caller's own zone fits.
    private(set) var ahead: Int64?

    private static let quarter: Int64 = 900_000
    private static let tail = 64 << 10

    /// - Parameters:
    ///   - lines: the end of the log.
    ///   - modified: the modification time of the file.
    ///   - local: converts a local time in the caller's zone.
    init(lines: [ArraySlice<UInt8>], modified: WallTime, local: (CivilTime) -> WallTime) {
        for line in lines.reversed() {
            var written: CivilTime?
            _ = LogLine.time(line) { civil in
                written = civil
                return civil.time(ahead: 0)
            }
            guard let written else { continue }
            // The caller's zone has daylight saving time; a fixed offset has not.
            guard abs(local(written).milliseconds - modified.milliseconds) > Self.quarter / 2 else { return }
            let distance = written.time(ahead: 0).milliseconds - modified.milliseconds
            let rounded = Int64((Double(distance) / Double(Self.quarter)).rounded()) * Self.quarter
            // Zones range from UTC-12 to UTC+14; a file that was copied or touched later reveals nothing.
            if (-12 * 4 * Self.quarter...14 * 4 * Self.quarter).contains(rounded) { ahead = rounded }
            return
        }
    }

    /// Converts the times in a log.
    static func wall(of file: RotatedFile, local: @escaping (CivilTime) -> WallTime) -> (CivilTime) -> WallTime {
        guard let end = file.end(limit: tail) else { return local }
        let lines = end.bytes.split(separator: 10)
        guard let ahead = LogZone(lines: lines, modified: end.modified, local: local).ahead else { return local }
        return { $0.time(ahead: ahead) }
    }
}
