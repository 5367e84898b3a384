import ClusterModel

/// Keys of slots that another node owns: no client can read them. A `SETSLOT` without MIGRATE, or a slot that was released and assigned
/// elsewhere, leaves them. No report shows them, so they are counted slot by slot, when the operator asks `fix` for its plan.
extension Turn {
    mutating func checkMisplacedKeys(_ topology: Topology) {
        guard let asked = seen.check.keysAsked, topology.covered == .all else { return }
        // A node that lost its place has a repair of its own, which keeps what it holds.
        for member in members where estrangement(of: member) == nil {
            guard let report = lastHeard(member), !report.loading, let own = claim(of: member),
                let contact = contact(member)
            else { continue }
            let open = members.reduce(openSlots(of: member)) { $0.union(openSlots(of: $1)) }.union(slotsUnderWay)
            let foreign = SlotSet.all.subtracting(own).subtracting(open)
            let known = seen.keyCounts[member.name].flatMap { $0.of == contact.process ? $0 : nil }
            // Once keys were found, anything that is done to the node may have moved them.
            let changed = known?.keys.isEmpty == false ? seen.changed[member.name] : nil
            if known.map({ $0.askedAt < max(asked, changed ?? asked) || !foreign.subtracting($0.slots).isEmpty })
                ?? true
            {
                countKeys(in: foreign, of: member, contact)
            }
            guard let known, known.askedAt >= changed ?? known.askedAt else { continue }
            reportMisplaced(known.keys.filter { foreign.contains($0.key) }, of: member, topology)
        }
    }

    /// "None was found" and "nothing could be counted" are different answers.
    private mutating func countKeys(in slots: SlotSet, of member: Member, _ contact: Effect.Contact) {
        switch ensure(.countKeys(member.name, contact, slots), retryAfter: .seconds(5)) {
        case .failed(let why, _):
            suspect(
                Finding(
                    .keysMisplaced, .warning, node: member.name, about: .silence,
                    "clusterd could not count the keys of \(member.name) in slots of other nodes: \(why)"),
                about: .silence, for: .zero)
        case .underWay, .done: check.isPending = true
        }
    }

    private mutating func reportMisplaced(_ keys: [Int: Int64], of member: Member, _ topology: Topology) {
        guard !keys.isEmpty else { return }
        let slots = SlotSet(keys.keys.map { $0...$0 })
        for owner in members where owner.id != member.id {
            let part = slots.intersection(topology.standings[owner.id]?.slots ?? SlotSet())
            guard !part.isEmpty else { continue }
            let amount = keys.reduce(Int64(0)) { part.contains($1.key) ? $0 + $1.value : $0 }
            // MIGRATE moves the keys of one database.
            let isMovable = [member, owner].allSatisfy { lastHeard($0)?.load.otherDatabases == [] }
            let repair = Repair.returnKeys(.init(from: member.name, to: owner.name, slots: part, keys: amount))
            suspect(
                Finding(
                    .keysMisplaced, .error, node: member.name,
                    "\(member.name) has keys of \(part.named), which \(owner.name) owns: no client can read them",
                    hint: isMovable ? StrayFolders.hint : nil, repair: isMovable ? repair : nil),
                about: .nodes(member.name, owner.name), for: .zero)
        }
    }
}
