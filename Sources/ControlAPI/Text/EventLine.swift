import ClusterModel

/// One event as it is stored in events.jsonl and sent over the socket: its JSON, without the newline. The values for filtering are
/// read without decoding the JSON.
package struct EventLine: Hashable, Sendable {
    package var at: WallTime
    package var seq: Int64
    package var bytes: [UInt8]

    package init(_ event: EventDocument) throws {
        at = event.at.time
        seq = event.seq
        bytes = try ControlJSON.encode(event)
    }

    /// nil if this is not an event: an incomplete line after a crash, or text from another program.
    package init?(_ bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
        guard Self.isWhole(self.bytes) else { return nil }
        if let (at, seq) = Self.prefix(self.bytes) {
            self.at = at
            self.seq = seq
        } else if let event = try? ControlJSON.decode(EventDocument.self, from: self.bytes) {
            at = event.at.time
            seq = event.seq
        } else {
            return nil
        }
    }

    /// Whether the last bracket closes the first one.
    private static func isWhole(_ bytes: [UInt8]) -> Bool {
        var (depth, inText, isEscaped) = (0, false, false)
        for (index, byte) in bytes.enumerated() {
            if isEscaped {
                isEscaped = false
            } else if inText {
                if byte == UInt8(ascii: "\\") { isEscaped = true } else if byte == UInt8(ascii: "\"") { inText = false }
            } else {
                switch byte {
                case UInt8(ascii: "\""): inText = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                default: break
                }
                if depth <= 0 { return depth == 0 && index > 0 && index == bytes.count - 1 }
            }
        }
        return false
    }

    /// `{"at":"2026-01-01T00:00:00.000Z","seq":12,…}`, as `ControlJSON` writes it.
    private static func prefix(_ bytes: [UInt8]) -> (WallTime, Int64)? {
        let (open, between) = (Array("{\"at\":\"".utf8), Array("\",\"seq\":".utf8))
        let end = open.count + 24
        guard bytes.count > end + between.count, bytes.starts(with: open),
            bytes[end...].starts(with: between),
            let at = Timestamp(String(decoding: bytes[open.count..<end], as: UTF8.self))
        else { return nil }
        let digits = bytes[(end + between.count)...].prefix { (48...57).contains($0) }
        return Int64(String(decoding: digits, as: UTF8.self)).map { (at.time, $0) }
    }
}

/// Selects events.
package struct EventQuery: Hashable, Sendable {
    /// The maximum number, counted from the end; nil: all.
    package var count: Int?
    package var since: Since?
    /// Only events with a higher number.
    package var after: Int64?

    package init(count: Int? = nil, since: Since? = nil, after: Int64? = nil) {
        self.count = count
        self.since = since
        self.after = after
    }

    package enum Since: Hashable, Sendable {
        case time(WallTime)
        /// A duration ago.
        case ago(Duration)

        /// RFC 3339, or a duration: `10m`.
        package init?(_ text: some StringProtocol) {
            if let time = Timestamp(text) {
                self = .time(time.time)
            } else if let duration = DurationText.parse(text) {
                self = .ago(duration)
            } else {
                return nil
            }
        }

        package func time(at now: WallTime) -> WallTime {
            switch self {
            case .time(let time): time
            case .ago(let duration): WallTime(milliseconds: now.milliseconds - duration.inMilliseconds)
            }
        }

        package var text: String {
            switch self {
            case .time(let time): Timestamp(time).description
            case .ago(let duration): "\(duration.inMilliseconds)ms"
            }
        }
    }

    /// The query with a time in place of a duration.
    package func fixed(at now: WallTime) -> EventQuery {
        var query = self
        query.since = since.map { .time($0.time(at: now)) }
        return query
    }

    /// Ignores `count`. A query that is not fixed also matches older events.
    package func includes(_ line: EventLine) -> Bool {
        if case .time(let time) = since, line.at < time { return false }
        return after.map { line.seq > $0 } ?? true
    }
}

/// Durations as text: `200ms`, `30s`, `5m`, `2h`, `7d`.
package enum DurationText {
    package static func parse(_ text: some StringProtocol) -> Duration? {
        let units: [(String, Int64)] = [
            ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
        ]
        for (unit, milliseconds) in units where text.hasSuffix(unit) {
            let digits = text.dropLast(unit.count)
            guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }), let count = Int64(digits),
                count <= Duration.longestWritten.inMilliseconds / milliseconds
            else { continue }
            return .milliseconds(count * milliseconds)
        }
        return nil
    }

    package static func text(_ duration: Duration) -> String {
        let milliseconds = duration.inMilliseconds
        let units: [(String, Int64)] = [("h", 3_600_000), ("m", 60_000), ("s", 1000)]
        for (unit, size) in units where milliseconds >= size && milliseconds % size == 0 {
            return "\(milliseconds / size)\(unit)"
        }
        return "\(milliseconds)ms"
    }
}

/// The answer of `/v1/events`, oldest first.
package struct EventsDocument: Hashable, Sendable, Codable {
    package var events: [EventDocument]

    package init(_ events: [EventDocument]) { self.events = events }

    /// The document, made of lines that already are JSON.
    package static func bytes(_ lines: [EventLine]) -> [UInt8] {
        Array("{\"events\":[".utf8) + lines.map(\.bytes).joined(separator: Array(",".utf8)) + Array("]}".utf8)
    }
}
