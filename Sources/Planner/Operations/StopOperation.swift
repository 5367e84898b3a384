import ClusterModel

/// start-node and stop-node. The wanted state of a node is in the record, so that a stopped node stays stopped across daemons and boots.
extension Turn {
    mutating func start(_ start: Operation.StartNode, _ story: Story, _ topology: Topology) -> Advance {
        guard let member = find(start.node) else {
            return .failed(.unknownNode(start.node))
        }
        want(.running, of: member)
        return comeBack(member, after: start.replaces, story, topology)
            ?? .done(.running(member.name, role(of: member, topology)))
    }

    /// A master hands over first; the record says that it stays down before it is told to stop.
    mutating func stop(
        _ stop: inout Operation.StopNode, since begun: Moment, _ story: Story, _ topology: Topology
    ) -> Advance {
        guard let member = find(stop.node) else {
            return .failed(.unknownNode(stop.node))
        }
        guard running(member.name) != nil else {
            // A master that is down, and that no replica replaces: it must come up to hand over.
            if topology.owns(member.id), !stop.noFailover, !stop.force, member.wanted == .running {
                return comeBack(member, after: nil, story, topology) ?? .working(.starting(member.name))
            }
            want(.stopped, of: member)
            // A start that was ordered before may still create a process.
            if isBusy(member.name) { return .working(.awaitingEffects(on: member.name)) }
            return .done(.stopped(member.name))
        }
        if !isEnding(member), stop.successor == nil,
            let advance = awaitSettled(
                member, mayBeReset: true, mayLackSlots: stop.force, since: begun, story, topology)
        {
            if case .failed = advance { want(.running, of: member) }
            return advance.mapFailure(OperationFailure.nothingStopped)
        }
        let isForced = stop.force && able(replicas(of: member, topology)) == nil && stop.successor == nil
        if !isEnding(member), !stop.noFailover, !isForced,
            let advance = handOver(from: member, to: &stop.successor, topology, story)
        {
            if case .failed = advance { want(.running, of: member) }
            return advance.mapFailure(OperationFailure.nothingStopped)
        }
        let advance = takeDown(member, accepts: stop.noFailover || stop.force, story, topology)
        switch advance {
        case .failed: want(.running, of: member)
        case nil: want(.stopped, of: member)
        default: break
        }
        return advance ?? .working(.stopping(member.name))
    }

    private mutating func want(_ wanted: Member.Wanted, of member: Member) {
        guard let index = place(of: member.name) else { return }
        set(\.wanted, wanted, at: index)
    }

    /// Nodes that the operator stopped.
    mutating func reportStopped() {
        for member in members where member.wanted == .stopped {
            let isStopping = decision.record?.operations.contains { $0.ends(member.name) } ?? false
            if isStopping { continue }
            if running(member.name) != nil {
                emit(
                    Finding(
                        .nodeStopped, .warning, node: member.name, about: .running,
                        "\(member.name) runs although it should stay stopped: clusterd did not start it",
                        hint:
                            "to keep it running: clusterd start-node \(member.name); to stop it: clusterd stop-node \(member.name)"
                    ))
                continue
            }
            let shard = decision.assessment.shards.first {
                $0.master == member.name || $0.replicas.contains(member.name)
            }
            let isThin = shard?.canFailOver != true
            emit(
                Finding(
                    .nodeStopped, isThin ? .warning : .info, node: member.name, shard: shard?.master,
                    "\(member.name) stays stopped (stop-node)"
                        + (isThin ? "; its shard cannot fail over: \(shard?.why?.words ?? "it has no master")" : ""),
                    hint: "clusterd start-node \(member.name)"))
        }
    }
}
