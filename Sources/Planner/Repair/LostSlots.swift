import ClusterModel

/// Slots that no node reports as its own: `CLUSTER DELSLOTS`, `FLUSHSLOTS`, `CLUSTER RESET`, or `SETSLOT NODE` on one node only. Their keys
/// have not moved.
extension Turn {
    /// World before record: which node owned which slots when all of them were owned, as their owners reported. A file may be older than a
    /// change of roles.
    mutating func noteSlots(_ topology: Topology) {
        let owners = members.filter { topology.owns($0.id) }
        guard topology.covered == .all,
            owners.allSatisfy({ lastHeard($0)?.view.myself?.slots == topology.standings[$0.id]?.slots })
        else { return }
        for (index, member) in members.enumerated() {
            let slots = topology.standings[member.id]?.slots ?? SlotSet()
            let kept = slots.isEmpty ? nil : slots
            if member.lastSlots != kept { set(\.lastSlots, kept, at: index) }
        }
    }

    /// Which node gets back which of these slots: a node that released them and is known as their owner, by all other nodes or by the
    /// record.
    func owners(ofLost missing: SlotSet, _ topology: Topology) -> [(member: Member, slots: SlotSet)] {
        if let owner = knownOwner(of: missing) { return [(owner, missing)] }
        return members.compactMap { member in
            guard let slots = member.lastSlots?.intersection(missing), !slots.isEmpty else { return nil }
            if mayTakeBack(member, slots) { return (member, slots) }
            // Another node has taken over from it since, and has its keys: Valkey lets that node take only those slots that hold keys.
            guard let candidate = topology.master(of: member.id).flatMap({ find(id: $0) }),
                candidate.id != member.id, mayTakeBack(candidate, slots)
            else { return nil }
            return (candidate, slots)
        }
    }

    /// A master that answers, if no silent node is known as the owner. What one node says about another that denies it does not count.
    func mayTakeBack(_ member: Member, _ slots: SlotSet) -> Bool {
        guard let own = lastHeard(member), own.replication.role == .master, !own.loading else { return false }
        return rival(of: member, for: slots) == nil
    }

    /// A node that knows another owner of these slots.
    func rival(of member: Member, for slots: SlotSet) -> Member? {
        members.first { witness in
            lastHeard(witness)?.view.entries.contains { entry in
                guard entry.id != member.id, !entry.slots.intersection(slots).isEmpty else { return false }
                guard witness.id != entry.id, let claimed = find(id: entry.id),
                    let word = lastHeard(claimed)?.view.myself
                else { return true }
                return !word.slots.intersection(slots).isEmpty
            } ?? false
        }
    }

    mutating func checkLostSlots(_ missing: SlotSet, _ topology: Topology) {
        let owners = owners(ofLost: missing, topology)
        let known = owners.map { Repair.addSlots(.init(member: $0.member.name, slots: $0.slots)) }
        // The first repairs assign all slots; the others move keys of some of them.
        let repairs = known + (ownersByKeys(of: missing, known: owners) ?? [])
        for case .returnKeys(let move) in repairs {
            let finding = Finding(
                .slotsUncovered, .error, node: move.from,
                "\(move.from) has keys of \(move.slots.named), which \(move.slots.count == 1 ? "belongs" : "belong") to no node "
                    + "and would go to \(move.to)", hint: StrayFolders.hint, repair: .returnKeys(move))
            suspect(finding, about: .nodes(move.from, move.to), for: .zero)
        }
        var parts = repairs.filter { !$0.comesLast }.map { ($0.unownedSlots, Repair?.some($0)) }
        let left = parts.reduce(missing) { $0.subtracting($1.0) }
        if !left.isEmpty { parts.append((left, nil)) }
        for (slots, repair) in parts {
            suspect(
                Finding(
                    .slotsUncovered, .error,
                    "\(slots.named) \(slots.count == 1 ? "belongs" : "belong") to no node: keys there can be neither read "
                        + "nor written", hint: repair.map { _ in StrayFolders.hint }, repair: repair), for: .zero)
        }
    }
}
