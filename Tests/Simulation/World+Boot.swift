import ClusterModel
import Planner

/// The start of an engine from its redis.conf, its nodes.conf and its data files. Delays as measured on real engines
/// (docs/engines.md). Invariants: one-engine, slots-kept.
extension World {
    func boot(_ directory: String) -> SimulatedEngine? {
        guard let folder = host.folders[directory] else { return nil }
        let conf = RedisConfFile(folder.redisConf)
        guard let port = conf.value("port").flatMap({ Int($0) }), let name = conf.value("cluster-config-file") else {
            return nil
        }
        let bus = conf.value("cluster-port").flatMap { Int($0) } ?? port + 10000
        guard let file = folder.nodesFile, folder.nodesFileName == name, let myself = file.view.myself else {
            breaks("an engine starts in \(directory) without the nodes.conf that it is told to read")
            return nil
        }
        if host.user(of: directory) != nil { breaks("two processes in \(directory)") }
        let identity = host.nextIdentity(now)
        let listensAt = now + milliseconds(5...40)
        let isMaster = myself.flags.contains(.master)
        var engine = SimulatedEngine(
            identity: identity, directory: directory, nodesFileName: name, id: myself.id,
            ports: PortPair(client: port, bus: bus), entries: Roster(file.view.entries),
            currentEpoch: file.currentEpoch, lastVoteEpoch: file.lastVoteEpoch, ownEpoch: myself.configEpoch,
            settings: settings(conf), listensAt: listensAt, loadedAt: listensAt + milliseconds(0...100),
            writableAt: now + (isMaster ? .seconds(2) : .milliseconds(20)), ownHistory: newHistory())
        for entry in engine.entries.list {
            engine.entries[entry.id]?.linkConnected = entry.id == engine.id
            engine.entries[entry.id]?.flags.subtract([.pfail, .fail])
            engine.bus.heardAt[entry.id] = listensAt
        }
        engine.entries[engine.id]?.ports = engine.ports
        let isTorn = load(&engine, folder)
        if !isTorn { adoptKeys(&engine) }
        let ghost = myself.followsGhost ? engine.entries[engine.id.ghost] : nil
        if !isTorn, let slots = ghost?.slots ?? (isMaster ? engine.slots : nil), !slots.isEmpty {
            checkStart(of: engine, slots)
        }
        if isMaster, !engine.slots.isEmpty { beginStream(&engine) }
        host.engines[identity.pid] = engine
        if host.foreignPorts.contains(port) || host.foreignPorts.contains(bus) {
            queue.add(.exit(pid: identity.pid, code: 1, signal: nil, log: []), at: now + milliseconds(2...10))
        } else if isTorn {
            let words = "Unexpected end of file reading the append only file appendonly.aof.1.incr.aof"
            queue.add(.exit(pid: identity.pid, code: 1, signal: nil, log: [words]), at: engine.listensAt)
            host.engines[identity.pid]?.loadedAt = now + .seconds(60)
        } else {
            queue.add(.tick(pid: identity.pid), at: engine.listensAt)
        }
        return engine
    }

    func newHistory() -> String { String(random.next(), radix: 16) }

    private func settings(_ conf: RedisConfFile) -> SimulatedEngine.Settings {
        var settings = SimulatedEngine.Settings()
        settings.appendOnly = conf.value("appendonly") == "yes"
        settings.appendFsync = conf.value("appendfsync") ?? "everysec"
        settings.nodeTimeout = .milliseconds(conf.value("cluster-node-timeout").flatMap { Int64($0) } ?? 15_000)
        settings.electsItself = conf.value("cluster-replica-no-failover") != "yes"
        settings.synchronizesDiskless = conf.value("repl-diskless-sync") != "no"
        settings.slotsMove = slots.isActive
        settings.replicasToWrite = conf.value("min-replicas-to-write").flatMap { Int($0) } ?? 0
        return settings
    }

    /// It loads exactly one of the two files (`loadDataFromDisk`, src/server.c). Returns true if that file cannot be
    /// loaded.
    private func load(_ engine: inout SimulatedEngine, _ folder: SimulatedFolder) -> Bool {
        if engine.settings.appendOnly {
            engine.copy = folder.appendOnly?.copy
            engine.received = engine.copy
            if folder.appendOnly == nil {
                host.folders[engine.directory]?.appendOnly = .init(rewrittenAt: wall, writtenAt: wall)
            }
            return folder.appendOnly?.isTorn == true
        }
        engine.copy = folder.dump?.copy
        engine.received = engine.copy
        engine.savedCopy = engine.copy
        // The stream named in a dump lets a replica continue with it.
        engine.isInStream = folder.dump?.position != nil
        return false
    }

    /// A master starts a new stream from its data.
    func beginStream(_ engine: inout SimulatedEngine) {
        let shards = SlotSet.evenly(among: spec.masters)
        let shard = shards.firstIndex { engine.slots.isOwner(of: $0) } ?? 0
        let offset = engine.isInStream ? engine.copy.map(writes.offset) ?? 0 : 0
        engine.copy = writes.begin(id: newHistory(), shard: shard, after: engine.copy, offset: offset)
        engine.received = engine.copy
        engine.isInStream = true
    }
}
