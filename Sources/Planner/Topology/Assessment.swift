import ClusterModel

/// The state of the cluster, seen from every node: what `status` shows, and the basis of readiness.
package struct Assessment: Sendable, Equatable {
    package enum Phase: String, Sendable { case starting, forming, ready, stopping }
    package enum State: String, Sendable { case ok, degraded, down }
    package enum Health: String, Sendable, Codable { case ok, loading, syncing, busy, hung, unreachable, down }

    package var phase = Phase.starting
    package var state = State.down
    package var serving = false
    package var ready = false
    package var slotsCovered = 0
    package var nodes: [Node] = []
    package var shards: [Shard] = []
    package var progress = Progress()

    /// Progress counts on the way to ready.
    package struct Progress: Sendable, Equatable {
        package var wanted = 0
        package var started = 0
        package var answering = 0
        package var agreeing = 0
        package var replicas = 0
        package var replicasInSync = 0

        package init() {}
    }

    package struct Node: Sendable, Equatable {
        package var name: NodeName
        package var role: Role?
        package var replicaOf: NodeName?
        package var slots = SlotSet()
        package var configEpoch: UInt64 = 0
        package var health = Health.down
        /// A replica's link to its master; nil on a master or if unknown.
        package var linkUp: Bool?
        /// Replication lag behind its master, in bytes; nil on a master or if it cannot be compared.
        package var lagBytes: Int64?
        package var report: NodeReport?
        /// Directives that take effect at its next start.
        package var pendingRestart: [String] = []

        package init(name: NodeName) { self.name = name }
    }

    package struct Shard: Sendable, Equatable {
        package var master: NodeName?
        package var replicas: [NodeName]
        package var slots: SlotSet
        /// The nodes that could be told to take over now.
        package var replicasInSync: [NodeName]
        /// Why none of them would if the master died now; nil: one would.
        package var why: ShardWeakness?
        package var canFailOver: Bool { why == nil }

        package init(
            master: NodeName?, replicas: [NodeName], slots: SlotSet, replicasInSync: [NodeName],
            why: ShardWeakness?
        ) {
            self.master = master
            self.replicas = replicas
            self.slots = slots
            self.replicasInSync = replicasInSync
            self.why = why
        }
    }

    package init() {}

    package func node(_ name: NodeName) -> Node? { nodes.first { $0.name == name } }
}
