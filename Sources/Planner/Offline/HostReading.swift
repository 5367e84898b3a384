import ClusterModel

/// The host facts that clusterd judges. nil: the fact cannot be read here.
package struct HostReading: Sendable, Equatable {
    package var overcommit: Int?
    package var hugePages: String?
    package var backlog: Int?
    /// The hard limit of this process; a node's soft limit is raised to it.
    package var openFiles: UInt64
    package var swappiness: Int?
    package var hasSwap = false
    /// The kernel's source of time: `tsc`, `kvm-clock`, `hpet` …
    package var clockSource: String?
    /// The ports that the kernel gives to outgoing connections.
    package var ephemeral: ClosedRange<Int>?
    /// The host's memory, or what the control group of this process may use of it.
    package var memoryBytes: Int64?
    /// The disks of the data folder, and of the folders of nodes that have their own.
    package var disks: [Disk] = []
    package var engine: EngineReading?
    package var certificates: [CertificateReading] = []
    package var wall = WallTime(milliseconds: 0)

    package init(openFiles: UInt64) { self.openFiles = openFiles }
}

/// What is known about the server program without starting a node.
package struct EngineReading: Sendable, Equatable {
    package var path: String
    package var engine: Engine
    /// `jemalloc-5.2.1`, `libc` …, as `--version` shows it.
    package var allocator: String?
    /// Programs of the engine that are neither next to it nor on PATH: `redis-cli`, `redis-check-aof`.
    package var missingTools: [String]

    package init(path: String, engine: Engine, allocator: String?, missingTools: [String]) {
        self.path = path
        self.engine = engine
        self.allocator = allocator
        self.missingTools = missingTools
    }
}

/// One TLS file: when its certificate expires, or why it cannot be used.
package struct CertificateReading: Sendable, Equatable {
    package var path: String
    package var ends: WallTime?
    package var trouble: String?

    package init(path: String, ends: WallTime? = nil, trouble: String? = nil) {
        self.path = path
        self.ends = ends
        self.trouble = trouble
    }

    /// Soon enough to get another certificate.
    static let notice = 30

    /// Whole days; negative once it has expired.
    func daysLeft(at wall: WallTime) -> Int? {
        ends.map { Int((Double($0.milliseconds - wall.milliseconds) / 86_400_000).rounded(.down)) }
    }
}
