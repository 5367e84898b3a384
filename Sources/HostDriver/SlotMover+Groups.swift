import ClusterModel
import Planner
import RESP

/// The slots of a part, some at a time.
extension SlotMover {
    /// - Returns: false: the time is over.
    mutating func moveGroups(of slots: [Int], _ counts: [Int: Int64]) async throws(SlotTrouble) -> Bool {
        var rest = slots[...]
        while !rest.isEmpty {
            let group = rest.prefix(pace.group(of: rest.prefix(MigrationPace.slotsPerGroup).map { counts[$0] ?? 0 }))
            guard ContinuousClock.now < deadline, try await move(Array(group)) else { return false }
            rest = rest.dropFirst(group.count)
        }
        return true
    }

    /// - Returns: false: the time is over, and slots of the group are half moved.
    private mutating func move(_ slots: [Int]) async throws(SlotTrouble) -> Bool {
        opened = slots
        try await setSlots(slots, ["IMPORTING", order.sourceID.text], at: target)
        guard try await moveKeys(of: slots) else { return false }
        // A slot that is migrating gets no new keys: what is counted as empty stays empty.
        let rest = try await countKeys(in: slots, at: source)
        guard rest.values.allSatisfy({ $0 == 0 }) else {
            throw SlotTrouble("\(order.source) still has keys of these slots outside database 0")
        }
        try await awaitWitness()
        try await setSlots(slots, ["NODE", order.targetID.text], at: target)
        try await setSlots(slots, ["NODE", order.targetID.text], at: source)
        return true
    }

    /// Slot by slot: the engine refuses a MIGRATE with keys of several slots (CROSSSLOT).
    /// - Returns: false: the time is over.
    private mutating func moveKeys(of slots: [Int]) async throws(SlotTrouble) -> Bool {
        // What each slot has is asked once it gets no new keys, in the same round trip.
        let open = slots.map { RESPCommand("CLUSTER", "SETSLOT", String($0), "MIGRATING", order.targetID.text) }
        let answers = try await send(open + slots.map(listing), to: source, within: HostDriver.slotLimit * 2)
        for (slot, answer) in zip(slots, answers.dropFirst(slots.count)) {
            guard try await moveKeys(of: slot, Self.names(answer)) else { return false }
        }
        return true
    }

    /// - Parameter first: keys of the slot; empty: it has none.
    private mutating func moveKeys(of slot: Int, _ first: [[UInt8]]) async throws(SlotTrouble) -> Bool {
        var listed = first
        var isReplacing = false
        while !listed.isEmpty {
            guard ContinuousClock.now < deadline else { return false }
            let batch = Array(listed.prefix(pace.keysPerCall))
            let start = ContinuousClock.now
            // The next keys are asked in the same round trip.
            let (refusal, rest) = try await migrate(batch, replacing: isReplacing, thenList: slot)
            let took = ContinuousClock.now - start
            listed = rest
            if refusal == .keyExists, !isReplacing {
                // A copy of an interrupted call, or of a write to a slot whose state a failover had reset. The source owns the slot and
                // still has the key, so the source's key counts (docs/resharding.md).
                isReplacing = true
                continue
            }
            if refusal == .targetFull {
                for slot in opened { try await close(slot) }
            }
            if let refusal { throw SlotTrouble(refusal.words(order.target)) }
            keys += Int64(batch.count)
            await giveWay(after: batch.count, took)
        }
        return true
    }

    /// Clients of the two masters get their time between two calls.
    mutating func giveWay(after count: Int, _ took: Duration) async {
        guard let pause = pace.note(keys: count, took: took) else { return }
        try? await Task.sleep(for: pause)
    }
}
