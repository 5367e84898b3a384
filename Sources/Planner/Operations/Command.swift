import ClusterModel

/// A request of the operator. Nodes are kept as typed: a name, a port, host:port, or the beginning of an id.
package enum Command: Sendable, Equatable {
    case restartNode(String, noFailover: Bool = false, restoreRoles: Bool = false, force: Bool = false)
    case startNode(String)
    case stopNode(String, noFailover: Bool = false, force: Bool = false)
    /// A replica that becomes master.
    case failover(String, force: Bool = false)
    /// A master that gives up its role.
    case failoverFrom(String, force: Bool = false)
    case rollingRestart(pending: Bool = false, restoreRoles: Bool = false, force: Bool = false)
    /// nil: until `resume`.
    case pause(Duration?)
    case resume
    case cancel(String)
    /// The ids of the repairs that the operator confirmed.
    case fix([String])
}
