import ClusterModel

/// What a person asks for. Nodes stand as they were typed: a name, a port, host:port, or the beginning of an id.
package enum Command: Sendable, Equatable {
    case restartNode(String, noFailover: Bool = false, restoreRoles: Bool = false, force: Bool = false)
    case startNode(String)
    case stopNode(String, noFailover: Bool = false, force: Bool = false)
    /// A replica that is to be master.
    case failover(String, force: Bool = false)
    /// A master that is to be one no more.
    case failoverFrom(String, force: Bool = false)
    case rollingRestart(pending: Bool = false, restoreRoles: Bool = false, force: Bool = false)
    /// nil: until `resume`.
    case pause(Duration?)
    case resume
    case cancel(String)
    /// The repairs, by their ids, that a person said yes to.
    case fix([String])
}
