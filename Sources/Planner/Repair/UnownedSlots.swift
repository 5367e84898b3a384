import ClusterModel

/// What one node had in some slots when it was asked. Slots without a key are left out of `keys`.
package struct KeyCount: Sendable, Equatable {
    package var askedAt: Moment
    package var of: ProcessIdentity
    package var slots: SlotSet
    package var keys: [Int: Int64]

    package init(askedAt: Moment, of process: ProcessIdentity, slots: SlotSet, keys: [Int: Int64]) {
        self.askedAt = askedAt
        of = process
        self.slots = slots
        self.keys = keys
    }
}

/// Slots that no node owns, and of which neither the nodes nor the record say who had them: the keys decide. Clients cannot write to such a
/// slot, so a count stays true until clusterd changes something.
extension Turn {
    /// Who gets which of these slots, and which keys then move there; nil: it is not known, because a node does not answer, or has not been
    /// counted yet. A node that is down may have the keys.
    /// - Parameter known: the slots of which it is known who had them: that node gets them, whatever the others have.
    mutating func ownersByKeys(of slots: SlotSet, known: [(member: Member, slots: SlotSet)]) -> [Repair]? {
        let rest = known.reduce(slots) { $0.subtracting($1.slots) }
        guard !slots.isEmpty, let counts = keyCounts(of: slots) else { return nil }
        guard
            let smallest = counts.filter({ claim(of: $0.member)?.isEmpty == false })
                .min(by: { (claim(of: $0.member)?.count ?? 0) < (claim(of: $1.member)?.count ?? 0) })?.member
        else { return nil }
        var shares: [NodeName: SlotSet] = [:]
        var empty = SlotSet()
        var moves: [SlotMove] = []
        for slot in slots.numbers {
            let holders = counts.filter { ($0.keys[slot] ?? 0) > 0 }
            // The first of several with as many keys.
            var most = holders.first
            for holder in holders where (holder.keys[slot] ?? 0) > (most?.keys[slot] ?? 0) { most = holder }
            let one = SlotSet(slot...slot)
            let before = known.first { $0.slots.contains(slot) }?.member.name
            guard let owner = before ?? most?.member.name else {
                empty = empty.union(one)
                continue
            }
            if before == nil { shares[owner] = (shares[owner] ?? SlotSet()).union(one) }
            for other in holders where other.member.name != owner {
                if let known = moves.firstIndex(where: { $0.from == other.member.name && $0.to == owner }) {
                    moves[known].slots = moves[known].slots.union(one)
                } else {
                    moves.append(SlotMove(from: other.member.name, to: owner, slots: one))
                }
            }
        }
        let parties = Set(moves.flatMap { [$0.from, $0.to] })
        // MIGRATE moves the keys of one database.
        guard
            counts.allSatisfy({ !parties.contains($0.member.name) || lastHeard($0.member)?.load.otherDatabases == [] })
        else { return nil }
        if !rest.isEmpty {
            guard counts.allSatisfy({ rival(of: $0.member, for: rest) == nil }) else { return nil }
        }
        func amount(_ node: NodeName, _ part: SlotSet) -> Int64 {
            let keys = counts.first { $0.member.name == node }?.keys ?? [:]
            return keys.reduce(Int64(0)) { part.contains($1.key) ? $0 + $1.value : $0 }
        }
        var repairs: [Repair] = []
        if !empty.isEmpty { repairs.append(.addSlots(.init(member: smallest.name, slots: empty, keys: 0))) }
        for (node, part) in shares.sorted(by: { $0.key < $1.key }) {
            repairs.append(.addSlots(.init(member: node, slots: part, keys: amount(node, part))))
        }
        for move in moves {
            repairs.append(
                .returnKeys(
                    .init(from: move.from, to: move.to, slots: move.slots, keys: amount(move.from, move.slots))))
        }
        return repairs
    }

    /// Asks every master that was not counted since its last change; nil: not all are counted.
    private mutating func keyCounts(of slots: SlotSet) -> [(member: Member, keys: [Int: Int64])]? {
        var found: [(member: Member, keys: [Int: Int64])] = []
        var isComplete = true
        for member in members {
            guard let report = lastHeard(member), !report.loading, let contact = contact(member) else { return nil }
            guard report.replication.role == .master else { continue }
            let since = seen.changed[member.name] ?? seen.began
            if let count = seen.keyCounts[member.name], count.of == contact.process, count.askedAt >= since,
                slots.subtracting(count.slots).isEmpty
            {
                found.append((member, count.keys.filter { slots.contains($0.key) }))
            } else {
                isComplete = false
                ensure(.countKeys(member.name, contact, slots), retryAfter: .seconds(5))
            }
        }
        return isComplete ? found : nil
    }
}

extension Repair {
    /// Keys move to an owner that another repair of the same request may make.
    var comesLast: Bool { if case .returnKeys = self { true } else { false } }

    /// The slots without an owner that it is about.
    var unownedSlots: SlotSet {
        switch self {
        case .addSlots(let add): add.slots
        case .returnKeys(let move): move.slots
        default: SlotSet()
        }
    }
}
