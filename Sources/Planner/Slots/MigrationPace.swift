/// How many keys one MIGRATE moves, and when the nodes serve only clients. A call blocks the source, and the target for most of the time; the
/// requests that arrive meanwhile are answered before the next call. So clients notice the length of a call, and hardly how many there are:
/// many short calls without a pause delay them less than long calls with pauses.
package struct MigrationPace: Sendable, Equatable {
    /// A call that takes longer moves fewer keys the next time.
    package static let callTime = Duration.milliseconds(1)
    package static let keysAtMost = 100
    /// A call that takes longer, with one large key for example, is followed by a pause of its own length.
    package static let longCall = Duration.milliseconds(3)
    package static let longestPause = Duration.milliseconds(20)
    /// Slots are opened together if so many calls empty them: changing the owner costs several round trips, and a slot that is half moved
    /// rejects commands with several keys (TRYAGAIN).
    package static let callsPerGroup = 10
    package static let slotsPerGroup = 32

    package private(set) var keysPerCall: Int
    /// How many keys would have fitted into the time of the last call, if it took too long.
    private var fittingOfSlowCall: Int?

    package init(keysPerCall: Int) { self.keysPerCall = max(1, min(keysPerCall, Self.keysAtMost)) }

    /// How many of these slots are opened together, by the keys of each.
    package func group(of counts: [Int64]) -> Int {
        let limit = Int64(keysPerCall * Self.callsPerGroup)
        var sum: Int64 = 0
        let fitting = counts.prefix(Self.slotsPerGroup).prefix { count in
            sum += count
            return sum <= limit
        }
        return max(1, fitting.count)
    }

    /// - Returns: The pause that is due after this call; nil: none.
    package mutating func note(keys: Int, took: Duration) -> Duration? {
        let fitting = Int(Double(keys) * (Self.callTime / max(took, .microseconds(1))))
        if took <= Self.callTime {
            fittingOfSlowCall = nil
            // The last keys of a slot say nothing about more keys.
            if keys >= keysPerCall {
                keysPerCall = min(Self.keysAtMost, max(keysPerCall, min(keysPerCall * 2, fitting)))
            }
        } else {
            // One slow call may be the host's fault.
            if let slow = fittingOfSlowCall ?? (took > Self.longCall ? fitting : nil) {
                keysPerCall = max(1, min(keysPerCall, max(slow, fitting)))
            }
            fittingOfSlowCall = fitting
        }
        return took > Self.longCall ? min(took, Self.longestPause) : nil
    }
}
