import Planner
import Testing

/// How many keys a MIGRATE moves after calls that took so long, and when clients get a pause.
@Suite struct MigrationPaceTests {
    private func after(_ calls: [(keys: Int, took: Duration)], from keys: Int) -> Int {
        var pace = MigrationPace(keysPerCall: keys)
        for call in calls { _ = pace.note(keys: call.keys, took: call.took) }
        return pace.keysPerCall
    }

    @Test func aFullCallThatIsFastIsFollowedByOneOfTwiceAsManyKeys() {
        #expect(after([(10, .microseconds(100))], from: 10) == 20)
    }

    @Test func aCallGrowsNoFurtherThanItsTimeAllows() {
        #expect(after([(40, MigrationPace.callTime * 0.8)], from: 40) == 50)
    }

    @Test func twoCallsThatTakeTooLongAreFollowedByOneThatFits() {
        let slow = MigrationPace.callTime * 2
        #expect(after([(100, slow)], from: 100) == 100, "one slow call may be the host's fault")
        #expect(after([(100, slow), (100, slow * 0.8)], from: 100) == 62)
        #expect(after([(100, slow), (100, MigrationPace.callTime), (100, slow)], from: 100) == 100)
    }

    @Test func aVeryLongCallIsFollowedByOneThatFits() {
        #expect(after([(100, MigrationPace.callTime * 10)], from: 100) == 10)
    }

    @Test func oneLargeKeyAtATimeIsTheLeast() {
        #expect(after([(1, .seconds(1))], from: 1) == 1)
        #expect(after([(3, .seconds(1))], from: 100) == 1)
    }

    @Test func theLastKeysOfASlotSayNothingAboutLargerCalls() {
        #expect(after([(3, .microseconds(100))], from: 10) == 10)
    }

    @Test func aCallHasALimitHoweverFastItIs() {
        let calls = (0..<20).map { _ in (keys: MigrationPace.keysAtMost, took: Duration.microseconds(1)) }
        #expect(after(calls, from: 10) == MigrationPace.keysAtMost)
        #expect(MigrationPace(keysPerCall: 1_000_000).keysPerCall == MigrationPace.keysAtMost)
        #expect(MigrationPace(keysPerCall: 0).keysPerCall == 1)
    }

    @Test func onlyALongCallIsFollowedByAPause() {
        var pace = MigrationPace(keysPerCall: 10)
        #expect(pace.note(keys: 10, took: MigrationPace.callTime) == nil)
        #expect(pace.note(keys: 10, took: MigrationPace.longCall) == nil)
        #expect(pace.note(keys: 10, took: .milliseconds(7)) == .milliseconds(7))
        #expect(pace.note(keys: 1, took: .seconds(10)) == MigrationPace.longestPause)
    }

    @Test func slotsAreOpenedTogetherAsFarAsAFewCallsEmptyThem() {
        let pace = MigrationPace(keysPerCall: 100)
        let most = Int64(100 * MigrationPace.callsPerGroup)
        #expect(pace.group(of: [most / 2, most / 2, 1]) == 2)
        #expect(pace.group(of: [most * 10, 1]) == 1, "one slot at least")
        #expect(pace.group(of: [Int64](repeating: 0, count: 1000)) == MigrationPace.slotsPerGroup)
        #expect(pace.group(of: [1]) == 1)
    }
}
