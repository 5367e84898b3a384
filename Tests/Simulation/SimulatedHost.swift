import ClusterModel
import Planner

/// Folders, ports and processes of one host.
struct SimulatedHost {
    private(set) var boots = 1
    var folders: [String: SimulatedFolder] = [:]
    /// Second copies and quarantined files, by the folder below `quarantine/`.
    var quarantine: [String: [Copy?]] = [:]
    var engines: [Int32: SimulatedEngine] = [:]
    /// The first one has all folders that are on none of the others.
    var disks = [SimulatedDisk()]
    /// How engines appear in /proc.
    var guise = Guise.plain
    /// Held by foreign programs.
    var foreignPorts = Set<Int>()
    private var lastPID: Int32 = 1000

    enum Guise: CaseIterable {
        /// `redis-server 127.0.0.1:7000`.
        case plain
        /// Another program name and title.
        case renamed
        /// Their working directories may not be read.
        case unreadable
        /// Like `unreadable`, and their names are not informative.
        case disguised
    }

    var bootID: String { "\(boots)1111111-1111-1111-1111-111111111111" }

    mutating func nextIdentity(_ now: Moment) -> ProcessIdentity {
        lastPID += 1
        return ProcessIdentity(bootID: bootID, pid: lastPID, startTime: UInt64(max(0, now.nanoseconds) / 10_000_000))
    }

    var pids: [Int32] { engines.keys.sorted() }

    func user(of directory: String) -> SimulatedEngine? {
        engines.values.filter { $0.directory == directory }.min { $0.identity.pid < $1.identity.pid }
    }
    func engine(_ id: NodeID) -> SimulatedEngine? {
        engines.values.filter { $0.id == id }.min { $0.identity.pid < $1.identity.pid }
    }

    /// The process exits; its files stay as it has written them.
    mutating func bury(_ pid: Int32) -> SimulatedEngine? {
        save(pid)
        return engines.removeValue(forKey: pid)
    }

    private mutating func save(_ pid: Int32) {
        guard let engine = engines[pid] else { return }
        folders[engine.directory]?.nodesFile = engine.file
        folders[engine.directory]?.nodesFileName = engine.nodesFileName
    }

    /// A power loss: only the synced part of the files remains.
    mutating func losePower() {
        boots += 1
        for (path, folder) in folders {
            if let synced = folder.appendOnly.map(\.synced) { folders[path]?.appendOnly?.copy = synced }
        }
    }

    mutating func survey(_ record: Record?, _ writes: Writes, at now: Moment) -> Observation.Survey {
        let paths = record?.members.map(\.directory) ?? []

        // The engine writes its nodes.conf whenever its view changes: the file equals the view of the running process.
        for pid in engines.keys { save(pid) }
        let known = Set(folders.keys).union(paths).sorted()
        // A daemon that may not inspect engines runs as another user, and does not start while an engine is still
        // booting.
        let shown = pids.compactMap { engines[$0] }.filter { engine in
            guise == .plain || guise == .renamed || now < engine.listensAt + .seconds(1)
        }
        let users = shown.map { engine in
            Observation.DirectoryUser(
                directory: engine.directory, identity: engine.identity,
                command: "\(guise == .renamed ? "mynode" : "redis-server") 127.0.0.1:\(engine.ports.client)",
                ports: engine.listens(now) ? [engine.ports.client, engine.ports.bus] : nil)
        }
        let unreadable = pids.filter { pid in guise == .unreadable && !shown.contains { $0.identity.pid == pid } }
        let recorded = (record?.members ?? []).compactMap(\.process).map { process in
            (process, engines[process.pid]?.identity == process ? ProcessPresence.alive : .gone)
        }
        return .init(
            askedAt: now,
            directories: known.map { path in folders[path]?.facts(path, writes) ?? DirectoryFacts(path: path) },
            users: users, recorded: Dictionary(recorded, uniquingKeysWith: { first, _ in first }),
            concealed: unreadable.map {
                .init(pid: $0, name: "redis-server", command: "redis-server", userID: 0)
            },
            showsOnlyOwn: guise == .disguised)
    }

    /// Masters that accept writes now.
    func writers(_ now: Moment) -> [SimulatedEngine] {
        pids.compactMap { engines[$0] }.filter { engine in
            engine.isMaster && !engine.slots.isEmpty && now >= engine.pausedUntil && engine.serves(now)
                && isOK(engine, now)
        }
    }

    /// cluster_state: it is writable again, all slots are covered, and it considers most of the masters alive.
    func isOK(_ engine: SimulatedEngine, _ now: Moment) -> Bool {
        guard now >= engine.writableAt else { return false }
        let masters = engine.entries.list.filter { $0.flags.contains(.master) && !$0.slots.isEmpty }
        guard masters.reduce(0, { $0 + $1.slots.count }) == SlotSet.slotCount else { return false }
        if masters.contains(where: { $0.flags.contains(.fail) }) { return false }
        return masters.count { !$0.flags.contains(.pfail) } * 2 > masters.count
    }
}
