import ClusterModel
import Planner

/// Writes, their way to the replicas, and when they are on disk.
extension World {
    /// If a replica does not read its stream, this much of it waits in the kernel; the rest is in the master's memory,
    /// and is lost with it.
    private static let kernelRoom = 40

    /// One client that writes to every shard in turn, and gets an acknowledgement once the append-only file is written
    /// and the data for the replicas are handed to the kernel (`beforeSleep`, src/server.c).
    func write() {
        let writers = host.writers(now)
        for (shard, slots) in SlotSet.evenly(among: spec.masters).enumerated() {
            guard let writer = writers.first(where: { $0.slots.isOwner(of: slots) }),
                var copy = writer.copy, writes.streams[copy.stream].shard == shard
            else {
                note(refusesFor: false, shard: shard)
                continue
            }
            let isRefused = !hasGoodReplicas(writer)
            note(refusesFor: isRefused, shard: shard)
            guard !isRefused, mayWrite(writer.identity.pid) else { continue }
            let isFirst = writes.streams[copy.stream].acknowledged == 0
            copy.count += 1
            host.engines[writer.identity.pid]?.copy = copy
            persist(writer.identity.pid)
            for pid in host.pids { send(copy, to: pid, from: writer) }
            writes.acknowledge(copy)
            if isFirst { checkFreshness(of: writer, shard: shard) }
        }
    }

    func send(_ copy: Copy, to pid: Int32, from master: SimulatedEngine) {
        guard let replica = host.engines[pid], replica.masterID == master.id, replica.link == .up,
            now >= replica.slowUntil
        else { return }
        let isRead = replica.copy?.stream == copy.stream && replica.isAwake(now)
        let limit = (replica.copy?.stream == copy.stream ? replica.copy?.count ?? 0 : 0) + Self.kernelRoom
        host.engines[pid]?.received = Copy(stream: copy.stream, count: isRead ? copy.count : min(copy.count, limit))
    }

    /// The part of a tick that handles a replica's stream.
    func replicate(_ pid: Int32) {
        guard var engine = host.engines[pid], !engine.isMaster, var masterID = engine.masterID else { return }
        // A chain of replicas is dissolved (`clusterUpdateSlotsConfigWith` and clusterCron, src/cluster.c).
        if let grandmaster = engine.entries[masterID]?.masterID, grandmaster != engine.id {
            engine.follow(grandmaster)
            masterID = grandmaster
        }
        // The data in the kernel are read first, and then the end of the stream.
        let hadUnread = engine.copy != engine.received
        engine.copy = engine.received
        let master = host.engine(masterID).flatMap { master in
            master.listens(now) && engine.entries[masterID]?.ports == master.ports && master.isMaster ? master : nil
        }
        guard let master else {
            if engine.link == .up {
                if hadUnread { return keep(engine) }
                engine.linkLostAt = now
            }
            engine.link = .down
            return keep(engine)
        }
        switch engine.link {
        case .down where master.serves(now):
            guard continues(engine, master) else {
                engine.link = .syncing(until: now + milliseconds(5...80))
                break
            }
            join(&engine, master)
        case .syncing(let until) where now >= until && master.serves(now):
            // The engine drops its data, and takes its master's.
            checkDrop(of: engine, for: master, engine.copy, "memory")
            join(&engine, master)
            if master.settings.synchronizesDiskless {
                engine.slowUntil = max(engine.slowUntil, now + milliseconds(0...1100))
            }
            engine.rewriteDue = now + milliseconds(1...60)
        case .down, .syncing: break
        case .up:
            if master.isAwake(now), now >= engine.slowUntil, engine.received?.stream == master.copy?.stream {
                engine.received = master.copy
            }
        }
        keep(engine)
    }

    private func keep(_ engine: SimulatedEngine) {
        host.engines[engine.identity.pid] = engine
        persist(engine.identity.pid)
    }

    /// A partial synchronization: the master's stream, or the one that it continues, up to where the two diverge.
    private func continues(_ engine: SimulatedEngine, _ master: SimulatedEngine) -> Bool {
        guard engine.isInStream, let mine = engine.copy, let theirs = master.copy else { return false }
        if mine.stream == theirs.stream { return mine.count <= theirs.count }
        guard let parent = writes.streams[theirs.stream].parent, parent.stream == mine.stream else { return false }
        return mine.count <= parent.count && writes.streams[theirs.stream].firstOffset > 0
    }

    private func join(_ engine: inout SimulatedEngine, _ master: SimulatedEngine) {
        engine.link = .up
        engine.copy = master.copy
        engine.received = master.copy
        engine.isInStream = true
        engine.linkLostAt = nil
    }

    /// The part of it that is on disk now.
    func persist(_ pid: Int32) {
        guard var engine = host.engines[pid], var folder = host.folders[engine.directory] else { return }
        if host.isFull(engine.directory) { return persistNothing(engine, folder) }
        engine.appendFailed = false
        if let due = engine.rewriteDue, now >= due {
            engine.rewriteDue = nil
            let master = engine.masterID.flatMap(host.engine)
            checkDrop(of: engine, for: master, folder.appendOnly?.copy, "its append-only file")
            if engine.settings.appendOnly {
                folder.appendOnly = .init(
                    copy: engine.copy, synced: engine.copy, baseKeys: writes.keys(engine.copy), rewrittenAt: wall,
                    writtenAt: wall)
                folder.isTampered = false
            }
            engine.savedCopy = nil
        }
        if engine.settings.appendOnly {
            if engine.rewriteDue == nil, folder.appendOnly?.copy != engine.copy {
                folder.appendOnly?.copy = engine.copy
                folder.appendOnly?.writtenAt = wall
            }
            let isDue = engine.settings.appendFsync == "always" || now >= engine.syncDue
            if isDue, engine.rewriteDue == nil {
                if let copy = folder.appendOnly.map(\.copy) { folder.appendOnly?.synced = copy }
                engine.syncDue = now + (engine.settings.appendFsync == "no" ? .seconds(30) : .seconds(1))
            }
        } else if now >= engine.syncDue, engine.savedCopy != engine.copy, engine.rewriteDue == nil {
            save(&folder, engine)
            engine.saveFailed = false
            engine.savedCopy = engine.copy
            engine.syncDue = now + .seconds(5)
        }
        host.folders[engine.directory] = folder
        host.engines[pid] = engine
    }

    private func persistNothing(_ engine: SimulatedEngine, _ folder: SimulatedFolder) {
        if engine.settings.appendOnly {
            guard engine.rewriteDue == nil, folder.appendOnly?.copy != engine.copy else { return }
            if engine.settings.appendFsync == "always" { return endOfAppending(engine.identity.pid) }
            host.engines[engine.identity.pid]?.appendFailed = true
        } else if now >= engine.syncDue, engine.savedCopy != engine.copy {
            host.engines[engine.identity.pid]?.saveFailed = true
        }
    }

    /// A dump, which replaces the previous one.
    func save(_ folder: inout SimulatedFolder, _ engine: SimulatedEngine) {
        checkDrop(of: engine, for: engine, folder.dump?.copy, "its dump")
        let position =
            engine.isInStream
            ? engine.copy.map { copy in
                Freshness.Position(replicationID: writes.streams[copy.stream].id, offset: writes.offset(copy))
            } : nil
        folder.dump = .init(copy: engine.copy, savedAt: wall, modified: wall, position: position)
        if !engine.settings.appendOnly { folder.isTampered = false }
    }
}
