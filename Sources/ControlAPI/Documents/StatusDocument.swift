import ClusterModel

/// `status --json` (docs/openapi.yaml). Values that do not apply are nil, which `ControlJSON` writes as null.
package struct StatusDocument: Hashable, Sendable, Codable {
    /// Increases only if a reader of the older format would misread the new one.
    package var schema = 1
    package var cluster: Cluster
    package var nodes: [NodeDocument] = []
    package var shards: [ShardDocument] = []
    package var findings: [FindingDocument] = []
    package var operations: [OperationDocument] = []

    package init(cluster: Cluster) { self.cluster = cluster }

    package struct Cluster: Hashable, Sendable, Codable {
        package var name: String
        package var state: State
        package var phase: Phase
        package var ready = false
        package var serving = false
        package var slotsCovered = 0
        package var masters = 0
        package var replicas = 0
        /// `redis 7.0.15`; nil until an engine was queried.
        package var engine: String?
        package var paused = false
        package var dir: String
        package var daemon: Daemon

        package init(name: String, state: State, phase: Phase, dir: String, daemon: Daemon) {
            self.name = name
            self.state = state
            self.phase = phase
            self.dir = dir
            self.daemon = daemon
        }

        /// Degraded: every slot served, with less redundancy than configured. Down: some slot is not served.
        package enum State: String, Sendable, Codable { case ok, degraded, down }
        package enum Phase: String, Sendable, Codable { case starting, forming, ready, stopping }
    }

    package struct Daemon: Hashable, Sendable, Codable {
        package var pid: Int32
        package var version: String
        package var startedAt: Timestamp

        package init(pid: Int32, version: String, startedAt: Timestamp) {
            self.pid = pid
            self.version = version
            self.startedAt = startedAt
        }
    }
}

/// One element of `shards`: a master and its replicas.
package struct ShardDocument: Hashable, Sendable, Codable {
    /// nil: none of its nodes is master.
    package var master: NodeName?
    package var replicas: [NodeName]
    /// Ranges, `a-b` or `a`.
    package var slots: [String]
    package var canFailOver: Bool
    /// Why it cannot fail over.
    package var why: String?

    package init(master: NodeName?, replicas: [NodeName], slots: [String], canFailOver: Bool, why: String? = nil) {
        self.master = master
        self.replicas = replicas
        self.slots = slots
        self.canFailOver = canFailOver
        self.why = why
    }
}
