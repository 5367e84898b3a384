/// A change that the operator requests: what the client sends, the API receives and the planner admits. Nodes are given as typed: a name,
/// host:port, a port or the beginning of an ID.
package enum Command: Sendable, Hashable {
    case restartNode(String, noFailover: Bool = false, restoreRoles: Bool = false, force: Bool = false)
    case startNode(String)
    case stopNode(String, noFailover: Bool = false, force: Bool = false)
    /// The replica to promote.
    case failover(String, force: Bool = false)
    /// The master to replace.
    case failoverFrom(String, force: Bool = false)
    /// - canary: one replica only.
    case rollingRestart(
        pending: Bool = false, restoreRoles: Bool = false, force: Bool = false, canary: Bool = false)
    case reshard(Reshard)
    case rebalance(Rebalance)
    case addNode(AddNode)
    case removeNode(RemoveNode)
    case apply(Apply)
    /// nil: until `resume`.
    case pause(Duration?)
    case resume
    /// The ID of an operation.
    case cancel(String)
    /// The IDs of the repairs that the operator confirmed.
    case fix([String])
    /// Snapshots of all masters, in a new folder below this absolute path.
    /// - keep: how many complete backups of this cluster remain there; nil: all.
    case backup(String, keep: Int? = nil)
}
