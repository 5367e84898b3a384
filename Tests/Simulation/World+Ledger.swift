import ClusterModel
import Planner

/// Invariants: last-copy, one-writer, no-older-master, complete-candidate. Compared with the data of every process,
/// every disk and the quarantine at that moment.
extension World {
    /// Invariant: last-copy. Before data that may hold the only copy of a write are replaced. Elections by the engine
    /// itself are not attributed to clusterd.
    func checkDrop(of engine: SimulatedEngine, for master: SimulatedEngine?, _ old: Copy?, _ what: String) {
        guard old != nil, !isExcused(engine, master) else { return }
        let isMemory = what == "memory"
        var others = host.quarantine.sorted { $0.key < $1.key }.flatMap(\.value)
        for (pid, other) in host.engines where !isMemory || pid != engine.identity.pid {
            others += [other.copy, other.received]
        }
        if !isMemory { others.append(engine.copy) }
        for (path, folder) in host.folders {
            if path == engine.directory, what == "its append-only file" {
                others.append(folder.dump?.copy)
            } else if path == engine.directory, what == "its dump" {
                others.append(folder.appendOnly?.copy)
            } else {
                others += folder.copies
            }
        }
        let lost = writes.only(in: old, notIn: others)
        guard lost > 0 else { return }
        breaks("\(engine.ports.client) drops \(what), which has the only copy of \(lost) acknowledged writes")
    }

    private func isExcused(_ engine: SimulatedEngine, _ master: SimulatedEngine?) -> Bool {
        if engine.wasAsleepAtPromotion { return true }
        guard let master, let elected = elections[master.ownEpoch] else { return false }
        return engine.listensAt <= elected
    }

    /// Invariants: no-older-master, drained-first. When a master accepts its first write: no node of its shard is known
    /// to have data that it lacks.
    func checkFreshness(of writer: SimulatedEngine, shard: Int) {
        guard elections[writer.ownEpoch] == nil, record?.member(id: writer.id)?.doubt?.kind != .undecided
        else { return }
        for other in host.pids.compactMap({ host.engines[$0] })
        where other.id != writer.id && other.serves(now) && other.isInStream && !other.wasAsleepAtPromotion {
            let lacks = writes.only(in: other.copy, notIn: [writer.copy], shard: shard)
            if lacks > 0 {
                breaks(
                    "\(writer.ports.client) takes writes as master and lacks \(lacks) that \(other.ports.client), which runs, has"
                )
            }
        }
        checkFiles(against: writer, shard: shard, "takes writes as master")
    }

    /// Invariant: no-older-master. Before the engine makes the replicas drop their data.
    /// - Parameter slots: its own, or those that it is to take from its ghost.
    func checkStart(of master: SimulatedEngine, _ slots: SlotSet) {
        let shard = SlotSet.evenly(among: record?.shape.masters ?? spec.masters).firstIndex { slots.isOwner(of: $0) }
        guard let shard, record?.member(id: master.id)?.doubt?.kind != .undecided else { return }
        checkFiles(against: master, shard: shard, "starts as master")
    }

    private func checkFiles(against master: SimulatedEngine, shard: Int, _ what: String) {
        let isDurable = spec.supervision.failover == .durable && master.settings.appendFsync == "always"
        let isTampered = host.folders[master.directory]?.isTampered == true
        for member in record?.members ?? [] where member.id != master.id && member.wanted == .running {
            guard let folder = host.folders[member.directory], !folder.isTampered,
                folder.appendOnly?.isTorn != true, isDurable || isTampered
            else { continue }
            let lacks = writes.only(in: folder.appendOnly?.copy, notIn: [master.copy], shard: shard)
            if lacks > 0 {
                breaks("\(master.ports.client) \(what) and lacks \(lacks) that lie whole with \(member.name)")
            }
        }
    }

    /// Invariants: one-writer, adopt-first. Two writers that the engine made by its own election, while one of them was
    /// not serving, are not attributed to clusterd.
    func checkWriters() {
        var covered = SlotSet()
        for writer in host.writers(now).sorted(by: { ($0.ownEpoch, $0.id) < ($1.ownEpoch, $1.id) }) {
            if !covered.intersection(writer.servedSlots).isEmpty, elections[writer.ownEpoch] == nil {
                breaks("two writers for slots \(writer.slots) (pid \(writer.identity.pid))")
            }
            covered = covered.union(writer.servedSlots)
        }
    }

    /// Invariants: complete-candidate, clean-stop. For each shard, the acknowledged writes that its owner lacks.
    func checkNothingIsLost() {
        for (shard, slots) in SlotSet.evenly(among: record?.shape.masters ?? spec.masters).enumerated() {
            let owner = host.pids.compactMap { host.engines[$0] }.first {
                $0.isMaster && $0.slots.isOwner(of: slots)
            }
            guard let owner else { continue }
            let missing = writes.missing(from: owner.copy, shard: shard)
            if missing > 0 { breaks("shard \(shard): \(missing) acknowledged writes are lost") }
        }
    }
}
