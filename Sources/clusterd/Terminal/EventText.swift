import ClusterModel
import ControlAPI
import Glibc

/// The text form of an event: time, severity and message, and for an unexpected exit of a node the end of its log.
struct EventText {
    private let event: EventDocument
    private let zone: (WallTime) -> CivilTime
    private let color: Bool
    private let isTerminal: Bool

    private static let logLines = 5

    init(_ event: EventDocument, zone: @escaping (WallTime) -> CivilTime, color: Bool, isTerminal: Bool = false) {
        self.event = event
        self.zone = zone
        self.color = color
        self.isTerminal = isTerminal
    }

    var text: String {
        let severity = event.severity == .info ? "" : event.severity.rawValue
        let word = severity + String(repeating: " ", count: 7 - severity.count)
        let lines = ["\(zone(event.at.time).clockText)  \(paint(word))  \(shown(event.message))"] + logTail
        return lines.joined(separator: "\n")
    }

    private var logTail: [String] {
        guard event.code == "node-exited", case .object(let data)? = event.data, data["asked"] != .bool(true),
            case .array(let lines)? = data["log"]
        else { return [] }
        let margin = String(repeating: " ", count: 34)
        let texts = lines.compactMap { line -> String? in
            guard case .string(let text) = line else { return nil }
            return text
        }
        // In a crash report, the first lines say why.
        let isReport = texts.contains { $0.contains("BUG REPORT START") }
        let told = isReport ? texts.prefix(Self.logLines) : texts.suffix(Self.logLines)
        return told.map { "\(margin)| \(shown($0))" }
    }

    private func shown(_ text: String) -> String { isTerminal ? TerminalText.visible(text) : text }

    private func paint(_ text: String) -> String {
        guard color else { return text }
        return switch event.severity {
        case .info: text
        case .warning: "\u{1B}[33m\(text)\u{1B}[0m"
        case .error: "\u{1B}[31m\(text)\u{1B}[0m"
        }
    }
}

extension CivilTime {
    /// `2026-01-01 12:00:00.000`.
    var clockText: String {
        func padded(_ number: Int, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2)) \(padded(hour, 2)):\(padded(minute, 2))"
            + ":\(padded(second, 2)).\(padded(millisecond, 3))"
    }
}

/// Time in the local time zone of this host, which engines also use in their logs.
enum LocalTime {
    static func civil(_ time: WallTime) -> CivilTime {
        var seconds = time_t(time.milliseconds >= 0 ? time.milliseconds / 1000 : (time.milliseconds - 999) / 1000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        var civil = CivilTime(WallTime(milliseconds: 0))
        civil.year = Int(parts.tm_year) + 1900
        civil.month = Int(parts.tm_mon) + 1
        civil.day = Int(parts.tm_mday)
        civil.hour = Int(parts.tm_hour)
        civil.minute = Int(parts.tm_min)
        civil.second = Int(parts.tm_sec)
        civil.millisecond = Int(time.milliseconds - Int64(seconds) * 1000)
        return civil
    }

    /// In the hour that repeats at the end of daylight saving time, the C library chooses.
    static func wall(_ civil: CivilTime) -> WallTime {
        var parts = tm()
        parts.tm_year = Int32(clamping: civil.year - 1900)
        parts.tm_mon = Int32(clamping: civil.month - 1)
        parts.tm_mday = Int32(clamping: civil.day)
        parts.tm_hour = Int32(clamping: civil.hour)
        parts.tm_min = Int32(clamping: civil.minute)
        parts.tm_sec = Int32(clamping: civil.second)
        parts.tm_isdst = -1
        return WallTime(milliseconds: Int64(mktime(&parts)) * 1000 + Int64(civil.millisecond))
    }
}
