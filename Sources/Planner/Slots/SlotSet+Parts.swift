import ClusterModel

extension SlotSet {
    /// The lowest `count` slots; all if there are fewer.
    package func first(_ count: Int) -> SlotSet {
        var left = max(0, count)
        var part: [ClosedRange<Int>] = []
        for range in ranges where left > 0 {
            let taken = min(left, range.count)
            part.append(range.lowerBound...range.lowerBound + taken - 1)
            left -= taken
        }
        return SlotSet(part)
    }

    /// The highest `count` slots; all if there are fewer.
    package func last(_ count: Int) -> SlotSet { subtracting(first(self.count - min(max(0, count), self.count))) }

    /// One by one, in ascending order.
    package var numbers: [Int] { ranges.flatMap { Array($0) } }
}
