import ClusterModel

/// A wall clock time in documents: RFC 3339 in UTC with milliseconds, `2026-01-01T00:00:00.000Z`.
package struct Timestamp: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package let time: WallTime

    /// RFC 3339 has four digits for the year: a time outside 0000-9999 becomes the nearest one inside.
    package init(_ time: WallTime) {
        self.time = WallTime(milliseconds: min(max(time.milliseconds, -62_167_219_200_000), 253_402_300_799_999))
    }

    /// nil unless `text` is RFC 3339's `date-time`, with any offset; digits after the milliseconds are dropped. A leap
    /// second (`:60`) is rejected, because POSIX time has none.
    package init?(_ text: some StringProtocol) {
        var reader = Reader(text)
        guard let year = reader.number(digits: 4), reader.skip("-"),
            let month = reader.number(digits: 2), (1...12).contains(month), reader.skip("-"),
            let day = reader.number(digits: 2), (1...Self.days(inMonth: month, of: year)).contains(day),
            reader.skip("T"),
            let hour = reader.number(digits: 2), hour < 24, reader.skip(":"),
            let minute = reader.number(digits: 2), minute < 60, reader.skip(":"),
            let second = reader.number(digits: 2), second < 60,
            let millisecond = reader.fraction(),
            let offsetMinutes = reader.offset(), reader.isAtEnd
        else { return nil }
        let minutes = (CivilTime.daysSinceEpoch(year: year, month: month, day: day) * 24 + hour) * 60 + minute
        let seconds = (minutes - offsetMinutes) * 60 + second
        self.init(WallTime(milliseconds: Int64(seconds) * 1000 + Int64(millisecond)))
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let timestamp = Timestamp(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is not an RFC 3339 time")
        }
        self = timestamp
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    package static func < (a: Timestamp, b: Timestamp) -> Bool { a.time < b.time }

    package var description: String {
        let civil = CivilTime(time)
        func padded(_ number: Int, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(padded(civil.year, 4))-\(padded(civil.month, 2))-\(padded(civil.day, 2))"
            + "T\(padded(civil.hour, 2)):\(padded(civil.minute, 2)):\(padded(civil.second, 2))"
            + ".\(padded(civil.millisecond, 3))Z"
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

extension Timestamp {
    private struct Reader {
        private var rest: ArraySlice<UInt8>

        init(_ text: some StringProtocol) { rest = Array(text.utf8)[...] }

        var isAtEnd: Bool { rest.isEmpty }

        mutating func skip(_ character: Unicode.Scalar) -> Bool {
            guard let first = rest.first, UInt32(first) == character.value else { return false }
            rest.removeFirst()
            return true
        }

        mutating func digit() -> Int? {
            guard let first = rest.first, (48...57).contains(first) else { return nil }
            rest.removeFirst()
            return Int(first) - 48
        }

        mutating func number(digits: Int) -> Int? {
            var number = 0
            for _ in 0..<digits {
                guard let next = digit() else { return nil }
                number = number * 10 + next
            }
            return number
        }

        /// `.` and at least one digit, or nothing; in milliseconds.
        mutating func fraction() -> Int? {
            guard skip(".") else { return 0 }
            guard let first = digit() else { return nil }
            var milliseconds = first * 100
            var unit = 10
            while let next = digit() {
                milliseconds += next * unit
                unit /= 10
            }
            return milliseconds
        }

        /// `Z`, or `+hh:mm`, `-hh:mm`; in minutes.
        mutating func offset() -> Int? {
            if skip("Z") { return 0 }
            let sign: Int
            if skip("+") {
                sign = 1
            } else if skip("-") {
                sign = -1
            } else {
                return nil
            }
            guard let hours = number(digits: 2), hours < 24, skip(":"), let minutes = number(digits: 2), minutes < 60
            else { return nil }
            return sign * (hours * 60 + minutes)
        }
    }
}
