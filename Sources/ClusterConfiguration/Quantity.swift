import ClusterModel

/// Parses durations, sizes and ranges. nil: the text is invalid.
enum Quantity {
    /// `200ms`, `30s`, `5m`, `1h`.
    static func duration(_ text: String) -> Duration? {
        let units: [(String, Int64)] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)]
        for (unit, milliseconds) in units where text.hasSuffix(unit) {
            guard let count = Int64(text.dropLast(unit.count)), count >= 0,
                count <= Duration.longestWritten.inMilliseconds / milliseconds
            else {
                continue
            }
            return .milliseconds(count * milliseconds)
        }
        return nil
    }

    /// `200ms..30s`.
    static func durationRange(_ text: String) -> (Duration, Duration)? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: true).map(String.init)
        guard text.contains(".."), parts.count == 2, let first = duration(parts[0]), let last = duration(parts[1]),
            first <= last, first > .zero
        else { return nil }
        return (first, last)
    }

    /// Bytes, as in redis.conf: `mb` is 2^20, `m` is 10^6 (`memtoull`, src/util.c).
    static func bytes(_ text: String) -> Int64? {
        let units: [(String, Int64)] = [
            ("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30), ("k", 1000), ("m", 1_000_000), ("g", 1_000_000_000),
            ("b", 1),
            ("", 1),
        ]
        let lower = text.lowercased()
        for (unit, size) in units where lower.hasSuffix(unit) {
            guard let count = Int64(lower.dropLast(unit.count)), count >= 0 else { continue }
            let (bytes, overflow) = count.multipliedReportingOverflow(by: size)
            return overflow ? nil : bytes
        }
        return nil
    }

    /// `7000-7099`.
    static func portRange(_ text: String) -> ClosedRange<Int>? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let first = port(String(parts[0])), let last = port(String(parts[1])), first <= last
        else { return nil }
        return first...last
    }

    static func port(_ text: String) -> Int? {
        guard let port = Int(text), (1...65535).contains(port) else { return nil }
        return port
    }
}
