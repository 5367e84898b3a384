import ClusterModel

extension Record {
    /// Slots that the nodes of one shard owned when all slots were owned, and that a node of another shard owns now.
    package struct MovedSlots: Sendable, Equatable {
        package var from: NodeName
        package var to: NodeName
        package var slots: SlotSet
    }

    /// Slots that moved between shards since an earlier record: `CLUSTER SETSLOT`, `redis-cli --cluster reshard`. A failover moves none,
    /// and `fix` only gives slots back.
    package func movedSlots(since earlier: Record) -> [MovedSlots] {
        earlier.members.flatMap { owner -> [MovedSlots] in
            guard let old = owner.lastSlots, let shard = member(owner.name)?.shard else { return [] }
            return members.compactMap { candidate in
                guard candidate.shard != shard, let moved = candidate.lastSlots?.intersection(old), !moved.isEmpty
                else {
                    return nil
                }
                return MovedSlots(from: owner.name, to: candidate.name, slots: moved)
            }
        }
    }
}
