import ClusterModel

extension Record {
    /// Slots that the nodes of one shard owned when all slots were owned, and that a node of another shard owns now.
    package struct MovedSlots: Sendable, Equatable {
        package var from: NodeName
        package var to: NodeName
        package var slots: SlotSet
    }

    /// Slots that moved between shards since an earlier record without an operation of clusterd: `CLUSTER SETSLOT`,
    /// `redis-cli --cluster reshard`. A failover moves none.
    package func movedSlots(since earlier: Record) -> [MovedSlots] {
        earlier.members.flatMap { owner -> [MovedSlots] in
            guard let old = owner.lastSlots, let shard = member(owner.name)?.shard else { return [] }
            return members.compactMap { candidate in
                guard candidate.shard != shard,
                    let moved = candidate.lastSlots?.intersection(old).subtracting(
                        requested(from: shard, to: candidate.shard, since: earlier)), !moved.isEmpty
                else { return nil }
                return MovedSlots(from: owner.name, to: candidate.name, slots: moved)
            }
        }
    }

    /// What operations move between these shards that are open, or ended since the earlier record.
    private func requested(from: Int, to: Int, since earlier: Record) -> SlotSet {
        let wereOpen = Set(earlier.operations.filter(\.isOpen).map(\.id))
        // A `fix` no longer has the repairs that it has carried out.
        let asked = operations.filter { $0.isOpen || wereOpen.contains($0.id) } + earlier.operations.filter(\.isOpen)
        return asked.flatMap(\.slotMoves)
            .filter { member($0.from)?.shard == from && member($0.to)?.shard == to }
            .reduce(SlotSet()) { $0.union($1.slots) }
    }
}
