import ControlAPI

/// Short forms of numbers and times.
package enum Short {
    package static func bytes(_ bytes: Int64) -> String {
        switch bytes {
        case ..<1024: "\(bytes)"
        case ..<(1 << 20): "\(bytes >> 10)K"
        case ..<(1 << 30): tenths(bytes, 1 << 20) + "M"
        case ..<(1 << 40): tenths(bytes, 1 << 30) + "G"
        default: tenths(bytes, 1 << 40) + "T"
        }
    }

    static func count(_ count: Int64) -> String {
        switch count {
        case ..<100_000: "\(count)"
        case ..<1_000_000: "\(count / 1000)k"
        case ..<1_000_000_000: tenths(count, 1_000_000) + "M"
        default: tenths(count, 1_000_000_000) + "G"
        }
    }

    /// `40s`, `12m`, `3h12m`, `5d4h`.
    static func age(since start: Timestamp, at now: Timestamp) -> String {
        let seconds = max(0, (now.time.milliseconds - start.time.milliseconds) / 1000)
        switch seconds {
        case ..<60: return "\(seconds)s"
        case ..<3600: return "\(seconds / 60)m"
        case ..<86_400: return "\(seconds / 3600)h\(seconds % 3600 / 60)m"
        default: return "\(seconds / 86_400)d\(seconds % 86_400 / 3600)h"
        }
    }

    /// 3 replicas, 1 replica.
    static func number(_ count: Int, _ word: String) -> String { "\(count) \(word)\(count == 1 ? "" : "s")" }

    /// `12.3`.
    static func tenths(_ number: Double) -> String {
        let tenths = Int64(min(max(0, number), 1e12) * 10)
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func tenths(_ number: Int64, _ unit: Int64) -> String {
        let whole = number / unit
        return whole >= 10 ? "\(whole)" : "\(whole).\(number % unit * 10 / unit)"
    }
}
