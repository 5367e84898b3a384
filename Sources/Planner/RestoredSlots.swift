import ClusterModel

/// Every nodes.conf is lost: no file and no node says who owns which slots. The record has who owned them when all were owned last,
/// and the operator decides whether that holds (invariants: highest-epoch, confirmed-repair).
extension Turn {
    /// What the record says of all slots; nil: something else is known, or the record does not know all of them.
    func slotsToRestore(_ topology: Topology) -> Mend.RestoreSlots? {
        guard topology.covered.isEmpty, members.allSatisfy({ running($0.name) == nil && !$0.joining }) else {
            return nil
        }
        let owners = members.compactMap { member in
            member.lastSlots.map { Mend.RestoreSlots.Owner(member: member.name, slots: $0) }
        }
        let count = owners.reduce(0) { $0 + $1.slots.count }
        let all = owners.reduce(SlotSet()) { $0.union($1.slots) }
        return all == .all && count == all.count ? Mend.RestoreSlots(owners: owners) : nil
    }

    /// One finding for all nodes, with what mends it. False: there is nothing to restore from.
    mutating func reportLostSlots(_ topology: Topology) -> Bool {
        guard let restore = slotsToRestore(topology) else { return false }
        let finding = Finding(
            "slots-unknown", .error,
            "no node is started: no nodes.conf says who owns which slots; clusterd's record has it from when the cluster was last whole",
            hint: StrayFolders.hint, mend: .restoreSlots(restore))
        if !decision.findings.contains(finding) { find(finding) }
        return true
    }

    /// While the operator's order is carried out the record counts, until the first file or node says the same.
    func restoreSlots(_ topology: inout Topology) {
        for operation in decision.record?.operations ?? [] where operation.state == .running {
            guard case .fix(let fix) = operation.kind, case .restoreSlots(let restore)? = fix.remaining.first else {
                continue
            }
            for owner in restore.owners {
                guard let member = decision.record?.member(owner.member) else { continue }
                topology.add(member.id, replicaOf: nil, slots: owner.slots)
            }
        }
    }

    mutating func restoreSlots(_ restore: Mend.RestoreSlots, _ story: Story, _ topology: Topology) -> Advance {
        for owner in restore.owners {
            guard let member = decision.record?.member(owner.member) else {
                return .failed("\(owner.member) is no node of this cluster any more")
            }
            if let advance = comeBack(member, after: nil, story, topology) { return advance }
        }
        return .done("every node has its slots again")
    }
}
