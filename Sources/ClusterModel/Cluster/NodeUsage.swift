/// The resources that one node uses on the host, as just measured.
package struct NodeUsage: Hashable, Sendable {
    package var of: ProcessIdentity
    /// CPU time used since it began, in user and kernel mode, including its forked children.
    package var cpu: Duration
    /// Its resident memory. Files that the kernel caches for it are not counted: the kernel releases those automatically.
    package var residentBytes: Int64
    /// The cgroup of this node alone, as /proc/PID/cgroup shows it; nil: it shares one with others.
    package var cgroup: String?
    /// What that cgroup's memory controller reports; nil: it has none.
    package var memory: MemoryControl?

    package init(
        of process: ProcessIdentity, cpu: Duration, residentBytes: Int64, cgroup: String? = nil,
        memory: MemoryControl? = nil
    ) {
        self.of = process
        self.cpu = cpu
        self.residentBytes = residentBytes
        self.cgroup = cgroup
        self.memory = memory
    }

    package struct MemoryControl: Hashable, Sendable {
        /// `memory.max`; nil: none.
        package var limit: Int64?

        package init(limit: Int64?) { self.limit = limit }
    }
}

/// The resources that all nodes use, and whether each can have a cgroup of its own.
package struct HostUsage: Hashable, Sendable {
    package var askedAt: Moment
    package var nodes: [NodeName: NodeUsage]
    package var delegation: CgroupDelegation

    package init(askedAt: Moment, nodes: [NodeName: NodeUsage], delegation: CgroupDelegation) {
        self.askedAt = askedAt
        self.nodes = nodes
        self.delegation = delegation
    }
}

/// Whether clusterd was given a cgroup that it may divide among its nodes.
package enum CgroupDelegation: Hashable, Sendable {
    /// Why not.
    case none(String)
    /// CPU time is counted there, and memory is neither counted nor limited; the reason.
    case withoutMemory(String)
    /// The same, for as long as processes are in it that were started before it was divided.
    case occupied(String)
    case withMemory
}

/// The failed memory allocations that a cgroup has counted (`memory.events`, Documentation/admin-guide/cgroup-v2.rst). The counters only
/// grow.
package struct MemoryEvents: Hashable, Sendable {
    /// How often it was at its own limit, and no memory could be reclaimed.
    package var exhausted: Int64
    /// Processes in it that the kernel has killed, whichever limit was the cause.
    package var killed: Int64

    package init(exhausted: Int64, killed: Int64) {
        self.exhausted = exhausted
        self.killed = killed
    }
}

/// What the cgroup of a node counted while one process ran in it.
package struct MemoryWitness: Hashable, Sendable {
    /// When that was last read before the end.
    package var before: MemoryEvents
    package var after: MemoryEvents
    /// `memory.max` at its end; nil: none.
    package var limit: Int64?

    package init(before: MemoryEvents, after: MemoryEvents, limit: Int64?) {
        self.before = before
        self.after = after
        self.limit = limit
    }
}
