/// A set of hash slots, stored as sorted ranges that neither touch nor overlap, so that equal sets are equal values. Every slot is in
/// 0..<16384.
package struct SlotSet: Hashable, Sendable, CustomStringConvertible {
    /// `CLUSTER_SLOTS`, src/cluster.h.
    package static let slotCount = 16384
    package static let all = SlotSet(0...slotCount - 1)

    package private(set) var ranges: [ClosedRange<Int>] = []

    package init() {}

    /// The range must lie in 0..<16384.
    package init(_ range: ClosedRange<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound < Self.slotCount, "hash slots are 0 to 16383")
        ranges = [range]
    }

    /// Ranges in any order, overlapping or not.
    package init(_ ranges: some Sequence<ClosedRange<Int>>) {
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) { append(SlotSet(range).ranges[0]) }
    }

    package var isEmpty: Bool { ranges.isEmpty }
    package var count: Int { ranges.reduce(0) { $0 + $1.count } }

    package func contains(_ slot: Int) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < slot { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].contains(slot)
    }

    package func union(_ other: SlotSet) -> SlotSet {
        if other.isEmpty || other == self { return self }
        if isEmpty { return other }
        return SlotSet(ranges + other.ranges)
    }

    package func intersection(_ other: SlotSet) -> SlotSet {
        var common = SlotSet()
        var (mine, others) = (0, 0)
        while mine < ranges.count, others < other.ranges.count {
            let (a, b) = (ranges[mine], other.ranges[others])
            if a.overlaps(b) {
                common.ranges.append(max(a.lowerBound, b.lowerBound)...min(a.upperBound, b.upperBound))
            }
            if a.upperBound < b.upperBound { mine += 1 } else { others += 1 }
        }
        return common
    }

    package func subtracting(_ other: SlotSet) -> SlotSet { intersection(other.complement) }

    private var complement: SlotSet {
        var rest = SlotSet()
        var next = 0
        for range in ranges {
            if range.lowerBound > next { rest.ranges.append(next...range.lowerBound - 1) }
            next = range.upperBound + 1
        }
        if next < Self.slotCount { rest.ranges.append(next...Self.slotCount - 1) }
        return rest
    }

    /// Adds a range that does not begin before the last one.
    private mutating func append(_ range: ClosedRange<Int>) {
        guard let last = ranges.last, range.lowerBound <= last.upperBound + 1 else { return ranges.append(range) }
        ranges[ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
    }

    /// Shares as `redis-cli --cluster create` deals them, in its single precision (`clusterManagerCommandCreate`, src/redis-cli.c): 3 →
    /// 0-5460, 5461-10922, 10923-16383.
    package static func evenly(among masters: Int) -> [SlotSet] {
        precondition((1...slotCount).contains(masters), "there are 16384 slots to share")
        let share = Float(slotCount) / Float(masters)
        var cursor: Float = 0
        var first = 0
        return (0..<masters).map { index in
            let rounded = Int((cursor + share - 1).rounded())
            let last = index == masters - 1 ? slotCount - 1 : max(first, min(rounded, slotCount - 1))
            defer {
                first = last + 1
                cursor += share
            }
            return SlotSet(first...last)
        }
    }
}

/// The text form: one string per range, `0-5460` or `7000`.
extension SlotSet {
    package var texts: [String] {
        ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
    }

    package var description: String { texts.joined(separator: " ") }

    /// nil if any of the texts is not a slot or a range of slots.
    package init?(texts: some Sequence<String>) {
        var ranges: [ClosedRange<Int>] = []
        for text in texts {
            guard let range = Self.range(Array(text.utf8)[...]) else { return nil }
            ranges.append(range)
        }
        self.init(ranges)
    }

    static func range(_ text: ArraySlice<UInt8>) -> ClosedRange<Int>? {
        let ends = text.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard ends.count <= 2, let first = ends.first?.decimal, let last = ends.last?.decimal, first <= last,
            last < UInt64(slotCount)
        else { return nil }
        return Int(first)...Int(last)
    }
}

extension SlotSet: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let texts = try container.decode([String].self)
        guard let slots = SlotSet(texts: texts) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(texts) are not ranges of slots")
        }
        self = slots
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(texts)
    }
}
