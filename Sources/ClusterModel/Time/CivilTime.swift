/// A wall clock time in UTC. The calendar arithmetic is Howard Hinnant's `civil_from_days`
/// (http://howardhinnant.github.io/date_algorithms.html), valid for every year that a log will see.
package struct CivilTime: Hashable, Sendable {
    package var year: Int
    package var month: Int
    package var day: Int
    package var hour: Int
    package var minute: Int
    package var second: Int
    package var millisecond: Int

    package init(_ time: WallTime) {
        let millisecondsOfDay = Int(((time.milliseconds % 86_400_000) + 86_400_000) % 86_400_000)
        let days = Int((time.milliseconds - Int64(millisecondsOfDay)) / 86_400_000)
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        hour = millisecondsOfDay / 3_600_000
        minute = millisecondsOfDay / 60_000 % 60
        second = millisecondsOfDay / 1000 % 60
        millisecond = millisecondsOfDay % 1000
    }

    /// The moment of this time in a zone this many milliseconds ahead of UTC.
    package func time(ahead: Int64) -> WallTime {
        let days = Int64(Self.daysSinceEpoch(year: year, month: month, day: day))
        let ofDay = Int64(hour * 3600 + minute * 60 + second) * 1000 + Int64(millisecond)
        return WallTime(milliseconds: days * 86_400_000 + ofDay - ahead)
    }

    /// The inverse of `init`: Howard Hinnant's `days_from_civil` (http://howardhinnant.github.io/date_algorithms.html).
    package static func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int {
        let yearFromMarch = month <= 2 ? year - 1 : year
        let era = (yearFromMarch >= 0 ? yearFromMarch : yearFromMarch - 399) / 400
        let yearOfEra = yearFromMarch - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
