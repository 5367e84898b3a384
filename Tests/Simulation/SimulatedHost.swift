import ClusterModel
import Planner

/// Directories, ports and processes of one host.
struct SimulatedHost {
    struct Directory {
        var nodesFileName: String?
        var nodesFile: NodesFile?
        var redisConf: [UInt8] = []
        /// Writes that its append-only file holds.
        var data = 0
        var history = ""
    }

    let bootID = "11111111-1111-1111-1111-111111111111"
    var directories: [String: Directory] = [:]
    var engines: [Int32: SimulatedEngine] = [:]
    /// Held by programs that are none of ours.
    var foreignPorts = Set<Int>()
    /// When the masters last voted for a replica of each.
    var votedAt: [NodeID: Moment] = [:]

    /// The engine holds no second election within these times (src/cluster.c).
    func refusesElection(of engine: SimulatedEngine, after master: NodeID, _ now: Moment) -> Bool {
        let conf = RedisConfFile(directories[engine.directory]?.redisConf ?? [])
        let timeout = Duration.milliseconds(conf.value("cluster-node-timeout").flatMap { Int64($0) } ?? 15_000)
        let hasStood = engine.stoodAt.map { now - $0 < max(timeout * 2, .seconds(2)) * 2 } ?? false
        return hasStood || (votedAt[master].map { now - $0 < timeout * 2 } ?? false)
    }
    private var lastPID: Int32 = 1000

    mutating func nextIdentity(_ now: Moment) -> ProcessIdentity {
        lastPID += 1
        return ProcessIdentity(bootID: bootID, pid: lastPID, startTime: UInt64(max(0, now.nanoseconds) / 10_000_000))
    }

    func user(of directory: String) -> SimulatedEngine? {
        engines.sorted { $0.key < $1.key }.first { $0.value.directory == directory }?.value
    }
    func engine(_ id: NodeID) -> SimulatedEngine? {
        engines.sorted { $0.key < $1.key }.first { $0.value.id == id }?.value
    }

    /// The process ends; what it held is in its append-only file.
    mutating func bury(_ pid: Int32) -> SimulatedEngine? {
        save(pid)
        guard let engine = engines.removeValue(forKey: pid) else { return nil }
        directories[engine.directory]?.data = engine.data
        directories[engine.directory]?.history = engine.history
        return engine
    }

    private mutating func save(_ pid: Int32) {
        guard let engine = engines[pid] else { return }
        directories[engine.directory]?.nodesFile = engine.file
        directories[engine.directory]?.nodesFileName = engine.nodesFileName
    }

    /// The engine writes its nodes.conf whenever its view changes: what lies on disk is the view of the process that runs.
    mutating func saveAll() { for pid in engines.keys { save(pid) } }

    func facts(_ path: String) -> DirectoryFacts {
        var facts = DirectoryFacts(path: path)
        guard let directory = directories[path] else { return facts }
        facts.exists = true
        facts.writable = true
        facts.nodesFileName = directory.nodesFileName
        facts.nodesFile = directory.nodesFile.map { .parsed($0) } ?? .absent
        if !directory.redisConf.isEmpty {
            facts.redisConf = RedisConfFacts(fileName: "redis.conf", directory.redisConf)
        }
        if directory.data > 0 {
            let file = DataFile(
                name: "appendonlydir/appendonly.aof.1.incr.aof", size: Int64(directory.data),
                modified: WallTime(milliseconds: 0), evidence: .keys)
            facts.content.appendOnly = AppendOnlyFiles(directoryName: "appendonlydir", files: [file])
        }
        return facts
    }

    mutating func survey(_ paths: [String], at now: Moment) -> Observation.Survey {
        saveAll()
        let known = Set(directories.keys).union(paths).sorted()
        let users = engines.sorted { $0.key < $1.key }.map { _, engine in
            Observation.DirectoryUser(
                directory: engine.directory, identity: engine.identity,
                command: "redis-server 127.0.0.1:\(engine.ports.client)")
        }
        return .init(askedAt: now, directories: known.map(facts), users: users)
    }

    /// Every slot's writers: running masters that accept writes for it.
    func writers(_ now: Moment) -> [(slots: SlotSet, pid: Int32)] {
        engines.sorted { $0.key < $1.key }.compactMap { pid, engine in
            engine.isMaster && !engine.slots.isEmpty && !engine.isPaused && engine.listens(now) && isOK(engine, now)
                ? (engine.slots, pid) : nil
        }
    }

    /// cluster_state: it is writable again, and it reaches the greater part of the masters.
    func isOK(_ engine: SimulatedEngine, _ now: Moment) -> Bool {
        guard now >= engine.writableAt else { return false }
        let masters = engine.entries.list.filter { $0.flags.contains(.master) && !$0.slots.isEmpty }
        let covered = masters.reduce(into: SlotSet()) { $0 = $0.union($1.slots) }
        guard covered.count == SlotSet.slotCount else { return false }
        let reached = masters.count { master in
            self.engine(master.id).map { $0.listens(now) && $0.ports == master.ports } ?? false
        }
        return reached * 2 > masters.count
    }
}
