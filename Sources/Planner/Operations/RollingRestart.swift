import ClusterModel

/// rolling-restart: one node after the other, one shard at a time, in each shard the replicas before the master. It continues only when the
/// last node is in sync and all nodes agree, and ends at the first node that does not come back.
extension Turn {
    mutating func roll(
        _ rolling: inout Operation.RollingRestart, since begun: Moment, _ story: Story, _ topology: Topology
    ) -> Advance {
        if var restart = rolling.current {
            let advance = self.restart(&restart, since: begun, story.part, topology)
            rolling.current = restart
            switch advance {
            case .working(let step): return .working(part(rolling, step))
            case .failed(let cause):
                let failure = holdEngines(restart, cause)
                let others = rolling.remaining.map(\.node).sorted()
                return .failed(others.isEmpty ? failure : .notRestarted(others, after: failure))
            case .done:
                rolling.current = nil
                if rolling.canary == true {
                    let engine = seen.report(restart.node)?.engine ?? seen.engine
                    return .done(.canaryRuns(restart.node, engine.description))
                }
            }
        }
        while let next = next(rolling.remaining, topology) {
            rolling.remaining.removeAll { $0.node == next.node }
            guard let member = find(next.node), member.wanted == .running,
                let process = running(next.node), process.identity == next.replaces
            else { continue }
            rolling.current = .init(
                node: next.node, replaces: next.replaces, restoreRoles: rolling.restoreRoles, force: rolling.force,
                wasMaster: topology.owns(member.id))
            return .working(part(rolling, .restarting(next.node)))
        }
        return .done(.restarted(nodes: rolling.count))
    }

    private func part(_ rolling: Operation.RollingRestart, _ step: OperationStep) -> OperationStep {
        .part(rolling.count - rolling.remaining.count, of: rolling.count, step)
    }

    private func next(
        _ targets: [Operation.RollingRestart.Target], _ topology: Topology
    ) -> Operation.RollingRestart.Target? {
        func rank(_ target: Operation.RollingRestart.Target) -> (Int, Int, NodeName) {
            guard let member = find(target.node) else { return (.max, 0, target.node) }
            let master = topology.master(of: member.id).flatMap { find(id: $0) }
            return (master?.shard ?? member.shard, topology.owns(member.id) ? 1 : 0, member.name)
        }
        return targets.min { rank($0) < rank($1) }
    }
}
