import ClusterModel
import Planner
import Testing

/// All inputs of `decide`, as values: a test sets the condition, and asks for the decision. In the settled scene 7000,
/// 7001 and 7002 are masters, and 7003, 7004 and 7005 are their replicas in this order; all nodes run, agree and are in
/// sync.
///
/// Observations (`seen`) and facts (`disk`, `processes`, `masters`) are separate here as in reality: the outcome of an
/// effect, or `look()` and `hear()`, copies the facts to the observations. `Observation.note` is that of the daemon.
struct Scene {
    var spec: ClusterSpec
    var record: Record?
    var seen: Observation
    var now = Moment.seconds(100)
    /// The loop's, for the jitter of exits.
    var random = SplitMix64(seed: 1)

    /// By path.
    var disk: [String: DirectoryFacts] = [:]
    /// Live engines, by node.
    var processes: [NodeName: ProcessIdentity] = [:]
    /// Foreign running programs.
    var strangers: [Observation.DirectoryUser] = []
    /// Ports held by other processes, and their holders.
    var busyPorts: [Int: String] = [:]
    /// The master of each shard, and its epoch.
    var masters: [NodeName] = []
    var epochs: [UInt64] = []
    /// The slots of each shard, if some were moved; empty: every shard has its share.
    var slots: [SlotSet] = []
    /// What nodes count in slots, where it matters.
    var keysBySlot: [NodeName: [Int: Int64]] = [:]
    /// Directives as the running nodes have them.
    var settings: [NodeName: [String: String]] = [:]
    /// TCP ports on which processes of nodes are seen to listen; empty: they cannot be seen.
    var listening: [NodeName: [Int]] = [:]
    /// The length of each node's own log.
    var logBytes: [NodeName: Int64] = [:]
    /// The resource usage of running nodes, where it matters.
    var usage: [NodeName: NodeUsage] = [:]
    var delegation = CgroupDelegation.none("nobody gave one away")
    /// Each node's last report.
    var lastReports: [NodeName: NodeReport] = [:]
    /// The number of starts of each node.
    var starts: [NodeName: Int] = [:]
    /// The exit time of each node's process.
    var deaths: [NodeName: Moment] = [:]
    /// The replication stream that each node's data belong to: a master's own, and for a replica the one that it last
    /// followed.
    var streams: [NodeName: String] = [:]

    static let bootID = "boot"
    static let wall = WallTime(milliseconds: 1_700_000_000_000)

    /// Nothing exists yet.
    static func untouched(masters: Int = 3, replicas: Int = 1) -> Scene {
        var spec = ClusterSpec(name: "test", dataDirectory: "/data")
        spec.masters = masters
        spec.replicas = replicas
        spec.directives = [
            .init(name: "appendonly", arguments: ["yes"]), .init(name: "repl-diskless-sync", arguments: ["no"]),
        ]
        let seen = Observation(
            bootID: bootID, wall: wall, entropy: 1, engine: Engine(name: .redis, version: EngineVersion(7, 0, 15)),
            began: .seconds(100))
        return Scene(spec: spec, record: nil, seen: seen)
    }

    static func settled(masters: Int = 3, replicas: Int = 1) -> Scene {
        var scene = untouched(masters: masters, replicas: replicas)
        let members = (0..<scene.spec.nodeCount).map { index in
            let name = NodeName(String(7000 + index))
            var member = Member(
                name: name, id: id(name), ports: PortPair(client: 7000 + index), directory: folder(name),
                nodesFileName: "nodes-\(name).conf", shard: index % masters, shardID: id(NodeName("f\(index)")))
            member.process = identity(name)
            member.appendOnly = true
            return member
        }
        var record = Record(
            cluster: "test", stage: .formed, shape: .init(masters: masters, replicas: replicas), members: members)
        record.everReady = true
        scene.record = record
        scene.masters = members.prefix(masters).map(\.name)
        scene.epochs = (1...masters).map(UInt64.init)
        scene.seen.began = .seconds(10)
        for member in members {
            scene.disk[member.directory] = scene.facts(member.name)
            scene.processes[member.name] = identity(member.name)
            scene.starts[member.name] = 1
            scene.seen.starts[member.name] = 1
            scene.seen.ports[member.ports] = .reserved
            scene.seen.processes[member.name] = .running(
                .init(identity: identity(member.name), since: .seconds(10), startedAt: wall, adopted: false))
        }
        scene.seen.wasReady = true
        scene.look()
        scene.hear()
        // The observations of each node are remembered.
        scene.record = scene.decide().record
        return scene
    }

