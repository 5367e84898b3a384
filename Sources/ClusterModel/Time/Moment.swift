/// An instant of CLOCK_MONOTONIC, in nanoseconds since boot. It is meaningless on another boot: a moment in a file is stored with the boot
/// id. The planner is given one; it never reads a clock.
package struct Moment: Comparable, Hashable, Sendable, Codable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static func seconds(_ seconds: Double) -> Moment { Moment(nanoseconds: Int64(seconds * 1_000_000_000)) }

    package static func < (a: Moment, b: Moment) -> Bool { a.nanoseconds < b.nanoseconds }
    package static func + (moment: Moment, delay: Duration) -> Moment {
        Moment(nanoseconds: moment.nanoseconds + delay.inNanoseconds)
    }
    package static func - (moment: Moment, delay: Duration) -> Moment {
        Moment(nanoseconds: moment.nanoseconds - delay.inNanoseconds)
    }
    package static func - (later: Moment, earlier: Moment) -> Duration {
        .nanoseconds(later.nanoseconds - earlier.nanoseconds)
    }
}

/// A point of the wall clock, in milliseconds since 1970-01-01 UTC: for display, and for deadlines that operators set.
package struct WallTime: Comparable, Hashable, Sendable, Codable {
    package var milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static func < (a: WallTime, b: WallTime) -> Bool { a.milliseconds < b.milliseconds }
    package static func + (time: WallTime, delay: Duration) -> WallTime {
        WallTime(milliseconds: time.milliseconds + delay.inMilliseconds)
    }
}

extension Duration {
    /// The longest configurable duration: ten years. Longer values are typing errors, and would not fit into the nanoseconds of a `Moment`.
    package static let longestWritten = Duration.seconds(3650 * 86_400)

    package var inNanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
    package var inMilliseconds: Int64 { inNanoseconds / 1_000_000 }
    package var inSeconds: Double { Double(inNanoseconds) / 1_000_000_000 }
}
