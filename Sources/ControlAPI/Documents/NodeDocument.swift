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
    /// How far a replica is behind its master.
    package var lagBytes: Int64?
    package var keys: Int64?
    package var memoryBytes: Int64?
    package var maxMemoryBytes: Int64?
    package var clients: Int?
    package var opsPerSecond: Int64?
    package var engine: EngineDocument?
    /// Directives on disk that the running process does not have yet.
    package var pendingRestart: [String] = []
    package var startedAt: Timestamp?
    package var restarts = 0
    package var lastExit: ExitDocument?
    /// Where its files are.
    package var directory: String?
    /// The engine's own log, on `host`.
    package var log: String?
    /// What lies in memory of its process, and of what that has forked.
    package var residentBytes: Int64?
    /// What the kernel lets it have of memory; nil: no limit of its own.
    package var memoryLimitBytes: Int64?
    /// CPU time since its process began.
    package var cpuSeconds: Double?
    /// The cgroup in which it is alone.
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
        /// False of a process that was no child of the daemon which saw it end: it has neither code nor signal then.
        package var isStatusKnown: Bool?
        package var coreDumped: Bool?
        /// Whether the kernel killed it for want of memory; nil where that could not be learned.
        package var outOfMemory: Bool?
        package var uptimeMilliseconds: Int64?
        /// What it had in use when it was last asked.
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
