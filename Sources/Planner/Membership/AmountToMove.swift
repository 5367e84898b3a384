import ClusterModel

/// What a part of a plan moves, as far as it can be told beforehand. Keys are spread over a master's slots by hash, so its share of them is
/// that of its slots; the memory is that of the whole master, in the same share.
package struct AmountToMove: Sendable, Equatable {
    package var slots: Int
    /// nil: a master that gives slots has not reported.
    package var keys: Int64?
    /// `used_memory`, which includes what an engine uses without a key.
    package var bytes: Int64?

    package init(slots: Int, keys: Int64?, bytes: Int64?) {
        self.slots = slots
        self.keys = keys
        self.bytes = bytes
    }

    /// nil: the part moves no slots.
    package init?(
        _ part: Operation.Change.Part, of change: Operation.Change, _ record: Record, _ assessment: Assessment
    ) {
        let shards = record.shards(assessment)
        switch part {
        case .add, .remove: return nil
        case .move(let reshard): self.init(reshard.moves, shards, assessment)
        case .drain(let number):
            guard let moves = MembershipPlan.drainMoves(of: number, change, among: shards) else { return nil }
            self.init(moves, shards, assessment)
        case .even:
            var owners = shards
            for case .add(let new) in change.parts where new.isMaster {
                owners.append(
                    .init(number: new.shard, master: NodeName("new \(new.shard)"), replicas: [], slots: SlotSet()))
            }
            self.init(MembershipPlan.evenMoves(among: owners), shards, assessment)
        }
    }

    private init(_ moves: [SlotMove], _ shards: [MembershipPlan.Shard], _ assessment: Assessment) {
        self.init(slots: moves.reduce(0) { $0 + $1.slots.count }, keys: 0, bytes: 0)
        for move in moves {
            let owned = shards.first { $0.master == move.from }?.slots.count ?? 0
            guard owned > 0, let load = assessment.node(move.from)?.report?.load else {
                (keys, bytes) = (nil, nil)
                return
            }
            let share = Double(move.slots.count) / Double(owned)
            keys = keys.map { $0 + Int64((Double(load.keys) * share).rounded()) }
            bytes = bytes.map { $0 + Int64((Double(load.memoryBytes) * share).rounded()) }
        }
    }

    /// `5461 slots, about 1200 keys, 3 MB`
    package var words: String {
        let slots = "\(slots) \(slots == 1 ? "slot" : "slots")"
        guard let keys, let bytes else { return "\(slots); how many keys is not known, because a node does not answer" }
        return "\(slots), about \(keys) \(keys == 1 ? "key" : "keys"), \(Disk.text(bytes))"
    }
}
