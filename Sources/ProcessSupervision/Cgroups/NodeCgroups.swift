import ClusterModel
import Glibc
import Synchronization

/// Divides the cgroup that was delegated to this process: `supervisor` contains clusterd, `node-7002` a node and its forked children.
/// A cgroup with controllers for its children cannot contain processes, so clusterd moves too.
package final class NodeCgroups: Sendable {
    package let whole: Cgroup
    /// The last counter values of a node's cgroup, while it contains a process of that node.
    private let counted = Mutex<[NodeName: MemoryEvents]>([:])

    static let supervisor = "supervisor"
    static let nodePrefix = "node-"
    /// The cgroup in which systemd runs the control processes of a unit with delegation.
    private static let control = ".control"

    /// Why there are no separate cgroups.
    package struct Refusal: Error, Hashable, Sendable {
        package var why: String

        package init(why: String) { self.why = why }
    }

    /// Takes over the cgroup and moves this process. Continues with the cgroups of an earlier clusterd.
    package static func claim() throws(Refusal) -> NodeCgroups {
        guard let current = Cgroup.ofThisProcess() else { throw Refusal(why: "cgroup v2 is not mounted here") }
        // After an upgrade in place, this process is already there.
        let isBack = current.lastName == supervisor
        guard let whole = isBack ? current.parent : current else {
            throw Refusal(why: "the cgroup of clusterd cannot be determined")
        }
        if let why = CgroupOwnership(whole, ours: [supervisor, control]).refusal {
            throw Refusal(why: "the cgroup \(whole.name) \(why)")
        }
        let own = whole.child(supervisor)
        guard own.processes.allSatisfy({ $0 == getpid() }) else {
            throw Refusal(why: "another clusterd has divided the cgroup \(whole.name)")
        }
        if !isBack {
            var code = own.make()
            if code == 0 { code = own.write("0", to: "cgroup.procs") }
            guard code == 0 else {
                own.remove()
                throw Refusal(why: "the cgroup \(whole.name) cannot be divided: \(errorText(code))")
            }
        }
        let cgroups = NodeCgroups(whole)
        cgroups.removeEmpty()
        _ = cgroups.delegation()
        return cgroups
    }

    private init(_ whole: Cgroup) { self.whole = whole }

    private func own(_ node: NodeName) -> Cgroup { whole.child(Self.nodePrefix + node.text) }

    /// Enables memory accounting for each node, if possible. Called again, because an obstacle may disappear: a process that a
    /// clusterd without cgroups started.
    package func delegation() -> CgroupDelegation {
        let name = "the cgroup \(whole.name)"
        guard whole.words("cgroup.controllers").contains("memory") else {
            return .withoutMemory("\(name) has no memory controller")
        }
        if whole.words("cgroup.subtree_control").contains("memory") { return .withMemory }
        switch whole.write("+memory", to: "cgroup.subtree_control") {
        case 0: return .withMemory
        case EBUSY: return .occupied("processes that an earlier clusterd started are in \(name) itself")
        case let code: return .withoutMemory("memory cannot be counted below \(name): \(errorText(code))")
        }
    }

    // MARK: the life of a node

    /// Creates the cgroup of a node that is about to start, with its limit, and opens its cgroup.procs. nil: that is not possible,
    /// and the node starts in the cgroup of clusterd.
    package func open(_ node: NodeName, memoryMax: Int64?) -> Int32? {
        _ = delegation()
        let own = own(node)
        guard own.make() == 0 else { return nil }
        _ = own.write(memoryMax.map(String.init) ?? "max", to: "memory.max")
        let descriptor = Glibc.open("\(own.folder)/cgroup.procs", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        counted.withLock { $0[node] = own.memoryEvents }
        return descriptor
    }

    /// Registers a process that was found running, perhaps in its own cgroup.
    package func adopted(_ node: NodeName, _ process: ProcessIdentity) {
        let events = isIn(own(node), process) ? own(node).memoryEvents : nil
        counted.withLock { $0[node] = events }
    }

    /// Called when the process of a node has exited and is reaped. Returns the counters; nil: there are none for it.
    package func ended(_ node: NodeName) -> MemoryWitness? {
        let own = own(node)
        let before = counted.withLock { $0.removeValue(forKey: node) }
        // Its forked children may still be in the cgroup; then the next process of the node joins it.
        defer { own.remove() }
        guard let before, let after = own.memoryEvents else { return nil }
        return MemoryWitness(before: before, after: after, limit: own.memory?.limit)
    }

    // MARK: usage of a node

    /// nil if the process has no cgroup of its own.
    func usage(of node: NodeName, _ process: ProcessIdentity, resident: Int64) -> NodeUsage? {
        let own = own(node)
        let events = own.memoryEvents
        guard isIn(own, process), let cpu = own.cpu else {
            counted.withLock { $0[node] = nil }
            return nil
        }
        // The kernel counts a kill before it sends the signal: for a dying process, the earlier count stays.
        if ProcessTable.Status(process.pid)?.isBeingKilled == false { counted.withLock { $0[node] = events } }
        // For a process that started before memory accounting, the cgroup's count is too low.
        return NodeUsage(
            of: process, cpu: cpu, residentBytes: max(own.residentBytes ?? 0, resident), cgroup: own.name,
            memory: own.memory)
    }

    package struct LimitError: Error, Hashable, Sendable { package var description: String }

    /// Sets the memory limit of a node. Refuses a limit below its current usage, because the kernel would kill it at once.
    package func limitMemory(of node: NodeName, _ process: ProcessIdentity, to bytes: Int64?) throws(LimitError) {
        let own = own(node)
        guard isIn(own, process) else { throw LimitError(description: "it has no cgroup of its own") }
        if let bytes, let held = own.ownBytes, held >= bytes {
            throw LimitError(description: "it uses more than that at the moment")
        }
        let code = own.write(bytes.map(String.init) ?? "max", to: "memory.max")
        guard code == 0 else { throw LimitError(description: "memory.max cannot be set: \(errorText(code))") }
    }

    private func isIn(_ own: Cgroup, _ process: ProcessIdentity) -> Bool {
        Cgroup.name(ofProcess: "\(process.pid)") == own.name
    }

    // MARK: the end

    /// Restores the original state if no node is left.
    package func release() {
        removeEmpty()
        guard !whole.children.contains(where: { $0.hasPrefix(Self.nodePrefix) }) else { return }
        _ = whole.write("-memory", to: "cgroup.subtree_control")
        if whole.write("0", to: "cgroup.procs") == 0 { whole.child(Self.supervisor).remove() }
    }

    private func removeEmpty() {
        for name in whole.children where name.hasPrefix(Self.nodePrefix) { whole.child(name).remove() }
    }
}

extension NodeUsage {
    /// The usage of a running process: from its own cgroup if it has one, else from /proc/PID/stat. nil: it has exited.
    package static func of(_ node: NodeName, _ process: ProcessIdentity, in cgroups: NodeCgroups?) -> NodeUsage? {
        guard let stat = ProcessTable.Stat(process.pid), stat.startTime == process.startTime, !stat.hasEnded else {
            return nil
        }
        let page = Int64(max(1, sysconf(Int32(_SC_PAGESIZE))))
        let resident = Int64(clamping: stat.residentPages).multipliedReportingOverflow(by: page).partialValue
        if let usage = cgroups?.usage(of: node, process, resident: resident) { return usage }
        let ticks = Int64(max(1, sysconf(Int32(_SC_CLK_TCK))))
        let used = Int64(clamping: stat.cpuTicks &+ stat.cpuTicksOfChildren)
        return NodeUsage(of: process, cpu: .milliseconds(used * 1000 / ticks), residentBytes: resident)
    }
}
