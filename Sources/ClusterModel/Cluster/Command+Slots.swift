extension Command {
    /// Slots that are to go from one shard to another. A node stands for its shard.
    package struct Reshard: Sendable, Hashable {
        package var from: String
        package var to: String
        package var slots: Amount
        /// Only plan it: the answer has the moves, and nothing is changed.
        package var dryRun: Bool

        package enum Amount: Sendable, Hashable {
            case count(Int)
            case exactly(SlotSet)
        }

        package init(from: String, to: String, slots: Amount, dryRun: Bool = false) {
            self.from = from
            self.to = to
            self.slots = slots
            self.dryRun = dryRun
        }
    }

    /// Every master gets its share of the slots.
    package struct Rebalance: Sendable, Hashable {
        /// By node; 1 for the others.
        package var weights: [String: Double]
        /// In percent of a master's share; nil: the default.
        package var threshold: Double?
        /// Whether masters without slots get their share too.
        package var useEmptyMasters: Bool
        package var dryRun: Bool

        package static let usualThreshold = 2.0

        package init(
            weights: [String: Double] = [:], threshold: Double? = nil, useEmptyMasters: Bool = false,
            dryRun: Bool = false
        ) {
            self.weights = weights
            self.threshold = threshold
            self.useEmptyMasters = useEmptyMasters
            self.dryRun = dryRun
        }
    }
}
