extension Command {
    /// One more node.
    package struct AddNode: Sendable, Hashable {
        /// A node of the shard that it joins as a replica; nil: it becomes the master of a new shard.
        package var replicaOf: String?
        /// Whether a new master stays without slots for now.
        package var isEmpty: Bool
        /// Only plan it: the answer has the parts, and nothing is changed.
        package var dryRun: Bool

        package init(replicaOf: String? = nil, isEmpty: Bool = false, dryRun: Bool = false) {
            self.replicaOf = replicaOf
            self.isEmpty = isEmpty
            self.dryRun = dryRun
        }
    }

    /// One node less, or one shard.
    package struct RemoveNode: Sendable, Hashable {
        package var node: String
        /// Whether all nodes of its shard go, after its slots have moved to the other shards.
        package var shard: Bool
        /// Whether a master may be left without a replica, and nodes that do not answer may still know it.
        package var force: Bool
        package var dryRun: Bool

        package init(node: String, shard: Bool = false, force: Bool = false, dryRun: Bool = false) {
            self.node = node
            self.shard = shard
            self.force = force
            self.dryRun = dryRun
        }
    }

    /// As many masters and replicas as the configuration has.
    package struct Apply: Sendable, Hashable {
        /// The IDs of the parts of the plan that the operator has seen; nil: any plan.
        package var parts: [String]?
        package var dryRun: Bool

        package init(parts: [String]? = nil, dryRun: Bool = false) {
            self.parts = parts
            self.dryRun = dryRun
        }
    }
}
