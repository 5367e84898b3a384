import ClusterModel
import Planner

/// A few slots whose keys are followed one by one, the highest of each shard, which are the first to move. All other writes of a shard
/// (`Writes`) belong to its lowest slot, which never moves.
struct TrackedSlots {
    /// What goes wrong at one step of a migration.
    enum Cut: CaseIterable {
        case daemon, source, target, replicaOfSource, replicaOfTarget, stopSource, stopTarget, failOverSource,
            failOverTarget
    }

    /// The last acknowledged value of a key, and the position in a stream at which it was written or restored last.
    struct Placement {
        var version: Int
        var at: Copy
    }

    /// From the end of each shard's range.
    private static let places = [0, 1, 7, 40]
    private static let keysOfSlot = 2

    /// Whether slots move in this life.
    private(set) var isActive = false
    /// A separate random stream: a seed whose slots do not move takes no number from it.
    var random: SplitMix64
    private(set) var slots: [Int] = []
    var acknowledged: [Int: Placement] = [:]
    /// Of the last write.
    var version = 0
    /// The number of commands that migrations have sent so far, and what goes wrong before which of them.
    var commands = 0
    var cuts: [Int: Cut] = [:]
    /// A planted bug of the driver; the tests show that it breaks a rule.
    var bug: Migration.Bug?

    init(seed: UInt64) { random = SplitMix64(seed: seed ^ 0x5107_0000_4E15) }

    mutating func begin(masters: Int) {
        isActive = true
        slots = SlotSet.evenly(among: masters).flatMap { share in
            Self.places.compactMap { place in share.ranges.last.map { $0.upperBound - place } }
        }
    }

    var keys: Range<Int> { 0..<slots.count * Self.keysOfSlot }
    func slot(of key: Int) -> Int { slots[key / Self.keysOfSlot] }

    /// Empty: the slot is not tracked, and has no keys.
    func keys(of slot: Int) -> Range<Int> {
        guard let place = slots.firstIndex(of: slot) else { return 0..<0 }
        return place * Self.keysOfSlot..<(place + 1) * Self.keysOfSlot
    }

    mutating func microseconds(_ range: ClosedRange<Int>) -> Duration {
        .microseconds(Int.random(in: range, using: &random))
    }
}

extension SlotSet {
    /// Whether the node with these slots is the owner of that share: the lowest slot of a share never moves.
    func isOwner(of share: SlotSet) -> Bool { share.ranges.first.map { contains($0.lowerBound) } ?? false }
}

extension SimulatedEngine {
    /// Its slots without those that it is migrating: of these it serves only the keys that it still has.
    var servedSlots: SlotSet {
        let migrating = myself.migrating
        return migrating.isEmpty ? slots : slots.subtracting(SlotSet(migrating.map { $0.slot...$0.slot }))
    }

    func isImporting(_ slot: Int) -> Bool { myself.importing.contains { $0.slot == slot } }

    /// `clusterBumpConfigEpochWithoutConsensus` (src/cluster.c).
    mutating func bumpEpoch() {
        let highest = max(currentEpoch, entries.list.map(\.configEpoch).max() ?? 0)
        guard ownEpoch == 0 || ownEpoch != highest else { return }
        currentEpoch = highest + 1
        ownEpoch = currentEpoch
        entries[id]?.configEpoch = ownEpoch
    }

    /// `clusterHandleConfigEpochCollision` (src/cluster.c): of two masters with one config epoch, the one with the lower id makes a new one.
    mutating func resolveCollision(with sender: NodeEntry) {
        guard isMaster, sender.flags.contains(.master), sender.configEpoch == ownEpoch, sender.id > id else { return }
        currentEpoch += 1
        ownEpoch = currentEpoch
        entries[id]?.configEpoch = ownEpoch
    }

    /// A slot changes its owner in this node's view.
    mutating func assign(_ slot: Int, to owner: NodeID) {
        let one = SlotSet(slot...slot)
        for entry in entries.list where entry.id != owner && entry.slots.contains(slot) {
            entries[entry.id]?.slots = entry.slots.subtracting(one)
        }
        guard let known = entries[owner] else { return }
        entries[owner]?.slots = known.slots.union(one)
    }
}

/// A node saves in its nodes.conf which of its slots are half moved; its replicas do not know it before Valkey 8.
extension SimulatedEngine {
    mutating func open(_ slot: Int, importingFrom source: NodeID) {
        stopImporting(SlotSet(slot...slot))
        entries[id]?.importing.append(.init(slot: slot, node: source))
    }

    mutating func open(_ slot: Int, migratingTo target: NodeID) {
        stopMigrating(SlotSet(slot...slot))
        entries[id]?.migrating.append(.init(slot: slot, node: target))
    }

    mutating func stopImporting(_ slots: SlotSet) { entries[id]?.importing.removeAll { slots.contains($0.slot) } }
    mutating func stopMigrating(_ slots: SlotSet) { entries[id]?.migrating.removeAll { slots.contains($0.slot) } }
}
