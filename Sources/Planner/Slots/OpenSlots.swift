import ClusterModel

extension Turn {
    /// The command that finishes an interrupted move of this slot; nil: the nodes do not say from which master to which it goes.
    func reshardToFinish(_ slot: Int) -> String? {
        var owner: Member?
        var target: Member?
        for member in members {
            guard let myself = lastHeard(member)?.view.myself, myself.flags.contains(.master) else { continue }
            if myself.slots.contains(slot) {
                guard owner == nil else { return nil }
                owner = member
            }
            if myself.importing.contains(where: { $0.slot == slot }) {
                guard target == nil else { return nil }
                target = member
            }
        }
        guard let owner, let target, owner.id != target.id else { return nil }
        return "clusterd reshard --from \(owner.name) --to \(target.name) --slot-range \(slot)"
    }
}

/// Invariant: no-early-owner, as far as one decision can break it: slots move only for a request that names them, between two masters.
func unrequested(_ migration: Effect.SlotMigration, _ decision: Decision, _ seen: Observation) -> [String] {
    let operation = decision.record?.operations.first { $0.id == migration.operation }
    let asked = (operation?.slotMoves ?? []).reduce(SlotSet()) { $0.union($1.slots) }
    var found: [String] = []
    if operation?.state != .running || !migration.slots.subtracting(asked).isEmpty {
        found.append("slots \(migration.slots) are moved without a request")
    }
    if migration.sourceID == migration.targetID { found.append("slots are moved from \(migration.source) to itself") }
    for (node, id) in [(migration.source, migration.sourceID), (migration.target, migration.targetID)] {
        let report = seen.report(node)
        if report?.id != id || report?.replication.role != .master {
            found.append("slots are moved although \(node) was not heard as a master")
        }
    }
    return found
}