    // MARK: the question

    /// The decision here and now; no decision may break a rule.
    func decide(sourceLocation: SourceLocation = #_sourceLocation) -> Decision {
        let decision = Planner.decide(spec, record, seeing: seen, at: now)
        #expect(violations(in: decision, given: record, seeing: seen) == [], sourceLocation: sourceLocation)
        return decision
    }

    // MARK: names

    static func id(_ name: NodeName) -> NodeID { id(name.text) }
    /// Hexadecimal digits, padded.
    static func id(_ digits: String) -> NodeID { NodeID(digits + String(repeating: "0", count: 40 - digits.count))! }
    static func folder(_ name: NodeName) -> String { "/data/nodes/\(name)" }
    /// The process of the first, second … start.
    static func identity(_ name: NodeName, life: Int = 1) -> ProcessIdentity {
        ProcessIdentity(bootID: bootID, pid: Int32(name.text)! + Int32(10000 * (life - 1)), startTime: UInt64(life))
    }

    func member(_ name: NodeName) -> Member { record!.member(name)! }
    func contact(_ name: NodeName) -> Effect.Contact {
        .init(host: "127.0.0.1", port: member(name).ports.client, process: processes[name]!)
    }

    // MARK: facts

    /// The nodes.conf that the engine of this node keeps.
    func file(_ name: NodeName) -> NodesFile {
        let entries = (record?.members ?? []).map { member in
            let master = masters[member.shard]
            var entry = NodeEntry(id: member.id, host: "127.0.0.1", ports: member.ports)
            entry.flags = member.name == master ? .master : .replica
            if member.name == name { entry.flags.insert(.myself) }
            entry.masterID = member.name == master ? nil : self.member(master).id
            entry.configEpoch = epochs[member.shard]
            let shares = slots.isEmpty ? SlotSet.evenly(among: masters.count) : slots
            entry.slots = member.name == master ? shares[member.shard] : SlotSet()
            return entry
        }
        let epoch = epochs.max() ?? 0
        return NodesFile(view: NodesView(entries: entries), currentEpoch: epoch, lastVoteEpoch: epoch)
    }

    /// A node's folder as it lies on disk: its file, clusterd's redis.conf, and an append-only file with keys.
    func facts(_ name: NodeName) -> DirectoryFacts {
        var facts = DirectoryFacts(path: Self.folder(name))
        facts.exists = true
        facts.writable = true
        facts.nodesFile = .parsed(file(name))
        facts.nodesFileName = "nodes-\(name).conf"
        facts.redisConf = RedisConfFacts(fileName: "redis.conf", Array("# Written by clusterd\n".utf8))
        facts.content = .appendOnly(.keys)
        return facts
    }

