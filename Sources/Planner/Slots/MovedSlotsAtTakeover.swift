import ClusterModel

extension Turn {
    /// Whether an operation moves slots to or from this shard now.
    func slotsMove(inShardOf master: Member) -> Bool {
        (decision.record?.slotMoves() ?? []).contains { move in
            [move.from, move.to].contains { find($0)?.shard == master.shard }
        }
    }

    /// A replica of the master that gets slots has its keys, but learns of the slots a moment later: if it takes over in that moment, the
    /// shard has two masters once the old one is back. So the master restarts in place, if its files are as new as the replica's data
    /// (docs/decisions/22-restarts-while-slots-move.md). If no process of it has begun within `failoverLimit`, the replica takes over.
    func restartsWhileSlotsMove(_ master: Member, since death: Moment) -> Bool {
        slotsMove(inShardOf: master) && canStartInPlace(master) && now - death < Self.failoverLimit
    }

    /// Invariant: no-early-owner. A replica that takes over claims every slot that it attributes to its master, with the highest config
    /// epoch. If some of them have moved and it has not learned that yet, their new owner gives them up and deletes their keys. While slots
    /// move away from this shard, the master that gets them must have answered after the death, and the replica must agree with it; gossip
    /// tells it within milliseconds.
    func mayClaimMovedSlots(_ replicas: [Candidate], of master: Member, death: Moment) -> Bool {
        let moves = (decision.record?.slotMoves() ?? [])
            .filter { find($0.from)?.shard == master.shard }
        if moves.isEmpty || replicas.isEmpty { return false }
        // It may still make the target the owner of slots.
        if seen.isUnderWay(.migrateSlots, of: master.name) { return true }
        guard now - death < Self.failoverLimit else { return false }
        let since = max(death, seen.rolesChanged ?? death)
        for move in moves {
            guard let shard = find(move.to)?.shard else { continue }
            let arrived = members.filter { $0.shard == shard }
                .compactMap { freshReply(from: $0, since: since)?.view.myself }
                .filter { $0.flags.contains(.master) }
            // The nodes.conf of a target that is down may have the slots: then the master restarts in place, and learns it.
            if arrived.isEmpty { return true }
            for replica in replicas {
                let claimed = replica.report.view.entry(master.id)?.slots.intersection(move.slots) ?? SlotSet()
                if arrived.contains(where: { !$0.slots.intersection(claimed).isEmpty }) { return true }
            }
        }
        return false
    }
}
