import ClusterModel
import ControlAPI
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_767_225_600_000, "2026-01-01T00:00:00.000Z"),
        (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ])
    func aTimestampSurvivesARoundTrip(milliseconds: Int64, text: String) {
        let time = WallTime(milliseconds: milliseconds)
        #expect(Timestamp(time).description == text)
        #expect(Timestamp(text)?.time == time)
    }

    @Test func everyDayOfFourHundredYearsSurvivesARoundTrip() {
        for day in -73_048..<73_049 {
            let time = WallTime(milliseconds: Int64(day) * 86_400_000 + 45_296_789)
            #expect(Timestamp(Timestamp(time).description)?.time == time)
        }
    }

    @Test func timesBeyondTheCalendarAreClamped() {
        #expect(Timestamp(WallTime(milliseconds: .max)).description == "9999-12-31T23:59:59.999Z")
        #expect(Timestamp(WallTime(milliseconds: .min)).description == "0000-01-01T00:00:00.000Z")
        #expect(Timestamp("0000-01-01T00:00:00+23:59")?.description == "0000-01-01T00:00:00.000Z")
    }

    @Test func offsetsAndOtherFractionsAreParsed() {
        #expect(Timestamp("2026-01-01T02:00:00+02:00")?.description == "2026-01-01T00:00:00.000Z")
        #expect(Timestamp("2025-12-31T18:30:00.5-05:30")?.description == "2026-01-01T00:00:00.500Z")
        #expect(
            Timestamp("2026-01-01T00:00:00.123456789012345678901234567890Z")?.description == "2026-01-01T00:00:00.123Z")
    }

    @Test(arguments: [
        "", "2026", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx",
        "2026-01-01 00:00:00Z", "2026-01-01T00:00:00+2", "2026-01-01T00:00:00+24:00", "２026-01-01T00:00:00Z",
    ])
    func anInvalidTimestampIsRefused(text: String) { #expect(Timestamp(text) == nil) }
}
