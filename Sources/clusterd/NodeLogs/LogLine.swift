import ClusterModel
import ControlAPI

/// When an engine wrote a line of its log (`serverLogRaw`, src/server.c; Valkey's `log-format` and `log-timestamp-format`).
enum LogLine {
    /// nil if the line has no time: a line of a crash report, or the continuation of the line above.
    /// - Parameter wall: converts the local time of the host, which engines write, most often without its zone.
    static func time(_ line: ArraySlice<UInt8>, wall: (CivilTime) -> WallTime) -> WallTime? {
        // A line may be very long; only its beginning is parsed.
        let text = String(decoding: line.prefix(160), as: UTF8.self)
        if text.hasPrefix("pid="), let start = text.firstRange(of: "timestamp=\"") {
            return stamp(text[start.upperBound...].prefix { $0 != "\"" }, wall)
        }
        // `4131:M 24 Nov 2026 22:42:43.968 # …`
        guard let colon = text.firstIndex(of: ":"), !text[..<colon].isEmpty, text[..<colon].allSatisfy(\.isNumber),
            let space = text[colon...].firstIndex(of: " ")
        else { return nil }
        let rest = text[text.index(after: space)...]
        if text[colon..<space] == ":signal-handler", rest.first == "(" {
            return Int64(rest.dropFirst().prefix { $0 != ")" }).map { WallTime(milliseconds: $0 * 1000) }
        }
        return stamp(rest, wall)
    }

    /// The log level of a line, by the marks and words of `serverLogRaw` (src/server.c).
    enum Level: Hashable, Sendable { case debug, verbose, notice, warning }

    /// nil if the line has no level: a line of a crash report, or the continuation of the line above.
    static func level(_ line: ArraySlice<UInt8>) -> Level? {
        let text = String(decoding: line.prefix(160), as: UTF8.self)
        if text.hasPrefix("pid="), let start = text.firstRange(of: " level=") {
            switch text[start.upperBound...].prefix(while: { $0 != " " }) {
            case "debug": return .debug
            case "verbose", "info": return .verbose
            case "notice": return .notice
            case "warning": return .warning
            default: return nil
            }
        }
        let words = text.split(separator: " ", maxSplits: 6)
        guard words.count > 2, pid(line) != nil else { return nil }
        if words[0].hasSuffix(":signal-handler") { return .warning }
        // After the time, which has one word or four.
        for place in [2, 5] where place < words.count {
            switch words[place] {
            case ".": return .debug
            case "-": return .verbose
            case "*": return .notice
            case "#": return .warning
            default: continue
            }
        }
        return nil
    }

    /// The process that wrote the line: `4131:M …`, `pid=4131 …`.
    static func pid(_ line: ArraySlice<UInt8>) -> String? {
        let prefix = Array("pid=".utf8)
        let isNamed = line.starts(with: prefix)
        let digits = (isNamed ? line.dropFirst(prefix.count) : line).prefix { (48...57).contains($0) }
        guard (1...10).contains(digits.count) else { return nil }
        guard isNamed || line.dropFirst(digits.count).first == UInt8(ascii: ":") else { return nil }
        return String(decoding: digits, as: UTF8.self)
    }

    private static func stamp(_ text: Substring, _ wall: (CivilTime) -> WallTime) -> WallTime? {
        let words = text.split(separator: " ", maxSplits: 4)
        guard let first = words.first else { return nil }
        if first.utf8.count == 13, let milliseconds = Int64(first) { return WallTime(milliseconds: milliseconds) }
        if let stamp = Timestamp(first) { return stamp.time }
        guard words.count >= 4, let day = Int(words[0]), let month = months.firstIndex(of: words[1]),
            let year = Int(words[2])
        else { return nil }
        let clock = words[3].split { $0 == ":" || $0 == "." }.map { Int($0) }
        guard clock.count == 4, let hour = clock[0], let minute = clock[1], let second = clock[2],
            let millisecond = clock[3]
        else { return nil }
        var civil = CivilTime(WallTime(milliseconds: 0))
        (civil.year, civil.month, civil.day) = (year, month + 1, day)
        (civil.hour, civil.minute, civil.second, civil.millisecond) = (hour, minute, second, millisecond)
        return wall(civil)
    }

    private static let months: [Substring] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
