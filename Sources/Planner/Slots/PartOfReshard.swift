import ClusterModel

/// Which slots the next order moves, and how.
extension Turn {
    /// An atomic migration forks the source once. What it has moved is lost if a node dies before its end, and is begun again.
    static let slotsPerAtomicPart = 1024
    /// By estimate; at least one slot.
    static let bytesPerAtomicPart: Int64 = 1 << 30
    /// A target that rejects atomic migrations (an ACL, a module, a buffer limit) may accept keys.
    static let atomicAttempts = 3

    /// The part of this move that was ordered last, unless each of its slots is known to be with all its keys at one node. A daemon that
    /// has just started knows it of none.
    func unprovenPart(of reshard: Operation.Reshard, id: Int, _ move: SlotMove) -> Operation.Reshard.Part? {
        guard let part = reshard.part, part.from == move.from, part.to == move.to,
            part.slots.subtracting(move.slots).isEmpty, seen.migrated[id]?.whole != part.number
        else { return nil }
        return part
    }

    /// - Parameter open: the slots that the two masters have opened with SETSLOT, for this move or for another.
    func nextPart(
        of reshard: Operation.Reshard, id: Int, _ move: SlotMove, _ unproven: Operation.Reshard.Part?, left: SlotSet,
        halves: SlotSet, from source: Member, to target: Member, _ open: SlotSet
    ) -> Operation.Reshard.Part {
        if var part = unproven {
            // The engine refuses an atomic migration of slots that are open, and its target exits if it has a key of them.
            let isHindered = !open.isEmpty || seen.migrated[id]?.stray == part.number
            if part.way == .atomic, isHindered {
                part.number += 1
                part.way = .keys
            }
            return part
        }
        let isPossible = halves.isEmpty && open.isEmpty && reshard.rejectsAtomic != true
        let way = isPossible ? self.way(from: source, to: target) : .keys
        let slots: SlotSet
        if way == .atomic {
            slots = left.first(slotsOfAtomicPart(source))
        } else {
            slots = halves.isEmpty ? left.first(Self.slotsPerEffect) : halves.first(Self.slotsPerEffect)
        }
        return .init(
            number: (reshard.part?.number ?? reshard.partsBefore ?? 0) + 1, from: move.from, to: move.to, slots: slots,
            way: way)
    }

    private func way(from source: Member, to target: Member) -> Effect.SlotMigration.Way {
        let isAble = [source, target].allSatisfy { lastHeard($0)?.engine.movesSlotsAtomically == true }
        return isAble ? .atomic : .keys
    }

    private func slotsOfAtomicPart(_ source: Member) -> Int {
        guard let report = lastHeard(source), let owned = report.view.myself?.slots.count, owned > 0 else {
            return 1
        }
        let perSlot = max(1, report.load.memoryBytes / Int64(owned))
        return max(1, min(Self.slotsPerAtomicPart, Int(Self.bytesPerAtomicPart / perSlot)))
    }
}
