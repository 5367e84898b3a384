import ClusterModel

/// Which slots move so that each master has its share: pure arithmetic.
package struct Rebalance: Sendable, Equatable {
    package struct Owner: Sendable, Equatable {
        package var node: NodeName
        package var slots: SlotSet
        /// Its share relative to the others; greater than 0.
        package var weight: Double

        package init(node: NodeName, slots: SlotSet, weight: Double) {
            self.node = node
            self.slots = slots
            self.weight = weight
        }
    }

    package var owners: [Owner]
    /// In percent of a master's share: if no master differs by more, nothing moves.
    package var threshold: Double

    package init(_ owners: [Owner], threshold: Double) {
        self.owners = owners
        self.threshold = threshold
    }

    /// How many slots each owner gets, in the order of `owners`. The sum is the number of slots that they have; what rounding leaves goes
    /// to the owners with the largest remainders, so that equal weights differ by at most one slot.
    package var shares: [Int] {
        let total = owners.reduce(0) { $0 + $1.slots.count }
        let weights = owners.reduce(0) { $0 + $1.weight }
        guard weights > 0 else { return owners.map(\.slots.count) }
        let exact = owners.map { Double(total) * $0.weight / weights }
        var shares = exact.map { Int($0) }
        let left = total - shares.reduce(0, +)
        // Of equal remainders, the owner with more slots keeps one: nothing moves that need not.
        let order = owners.indices.sorted { a, b in
            let (x, y) = (exact[a] - Double(shares[a]), exact[b] - Double(shares[b]))
            if x != y { return x > y }
            let (m, n) = (owners[a].slots.count, owners[b].slots.count)
            return m != n ? m > n : a < b
        }
        for index in order.prefix(max(0, left)) { shares[index] += 1 }
        return shares
    }

    /// Empty: every master is within the threshold.
    package var moves: [SlotMove] {
        let shares = self.shares
        let isUneven = owners.indices.contains { index in
            let difference = abs(owners[index].slots.count - shares[index])
            // One slot is no imbalance: it is what rounding leaves.
            return difference > 1 && Double(difference) * 100 > threshold * Double(max(1, shares[index]))
        }
        guard isUneven else { return [] }
        var surplus = owners.indices.map { owners[$0].slots.count - shares[$0] }
        var slots = owners.map(\.slots)
        let givers = owners.indices.filter { surplus[$0] > 0 }.sorted { (surplus[$1], $0) < (surplus[$0], $1) }
        let takers = owners.indices.filter { surplus[$0] < 0 }.sorted { (surplus[$0], $0) < (surplus[$1], $1) }
        var moves: [SlotMove] = []
        for giver in givers {
            for taker in takers where surplus[giver] > 0 && surplus[taker] < 0 {
                let count = min(surplus[giver], -surplus[taker])
                let part = slots[giver].last(count)
                slots[giver] = slots[giver].subtracting(part)
                surplus[giver] -= count
                surplus[taker] += count
                moves.append(SlotMove(from: owners[giver].node, to: owners[taker].node, slots: part))
            }
        }
        return moves
    }
}
