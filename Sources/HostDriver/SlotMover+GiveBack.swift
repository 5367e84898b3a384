import ClusterModel
import Planner
import RESP
import RedisClient

/// Keys that are on a node which does not own their slots. Killed between any two commands, it leaves them on one of the two nodes, and the
/// next one continues.
extension SlotMover {
    /// The source is the node that has the keys, the target the owner of the slots.
    /// - Returns: what was moved; nil: no key is left at the source, and the slots are closed there.
    mutating func giveBack() async throws(SlotTrouble) -> MigratedKeys? {
        let (known, mine) = try await view(of: source, order.source, order.sourceID)
        let theirs = try await myself(target, order.target, order.targetID)
        guard order.slots.intersection(mine.slots).isEmpty else {
            throw SlotTrouble("\(order.source) owns slots \(order.slots.intersection(mine.slots))")
        }
        let foreign = order.slots.subtracting(theirs.slots)
        guard foreign.isEmpty else { throw SlotTrouble("\(order.target) does not own slots \(foreign)") }
        // It would reject keys that it does not have.
        guard !theirs.migrating.contains(where: { order.slots.contains($0.slot) }) else {
            throw SlotTrouble("\(order.target) is migrating a slot of \(order.slots)")
        }
        // While it imports a slot it learns of no owner: it attributes the slot to no node, and rejects MIGRATE (cluster_state:fail).
        let owned = known.entries.first { $0.id == order.targetID }?.slots ?? SlotSet()
        try await setSlots(order.slots.subtracting(owned).numbers, ["NODE", order.targetID.text], at: source)
        for slot in order.slots.numbers {
            // Unless the slot is open, the engine redirects MIGRATE as any command.
            try await setSlots([slot], ["IMPORTING", order.targetID.text], at: source)
            guard try await giveBackKeys(of: slot) else {
                return MigratedKeys(keys: keys, time: ContinuousClock.now - began, keysPerCall: pace.keysPerCall)
            }
        }
        let rest = try await countKeys(in: order.slots.numbers, at: source)
        guard rest.values.allSatisfy({ $0 == 0 }) else {
            throw SlotTrouble("\(order.source) still has keys of these slots outside database 0")
        }
        try await awaitWitness()
        try await setSlots(order.slots.numbers, ["STABLE"], at: source)
        return nil
    }

    /// - Returns: false: the time is over.
    private mutating func giveBackKeys(of slot: Int) async throws(SlotTrouble) -> Bool {
        while true {
            let batch = try await nextKeys(of: slot)
            if batch.isEmpty { return true }
            guard ContinuousClock.now < deadline else { return false }
            let start = ContinuousClock.now
            let (refusal, _) = try await migrate(batch, replacing: false)
            if refusal == .keyExists {
                for name in batch { try await giveBack(name) }
            } else if let refusal {
                throw SlotTrouble(refusal.words(order.target))
            }
            let took = ContinuousClock.now - start
            keys += Int64(batch.count)
            await giveWay(after: batch.count, took)
        }
    }

    /// The owner's value of a key counts: the other one is in the copy that was made before.
    private mutating func giveBack(_ name: [UInt8]) async throws(SlotTrouble) {
        let (refusal, _) = try await migrate([name], replacing: false)
        guard let refusal else { return }
        guard refusal == .keyExists else { throw SlotTrouble(refusal.words(order.target)) }
        let delete = RESPCommand(bytes: [Array("DEL".utf8), name])
        _ = try await send([RESPCommand("ASKING"), delete], to: source)
    }
}