    /// The report of a running node, by its file; a replica's link is up while its master runs.
    func report(_ name: NodeName) -> NodeReport? {
        guard let identity = processes[name], let directory = record?.member(name)?.directory,
            case .parsed(let file)? = disk[directory]?.nodesFile, let myself = file.view.myself
        else { return nil }
        let isMaster = myself.flags.contains(.master)
        let master = myself.masterID.flatMap { record?.member(id: $0) }
        return NodeReport(
            processID: identity.pid, id: myself.id, engine: seen.engine, loading: false,
            replication: .init(
                role: isMaster ? .master : .replica, linkUp: master.map { processes[$0.name] != nil } ?? false,
                syncInProgress: false,
                replicationID: stream(name, master?.name), offset: 1000,
                connectedReplicas: isMaster ? spec.replicas : 0,
                linkDownFor: master.flatMap { processes[$0.name] == nil ? deaths[$0.name] : nil }.map {
                    .seconds((now - $0).components.seconds)
                }),
            clusterStateOK: true, currentEpoch: file.currentEpoch, view: file.view,
            persistence: .init(
                appendOnly: true, saving: false, lastSaveOK: true, lastAppendOK: true, appendFsync: "everysec",
                appendOnlyBytes: 100),
            load: .init(keys: 10, memoryBytes: 1 << 20, maxMemoryBytes: nil, clients: 1, operationsPerSecond: 0),
            settings: [:])
    }

    private func stream(_ name: NodeName, _ master: NodeName?) -> String {
        if let master, processes[master] != nil { return stream(master, nil) }
        return streams[name] ?? "stream of \(name)"
    }

    // MARK: observations

    /// The data folder and its users, as they are now.
    mutating func look() {
        let users = processes.sorted { $0.key < $1.key }.map { name, identity in
            Observation.DirectoryUser(
                directory: record?.member(name)?.directory ?? Self.folder(name), identity: identity,
                command: "redis-server 127.0.0.1:\(name)", ports: listening[name])
        }
        let lost = (record?.members ?? []).map(\.directory).filter { disk[$0] == nil }.map(DirectoryFacts.init(path:))
        let directories = (disk.values + lost).sorted { $0.path < $1.path }
        let recorded = (record?.members ?? []).compactMap(\.process).map { process in
            (process, processes.values.contains(process) ? ProcessPresence.alive : .gone)
        }
        seen.survey = .init(
            askedAt: now, directories: directories, users: users + strangers,
            recorded: Dictionary(recorded, uniquingKeysWith: { first, _ in first }))
    }

    /// Queries every running node now; each responds.
    mutating func hear() { for name in processes.keys.sorted() { answer(name) } }

    /// Queries one node now; `change` alters its reply.
    mutating func answer(_ name: NodeName, _ change: (inout NodeReport) -> Void = { _ in }) {
        guard case .running(let process) = seen.processes[name], var report = report(name) else { return }
        streams[name] = report.replication.replicationID
        change(&report)
        lastReports[name] = report
        let reply = NodeReply(askedAt: now, answeredAt: now, of: process.identity, outcome: .report(report))
        seen.note(reply, of: name, ProcessActivity(state: .asleep, cpuTicks: 5))
    }

    mutating func pass(_ time: Duration) {
        now = now + time
        seen.wall = seen.wall + time
    }
}

extension DirectoryContent {
    static func appendOnly(_ evidence: DataEvidence) -> DirectoryContent {
        var content = DirectoryContent()
        content.appendOnly = AppendOnlyFiles(
            directoryName: "appendonlydir",
            files: [
                DataFile(
                    name: "appendonlydir/appendonly.aof.1.incr.aof", size: 100, modified: Scene.wall,
                    evidence: evidence)
            ])
        return content
    }
}

extension Decision {
    /// The nodes on which effects of this kind are ordered: `start`, `hand over`; `kill` includes that of a hung node.
    func nodes(_ kind: String) -> [NodeName] { orders(kind).compactMap(\.node) }
    func orders(_ kind: String) -> [Effect] {
        effects.filter { $0.key.kind.rawValue == kind || kind == "kill" && $0.key.kind == .killHung }
    }
    /// All effects except queries.
    var deeds: [String] {
        let questions: Set<EffectKey.Kind> = [
            .ask, .askSettings, .countKeys, .inspect, .inquire, .measureLogs, .measureUsage,
        ]
        return effects.map(\.key).filter { !questions.contains($0.kind) }.map(\.description)
    }
    func finding(_ code: ReasonCode) -> Finding? { findings.first { $0.code == code } }
    var refusal: Failure? {
        guard case .refused(let refusal) = end else { return nil }
        return refusal
    }
}
