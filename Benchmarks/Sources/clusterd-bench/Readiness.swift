/// Checks from outside whether a cluster is ready. The condition is the same for every contestant:
///
/// - every node's CLUSTER NODES has the same nodes, roles and slots, with every link up and no failure noted;
/// - every slot has an owner, and every node says `cluster_state:ok`;
/// - every replica's link to its master is up;
/// - every master has accepted a write since the check began.
///
/// Each look continues at the node that failed the last one, so polling costs little while the cluster is not ready.
final class Readiness {
    private let nodes: [Node]
    private let masters: Int
    private var next = 0
    private var written: Set<Int> = []

    init(ports: [Int], masters: Int) {
        nodes = ports.map(Node.init)
        self.masters = masters
        // Not while a clock runs.
        _ = Slots.keys
    }

    var isReached: Bool {
        var agreed: ClusterView?
        for step in nodes.indices {
            let index = (next + step) % nodes.count
            guard let view = view(of: nodes[index]), agreed == nil || agreed == view, accepts(nodes[index], view) else {
                next = index
                return false
            }
            agreed = view
        }
        return true
    }

    private func view(of node: Node) -> ClusterView? {
        guard let view = ClusterView(node.send("CLUSTER", "NODES")), view.members.count == nodes.count,
            view.slotCount == Slots.count, view.shards.count == masters,
            node.send("CLUSTER", "INFO")?.contains("cluster_state:ok") == true
        else { return nil }
        return view
    }

    /// A master accepts a write; a replica is linked.
    private func accepts(_ node: Node, _ view: ClusterView) -> Bool {
        guard let shard = view.shards.first(where: { $0.master == node.port }) else {
            return node.info("master_link_status", of: "replication") == "up"
        }
        if written.contains(node.port) { return true }
        guard node.send("SET", Slots.keys[shard.slot], "x") == "+OK" else { return false }
        written.insert(node.port)
        return true
    }
}
