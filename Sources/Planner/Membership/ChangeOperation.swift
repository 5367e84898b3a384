import ClusterModel

/// add-node, remove-node, apply: part after part, each until the nodes report its result. The first failure ends the operation, and skips
/// the rest.
extension Turn {
    mutating func change(
        _ change: inout Operation.Change, id: Int, startedAt: WallTime, since begun: Moment, _ story: Story,
        _ topology: Topology
    ) -> Advance {
        sortLeavers(&change)
        noteEmptied(change, topology)
        guard let part = change.parts.first else { return .done(.nothingToDo) }
        if change.isEnding, change.moves.isEmpty { return .done(.changeEnded(left: change.parts.count)) }
        let story = change.count > 1 ? story.part : story
        let advance: Advance
        switch part {
        case .add(var newcomer):
            advance = add(&newcomer, story, topology)
            change.parts[0] = .add(newcomer)
            if change.request == .addNode { change.node = newcomer.name }
        case .even:
            change.parts[0] = .move(slots(MembershipPlan.evenMoves(among: owners(topology)), change))
            advance = .working(.dividingSlots)
        case .drain(let shard):
            if let moves = MembershipPlan.drainMoves(of: shard, change, among: owners(topology)) {
                change.parts[0] = .move(slots(moves, change))
                advance = .working(.dividingSlots)
            } else {
                advance = within(.dividingSlots, story, else: .notOwning)
            }
        case .move(var reshard):
            reshard.isEnding = change.isEnding
            advance = self.reshard(&reshard, id: id, since: begun, story, topology)
            change.parts[0] = .move(reshard)
            change.slotPart = reshard.part?.number ?? change.slotPart
        case .remove(var leaver):
            advance = remove(&leaver, startedAt: startedAt, since: begun, story, topology)
            change.parts[0] = .remove(leaver)
        }
        switch advance {
        case .working(let step): return .working(numbered(step, change))
        case .failed(let failure):
            let others = change.parts.count - 1
            return .failed(others == 0 ? failure : .partsLeft(others, after: failure))
        case .done(let result): return conclude(result, &change)
        }
    }

    private func slots(_ moves: [SlotMove], _ change: Operation.Change) -> Operation.Reshard {
        var reshard = Operation.Reshard(moves: moves, isRebalance: true)
        reshard.partsBefore = change.slotPart
        return reshard
    }

    private func numbered(_ step: OperationStep, _ change: Operation.Change) -> OperationStep {
        change.count > 1 ? .part(change.count - change.parts.count + 1, of: change.count, step) : step
    }

    /// One part is done.
    private mutating func conclude(_ result: OperationResult, _ change: inout Operation.Change) -> Advance {
        if change.isEnding { return .done(.changeEnded(left: change.parts.count)) }
        change.parts.removeFirst()
        if let record = decision.record { set(\.shape.masters, record.shardCount) }
        guard change.parts.isEmpty else { return .working(numbered(.result(result), change)) }
        if let replicas = change.replicas { set(\.shape.replicas, replicas) }
        return .done(change.request == .apply || change.count > 1 ? .changed(nodes: members.count) : result)
    }

    /// A node that others follow cannot be forgotten by them: replicas leave first, whichever node is master by now.
    private func sortLeavers(_ change: inout Operation.Change) {
        func leaver(_ part: Operation.Change.Part) -> NodeName? {
            if case .remove(let leaver) = part { leaver.node } else { nil }
        }
        func rank(_ node: NodeName) -> Int {
            guard let member = find(node), member.wanted == .running else { return 0 }
            return lastHeard(member)?.replication.role == .master ? 2 : 1
        }
        let run = change.parts.prefix { leaver($0) != nil }
        let ranks = run.map { part in leaver(part).map(rank) ?? 0 }
        guard let best = ranks.indices.min(by: { (ranks[$0], $0) < (ranks[$1], $1) }), best > 0 else { return }
        let part = change.parts.remove(at: best)
        change.parts.insert(part, at: 0)
    }

    /// A master that gave away all slots of its shard stays one until it leaves, and its replicas follow it: it is no node that lost its way.
    private mutating func noteEmptied(_ change: Operation.Change, _ topology: Topology) {
        guard case .remove? = change.parts.first, topology.covered == .all else { return }
        for case .remove(let leaver) in change.parts {
            guard let index = place(of: leaver.node) else { continue }
            let member = members[index]
            guard member.awaitsSlots != true, topology.standings[member.id]?.role == .master,
                !members.contains(where: { $0.shard == member.shard && topology.owns($0.id) })
            else { continue }
            set(\.awaitsSlots, true, at: index)
        }
    }

    private func owners(_ topology: Topology) -> [MembershipPlan.Shard] {
        members.filter { topology.owns($0.id) || topology.isEmptyMaster($0.id) }.map { master in
            .init(
                number: master.shard, master: master.name, replicas: [],
                slots: topology.standings[master.id]?.slots ?? SlotSet())
        }
    }

    // MARK: the members

    /// Before anything is decided in a turn: nodes that got their ports in the last turn become members, and nodes that every other node
    /// has forgotten are members no more. The places of members do not change within a turn.
    mutating func seatMembers() {
        for operation in decision.record?.operations ?? [] where operation.state == .running {
            guard case .change(let change) = operation.kind, case .add(let newcomer)? = change.parts.first,
                let name = newcomer.name, let ports = newcomer.ports, find(name) == nil
            else { continue }
            seat(newcomer, name, ports)
        }
        guard members.contains(where: { $0.hasLeft == true }) else { return }
        set(\.members, members.filter { $0.hasLeft != true })
    }

    private mutating func seat(_ newcomer: Operation.Change.Newcomer, _ name: NodeName, _ ports: PortPair) {
        let shardID = members.first { $0.shard == newcomer.shard }?.shardID ?? NodeID(using: &random)
        var member = Member(
            name: name, id: NodeID(using: &random), ports: ports, directory: newDirectory(name),
            nodesFileName: "nodes-\(name).conf", shard: newcomer.shard, shardID: shardID)
        member.joining = true
        if newcomer.isMaster { member.awaitsSlots = true }
        set(\.members, members + [member])
    }

    /// A master that has its first slots is a master like the others.
    mutating func noteFirstSlots(_ topology: Topology) {
        for (index, member) in members.enumerated() where member.awaitsSlots == true && topology.owns(member.id) {
            set(\.awaitsSlots, nil, at: index)
        }
    }
}
