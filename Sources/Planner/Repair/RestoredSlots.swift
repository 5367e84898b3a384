import ClusterModel

/// No file and no node says which node owns the slots of a shard: every nodes.conf is lost, or all nodes released them (`CLUSTER DELSLOTS`)
/// and those of the shard have ended. The record has the owners from when all slots were last owned, and the operator decides whether that
/// still holds (invariants: highest-epoch, confirmed-repair).
extension Turn {
    /// What the record says about shards of which no node runs; nil: something else is known, or the record is incomplete.
    func slotsToRestore(_ topology: Topology) -> Repair.RestoreSlots? {
        let owners = members.compactMap { member in
            member.lastSlots.flatMap { slots in
                isUnknown(member, topology) && topology.covered.intersection(slots).isEmpty
                    ? Repair.RestoreSlots.Owner(member: member.name, slots: slots) : nil
            }
        }
        let count = owners.reduce(0) { $0 + $1.slots.count }
        let lost = owners.reduce(SlotSet()) { $0.union($1.slots) }
        guard !owners.isEmpty, count == lost.count, topology.covered.union(lost) == .all else { return nil }
        return Repair.RestoreSlots(owners: owners)
    }

    /// Its shard has no master, and no process.
    private func isUnknown(_ member: Member, _ topology: Topology) -> Bool {
        members.filter { $0.shard == member.shard }.allSatisfy {
            running($0.name) == nil && !$0.joining && topology.master(of: $0.id) == nil
        }
    }

    /// Nothing says which slots the shard of this node has: it does not start.
    mutating func reportUnknownSlots(of member: Member, _ topology: Topology) {
        if reportLostSlots(topology) { return }
        emit(
            Finding(
                .slotsUnknown, .error, node: member.name,
                "clusterd does not start \(member.name): no file and no node says which slots its shard has",
                hint:
                    "put a nodes.conf of this cluster, from a backup, into \(member.directory) as \(member.nodesFileName), and start "
                    + "clusterd again: it rebuilds the other nodes' files from it"))
    }

    /// One finding for all these nodes, with its repair. False: there is nothing to restore from.
    private mutating func reportLostSlots(_ topology: Topology) -> Bool {
        guard let restore = slotsToRestore(topology) else { return false }
        let names = members.filter { isUnknown($0, topology) }.map(\.name.text)
        let finding = Finding(
            .slotsUnknown, .error,
            "clusterd does not start \(Self.list(names)): no nodes.conf and no node says which slots they have; clusterd's "
                + "record has them from when the cluster was last whole", hint: StrayFolders.hint,
            repair: .restoreSlots(restore))
        if !decision.findings.contains(finding) { emit(finding) }
        return true
    }

    /// While the confirmed repair runs, the record counts, until the first file or node says the same.
    func restoreSlots(_ topology: inout Topology) {
        for operation in decision.record?.operations ?? [] where operation.state == .running {
            guard case .fix(let fix) = operation.kind, case .restoreSlots(let restore)? = fix.remaining.first else {
                continue
            }
            for owner in restore.owners {
                guard let member = find(owner.member),
                    topology.covered.intersection(owner.slots).isEmpty
                else { continue }
                topology.add(member.id, replicaOf: nil, slots: owner.slots)
            }
        }
    }

    mutating func restoreSlots(_ restore: Repair.RestoreSlots, _ story: Story, _ topology: Topology) -> Advance {
        for owner in restore.owners {
            guard let member = find(owner.member) else {
                return .failed(.unknownNode(owner.member))
            }
            if let advance = comeBack(member, after: nil, story, topology) { return advance }
        }
        return .done(.slotsRestored)
    }
}
