import ClusterModel
import Planner

/// Invariant: no-early-owner. Compared with the keys in every process and file at that moment.
extension World {
    /// A failover has lost writes of its shard: what it holds may be older than what clients were told.
    private func isRolledBack(_ engine: SimulatedEngine) -> Bool {
        guard let copy = engine.copy else { return true }
        return writes.missing(from: copy, shard: writes.streams[copy.stream].shard) > 0
    }

    /// Whether the write, or the RESTORE, that placed the key is in the data of its shard now. If not, a failover or a damaged file has
    /// lost it: the rules of `World+Ledger.swift` judge that.
    private func isKept(_ placement: TrackedSlots.Placement) -> Bool {
        let shard = writes.streams[placement.at.stream].shard
        return host.pids.compactMap { host.engines[$0] }.contains { engine in
            guard engine.isMaster, let copy = engine.copy, writes.streams[copy.stream].shard == shard else {
                return false
            }
            return writes.contains(placement.at, in: copy)
        }
    }

    /// A node deletes a key because its slot has another owner: that owner must have it. Owners that the engine's own election has made
    /// are not attributed to clusterd.
    func checkDeletion(of key: Int, _ version: Int, at engine: SimulatedEngine, for owner: NodeID?) {
        guard version == slots.acknowledged[key]?.version else { return }
        let process = owner.flatMap(host.engine)
        let folder = owner.flatMap { record?.member(id: $0) }.flatMap { host.folders[$0.directory] }
        let others = [process?.copy, process?.received] + (folder?.copies ?? [])
        if others.contains(where: { writes.version(of: key, in: $0) == version }) { return }
        slots.acknowledged[key] = nil
        if let process, elections[process.ownEpoch] != nil { return }
        breaks(
            "\(engine.ports.client) deletes key \(key) of slot \(slots.slot(of: key)), which its new owner \(owner?.short ?? "-") lacks"
        )
    }

    /// A copy replaces a newer one: only if the source has lost writes (docs/resharding.md).
    func checkReplacement(of key: Int, _ newer: Int, by version: Int, from source: SimulatedEngine) {
        guard newer > version, newer == slots.acknowledged[key]?.version, !isRolledBack(source) else { return }
        breaks("key \(key) of slot \(slots.slot(of: key)) is replaced by an older copy from \(source.ports.client)")
    }

    /// Before the target becomes the owner: it has every key of the slot, and a replica of it has what was moved.
    func checkArrival(_ run: Migration, _ slot: Int, at target: SimulatedEngine) {
        for key in slots.keys(of: slot) {
            guard let placement = slots.acknowledged[key], isKept(placement) else { continue }
            if writes.version(of: key, in: target.copy) != placement.version {
                breaks("slot \(slot) goes to \(target.ports.client), which lacks its key \(key)")
            }
        }
        let witnesses = run.witnesses.compactMap { host.engines[$0] }
        guard let last = run.restored, !witnesses.isEmpty, witnesses.count == run.witnesses.count,
            witnesses.allSatisfy({ $0.masterID == target.id && $0.link == .up })
        else { return }
        if !witnesses.contains(where: { writes.contains(last, in: $0.received) }) {
            breaks("slot \(slot) goes to \(target.ports.client), and no replica of it has its keys")
        }
    }

    /// Before the source is told: another node owns the slot already.
    func checkOwner(_ slot: Int, after source: SimulatedEngine) {
        let hasOwner = host.engines.values.contains { $0.id != source.id && $0.isMaster && $0.slots.contains(slot) }
        let isInFile = host.folders.values.contains { $0.nodesFile?.view.myself?.slots.contains(slot) == true }
        if !hasOwner, !isInFile { breaks("\(source.ports.client) gives slot \(slot) away, and no node owns it") }
    }

    /// At rest: each slot has one owner and is not half moved, and each acknowledged key is exactly once, at the owner of its slot.
    func checkSlots() {
        guard slots.isActive else { return }
        let masters = host.pids.compactMap { host.engines[$0] }.filter(\.isMaster)
        var covered = SlotSet()
        for master in masters {
            let twice = covered.intersection(master.slots)
            if !twice.isEmpty { breaks("slots \(twice) have two owners") }
            covered = covered.union(master.slots)
            let open = (master.myself.migrating + master.myself.importing).map(\.slot).sorted()
            if let first = open.first { breaks("slot \(first) is half moved at the end, says \(master.ports.client)") }
        }
        if covered != .all { breaks("slots \(SlotSet.all.subtracting(covered)) have no owner") }
        for key in slots.keys {
            let slot = slots.slot(of: key)
            guard let placement = slots.acknowledged[key],
                let owner = masters.first(where: { $0.slots.contains(slot) })
            else { continue }
            for other in masters where other.id != owner.id && !isRolledBack(other) {
                guard writes.version(of: key, in: other.copy) != nil else { continue }
                breaks("key \(key) of slot \(slot) is with \(owner.ports.client) and \(other.ports.client)")
            }
            if writes.version(of: key, in: owner.copy) != placement.version, isKept(placement) {
                breaks("key \(key) of slot \(slot) is lost: \(owner.ports.client) owns the slot")
            }
        }
    }
}
