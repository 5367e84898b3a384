import ClusterModel

/// One more node: its ports are reserved, then the record has it, then it starts with a nodes.conf that lists the whole cluster, and the
/// others meet it (`introduce`). It has no slots and no keys when it is met.
extension Turn {
    mutating func add(
        _ newcomer: inout Operation.Change.Newcomer, _ story: Story, _ topology: Topology
    ) -> Advance {
        guard let name = newcomer.name else { return reservePorts(for: &newcomer, story) }
        // It becomes a member at the beginning of the next turn.
        guard let member = find(name) else { return .working(.starting(name)) }
        if let advance = comeBack(member, after: nil, story, topology) { return advance }
        let master =
            newcomer.isMaster ? nil : topology.master(of: member.id).flatMap { find(id: $0)?.name }
        return .done(.added(name, replicaOf: master))
    }

    private mutating func reservePorts(for newcomer: inout Operation.Change.Newcomer, _ story: Story) -> Advance {
        if !hasRoomForEpoch() { return within(.awaitingRoomForViews, story, else: .diskFull) }
        switch choosePorts(freePorts, count: 1) {
        case .chosen(let pairs):
            guard let pair = pairs.first else { return .failed(.noPort(nil)) }
            newcomer.ports = pair
            newcomer.name = NodeName(String(pair.client))
            wake(at: now)
            return .working(.starting(NodeName(String(pair.client))))
        case .waiting:
            return story.age(of: .reservingPorts) < Self.agreementLimit
                ? .working(.reservingPorts) : .failed(.noPort(nil))
        case .refused(let refusal): return .failed(.noPort(refusal.message))
        }
    }

    /// In the order of the configuration; no port, and no name, of a member.
    private var freePorts: [PortPair] {
        PortCandidates(spec, engine: seen.engine).pairs.filter { pair in
            !members.contains { $0.ports.overlaps(pair) || $0.name.text == String(pair.client) }
        }
    }

    /// A master that was added and has no slots yet, or gave them away: it stays one, and serves nothing.
    mutating func reportEmptyMasters(_ topology: Topology) {
        for member in members where topology.isEmptyMaster(member.id) && !isBeingChanged(member.name) {
            suspect(
                Finding(
                    .masterWithoutSlots, .warning, node: member.name, about: .running,
                    "\(member.name) is a master without slots: it serves no keys",
                    hint: "clusterd rebalance --use-empty-masters; or clusterd remove-node \(member.name)"),
                for: Self.gossip)
        }
    }

    /// Whether an operation adds or removes this node, or moves slots to it.
    func isBeingChanged(_ node: NodeName) -> Bool {
        decision.record?.operations.contains { operation in
            guard operation.isOpen else { return false }
            if case .change = operation.kind { return true }
            return operation.touches(node)
        } ?? false
    }
}
