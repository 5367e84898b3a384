/// What one node takes of the host, as it was just looked at.
package struct NodeUsage: Hashable, Sendable {
    package var of: ProcessIdentity
    /// Used since it began, in user and in kernel mode, by what it has forked too.
    package var cpu: Duration
    /// What lies in memory of it. Files that the kernel keeps there for later are not counted: it gives that back by itself.
    package var residentBytes: Int64
    /// The cgroup in which it is alone, as /proc/PID/cgroup has it; nil: it shares one with others.
    package var cgroup: String?
    /// What that cgroup's memory controller says; nil: it has none.
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

/// What all nodes take of the host, and whether each can have a cgroup of its own.
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
    /// CPU time is counted there, and memory is neither counted nor limited; why.
    case withoutMemory(String)
    /// The same, for as long as processes are in it that were started before it was divided.
    case occupied(String)
    case withMemory
}

/// What a cgroup has counted of memory that could not be had (`memory.events`, Documentation/admin-guide/cgroup-v2.rst). It
/// only ever grows.
package struct MemoryEvents: Hashable, Sendable {
    /// How often it was at its own limit, and nothing could be given back.
    package var exhausted: Int64
    /// Processes of it that the kernel has killed, for whoever's want.
    package var killed: Int64

    package init(exhausted: Int64, killed: Int64) {
        self.exhausted = exhausted
        self.killed = killed
    }
}

/// What the cgroup of a node counted while one process ran in it.
package struct MemoryWitness: Hashable, Sendable {
    /// When that was last looked at before its end.
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
