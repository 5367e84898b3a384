/// The configuration from conf.d and the command line: one cluster on one host. What was formed is in the record.
package struct ClusterSpec: Hashable, Sendable {
    package var name: String
    package var masters = 3
    /// Per master.
    package var replicas = 1
    package var ports = PortChoice.from(7000)
    package var onPortConflict = PortConflict.next
    package var portWait = Duration.seconds(10)
    package var bind = ["127.0.0.1"]
    package var announce: String?
    /// Absolute.
    package var dataDirectory: String
    /// Bytes of free disk below which clusterd starts nothing.
    package var minimumFreeBytes: Int64 = 512 << 20
    /// The limit on each node's use of the host's memory, in bytes; nil: no limit. The kernel kills a node that exceeds it.
    package var memoryMax: Int64?
    /// A path, or a name to be found on PATH.
    package var server = "redis-server"
    package var engineUser: String?
    /// The ACL user as which clusterd logs in to its nodes; nil: the default user.
    package var login: Login?
    /// From `redis:`, in the order in which they were first written.
    package var directives: [Directive] = []
    package var overrides: [NodeName: NodeOverride] = [:]
    package var supervision = Supervision()
    package var control = Control()
    /// The cluster, including its data, ends with the daemon that runs it.
    package var isTemporary = false

    package init(name: String, dataDirectory: String) {
        self.name = name
        self.dataDirectory = dataDirectory
    }

    package var nodeCount: Int { masters * (1 + replicas) }

    /// The memory limit of the node of that name in conf.d, in bytes; nil: no limit.
    package func memoryMax(of name: NodeName) -> Int64? {
        (overrides[name]?.memoryMax ?? memoryMax).flatMap { $0 > 0 ? $0 : nil }
    }

    /// Folders of single nodes (`nodes.*.data-dir`), sorted.
    package var nodesOwnFolders: [String] { overrides.values.compactMap(\.dataDirectory).sorted() }

    package struct Login: Hashable, Sendable {
        package var user: String
        package var password: String

        package init(user: String, password: String) {
            self.user = user
            self.password = password
        }
    }

    package enum PortChoice: Hashable, Sendable {
        /// This port and the following ones.
        case from(Int)
        /// Exactly these ports.
        case list([Int])
        case range(ClosedRange<Int>)
    }

    package enum PortConflict: String, Hashable, Sendable, CaseIterable { case next, fail }

    /// One engine directive and where it was written.
    package struct Directive: Hashable, Sendable {
        package var name: String
        /// The arguments as in one redis.conf line, unquoted. `save ""` is one empty argument. A directive that may repeat (`save`, `user`,
        /// `rename-command`, …) has one entry per line.
        package var arguments: [String]
        package var origin: Origin

        package init(name: String, arguments: [String], origin: Origin = .builtIn) {
            self.name = name
            self.arguments = arguments
            self.origin = origin
        }
    }

    package struct NodeOverride: Hashable, Sendable {
        /// Absolute.
        package var dataDirectory: String?
        /// Like `ClusterSpec.memoryMax`; 0: no limit; nil: as for all nodes.
        package var memoryMax: Int64?
        package var directives: [Directive] = []
        package var origin: Origin
        /// Of `dataDirectory`.
        package var directoryOrigin: Origin?

        package init(
            dataDirectory: String? = nil, memoryMax: Int64? = nil, directives: [Directive] = [],
            origin: Origin = .builtIn
        ) {
            self.dataDirectory = dataDirectory
            self.memoryMax = memoryMax
            self.directives = directives
            self.origin = origin
        }
    }

    package struct Supervision: Hashable, Sendable {
        package enum Failover: String, Hashable, Sendable, CaseIterable { case fast, durable, off }
        package enum Restart: String, Hashable, Sendable, CaseIterable {
            case always
            case onFailure = "on-failure"
            case never
        }

        /// Whether and when the first node of each shard becomes its master again.
        package enum Failback: Hashable, Sendable {
            case never
            case whenIdle
            /// Once the cluster was ready for this long without an operation.
            case after(Duration)
        }

        /// Doubles from the first to the last with each failure in a row.
        package struct RestartDelay: Hashable, Sendable {
            package var first: Duration
            package var last: Duration

            package init(first: Duration, last: Duration) {
                self.first = first
                self.last = last
            }
        }

        package var failover = Failover.fast
        /// Bytes; nil is no limit. The default is the size of the engine's replication backlog.
        package var failoverMaxLag: Int64? = 1 << 20
        package var hangTimeout = Duration.seconds(5)
        package var restart = Restart.always
        package var restartDelay = RestartDelay(first: .milliseconds(200), last: .seconds(30))
        package var stopTimeout = Duration.seconds(60)
        package var failback = Failback.never

        package init() {}
    }

    package struct Control: Hashable, Sendable {
        /// Absolute; nil is `control.sock` in the data folder.
        package var socket: String?
        package var group: String? = "clusterd"
        /// Where clusterd serves the probes and the metrics over TCP; nil: nowhere.
        package var metrics: NetworkAddress?

        package init() {}
    }

    package struct NetworkAddress: Hashable, Sendable, CustomStringConvertible {
        /// An IP address.
        package var host: String
        package var port: Int

        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    /// The origin of a setting.
    package enum Origin: Hashable, Sendable, CustomStringConvertible {
        case builtIn
        case commandLine
        /// Lines and columns count from 1.
        case file(String, line: Int, column: Int)

        package var description: String {
            switch self {
            case .builtIn: "built in"
            case .commandLine: "command line"
            case .file(let path, let line, let column): "\(path):\(line):\(column)"
            }
        }
    }
}
