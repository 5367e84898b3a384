import ClusterModel

/// One element of the `nodes` of `status --json`.
package struct NodeDocument: Hashable, Sendable, Codable {
    package var name: NodeName
    package var host: String
    package var port: Int
    package var busPort: Int
    package var id: NodeID?
    package var pid: Int32?
    package var process: Process
    package var wanted: Wanted
    package var role: Role?
    package var replicaOf: NodeName?
    /// Ranges, `a-b` or `a`.
    package var slots: [String] = []
    package var health: Health
    /// A replica's link to its master.
    package var link: Link?
    /// The replication lag of a replica, in bytes.
    package var lagBytes: Int64?
    package var keys: Int64?
    package var memoryBytes: Int64?
    package var maxMemoryBytes: Int64?
    package var clients: Int?
    package var opsPerSecond: Int64?
    package var engine: EngineDocument?
    /// Directives on disk that take effect at the next restart of the node.
    package var pendingRestart: [String] = []
    package var startedAt: Timestamp?
    package var restarts = 0
    package var lastExit: ExitDocument?
    /// The node's folder.
    package var directory: String?
    /// The engine's own log, on `host`.
    package var log: String?
    /// The resident memory of its process and of forked children.
    package var residentBytes: Int64?
    /// The memory limit that the kernel enforces for this node; nil: none.
    package var memoryLimitBytes: Int64?
    /// CPU time since the start of its process.
    package var cpuSeconds: Double?
    /// The cgroup that contains only this node.
    package var cgroup: String?

    package init(
        name: NodeName, host: String, port: Int, busPort: Int, process: Process, wanted: Wanted, health: Health
    ) {
        self.name = name
        self.host = host
        self.port = port
        self.busPort = busPort
        self.process = process
        self.wanted = wanted
        self.health = health
    }

    package enum Process: String, Sendable, Codable { case starting, running, stopping, stopped, crashed, backoff }
    package enum Wanted: String, Sendable, Codable { case running, stopped }
    package enum Health: String, Sendable, Codable { case ok, loading, syncing, busy, hung, unreachable, down }
    package enum Link: String, Sendable, Codable { case up, down }

    package struct EngineDocument: Hashable, Sendable, Codable {
        package var name: String
        package var version: String

        package init(name: String, version: String) {
            self.name = name
            self.version = version
        }
    }

    package struct ExitDocument: Hashable, Sendable, Codable {
        package var at: Timestamp
        /// In words: `killed by SIGKILL`.
        package var cause: String
        package var signal: Int32?
        package var code: Int32?
        /// For programs: `killed`, `crashed`, `hung`, `out-of-memory`, `bad-nodes-file` …
        package var kind: String?
        package var pid: Int32?
        /// False if the process was not a child of the daemon that saw it exit: there is neither a code nor a signal then.
        package var isStatusKnown: Bool?
        package var coreDumped: Bool?
        /// Whether the kernel's OOM killer killed it; nil: unknown.
        package var outOfMemory: Bool?
        package var uptimeMilliseconds: Int64?
        /// The memory that it used at the last query.
        package var memoryBytes: Int64?
        /// The engine's last lines, or the head of its crash report.
        package var log: [String]?

        private enum CodingKeys: String, CodingKey {
            case at, cause, signal, code, kind, pid
            case isStatusKnown = "statusKnown"
            case coreDumped, outOfMemory
            case uptimeMilliseconds = "uptimeMs"
            case memoryBytes, log
        }

        package init(at: Timestamp, cause: String, signal: Int32? = nil, code: Int32? = nil) {
            self.at = at
            self.cause = cause
            self.signal = signal
            self.code = code
        }
    }
}
