import ClusterModel
import Testing

struct SlotSetTests {
    @Test func slotsAreDividedAsByRedisCLI() {
        #expect(SlotSet.evenly(among: 3).map(\.description) == ["0-5460", "5461-10922", "10923-16383"])
        #expect(SlotSet.evenly(among: 1) == [.all])
        #expect(
            SlotSet.evenly(among: 5).map(\.description)
                == ["0-3276", "3277-6553", "6554-9829", "9830-13106", "13107-16383"])
    }

    @Test(arguments: [1, 2, 3, 6, 7, 30, 100, 1000, 16384])
    func sharesAreDisjointAndCoverEverySlot(masters: Int) {
        let shares = SlotSet.evenly(among: masters)
        #expect(shares.count == masters)
        #expect(shares.allSatisfy { !$0.isEmpty })
        #expect(shares.reduce(0) { $0 + $1.count } == SlotSet.slotCount)
        #expect(shares.reduce(SlotSet()) { $0.union($1) } == .all)
    }

    @Test func slotRangesSurviveARoundTripThroughText() throws {
        let slots = try #require(SlotSet(texts: ["7000", "0-5460", "5461"]))
        #expect(slots.texts == ["0-5461", "7000"])
        #expect(slots.ranges == [0...5461, 7000...7000])
        #expect(slots.count == 5463)
        for wrong in ["", "-", "5-", "-5", "9-5", "0-16384", "16384", "1-2-3", "a", " 1", "99999999999999999999"] {
            #expect(SlotSet(texts: [wrong]) == nil, "\(wrong)")
        }
    }

    @Test func aSlotSetBehavesLikeASetOfNumbers() {
        var random = SplitMix64(seed: 7)
        for _ in 0..<300 {
            let (a, b) = (numbers(&random), numbers(&random))
            let (x, y) = (SlotSet(a.map { $0...$0 }), SlotSet(b.map { $0...$0 }))
            #expect(list(x) == a.sorted())
            #expect(list(x.union(y)) == a.union(b).sorted())
            #expect(list(x.intersection(y)) == a.intersection(b).sorted())
            #expect(list(x.subtracting(y)) == a.subtracting(b).sorted())
            #expect(x.union(y) == y.union(x))
            #expect((0..<48).allSatisfy { x.contains($0) == a.contains($0) })
            #expect(!x.contains(-1) && !x.contains(16384))
        }
        #expect(SlotSet.all.subtracting(.all).isEmpty)
        #expect(SlotSet.all.subtracting(SlotSet(1...16382)).texts == ["0", "16383"])
    }

    private func numbers(_ random: inout SplitMix64) -> Set<Int> {
        Set((0..<Int.random(in: 0...30, using: &random)).map { _ in Int.random(in: 0..<40, using: &random) })
    }

    private func list(_ slots: SlotSet) -> [Int] { slots.ranges.flatMap { Array($0) } }

    /// Results of CLUSTER KEYSLOT of redis-server 7.0.15, and examples of the cluster specification.
    @Test(arguments: [
        ("foo", 12182), ("123456789", 12739), ("", 0), ("somekey", 11058), ("foo{hash_tag}", 2515), ("{}.x", 7237),
        ("foo{}{bar}", 8363), ("foo{{bar}}zap", 4015), ("foo{bar}{zap}", 5061), ("bar", 5061), ("{open", 7674),
    ])
    func theSlotOfAKeyMatchesTheEngine(key: String, slot: Int) {
        #expect(hashSlot(of: Array(key.utf8)) == slot)
    }
}

/// A seeded generator, so that failures are reproducible.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
