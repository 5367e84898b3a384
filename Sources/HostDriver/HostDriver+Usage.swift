import ClusterModel
import NodeFiles
import Planner
import ProcessSupervision

/// The resource usage and limits of nodes.
extension HostDriver {
    func measure(_ processes: [NodeName: ProcessIdentity]) async -> Outcome {
        await outcome(.init("usage", "reading", "/proc")) { self.measured(processes) }
    }

    private func measured(_ processes: [NodeName: ProcessIdentity]) -> Outcome {
        let askedAt = now()
        let groups = try? cgroups.get()
        var nodes: [NodeName: NodeUsage] = [:]
        for (node, process) in processes { nodes[node] = NodeUsage.of(node, process, in: groups) }
        return .used(HostUsage(askedAt: askedAt, nodes: nodes, delegation: delegation))
    }

    private var delegation: CgroupDelegation {
        switch cgroups {
        case .success(let groups): groups.delegation()
        case .failure(let refusal): .none(refusal.why)
        }
    }

    /// The kernel may write pages to disk before it accepts a lower limit.
    func limitMemory(of node: NodeName, _ process: ProcessIdentity, to bytes: Int64?) async -> Outcome {
        await outcome(.init("memory of \(node)", "setting memory.max of", "\(node)"), limit: nil) {
            self.memoryLimited(of: node, process, to: bytes)
        }
    }

    private func memoryLimited(of node: NodeName, _ process: ProcessIdentity, to bytes: Int64?) -> Outcome {
        do {
            guard let groups = try? cgroups.get() else { return .failed("it has no cgroup of its own") }
            try groups.limitMemory(of: node, process, to: bytes)
            return .done
        } catch {
            return .failed(error.description)
        }
    }
}
