import ClusterModel
import Planner

/// One redis-server process, as far as clusterd can tell: a view of the cluster that it saves, a role, a stream of writes.
struct SimulatedEngine {
    var identity: ProcessIdentity
    var directory: String
    var nodesFileName: String
    var id: NodeID
    var ports: PortPair
    var entries: Roster
    var currentEpoch: UInt64
    var lastVoteEpoch: UInt64
    var bornAt: Moment
    /// From then on it accepts connections.
    var listensAt: Moment
    /// A master with slots answers CLUSTERDOWN for 2 s after its start (`CLUSTER_WRITABLE_DELAY`, src/cluster.c).
    var writableAt: Moment
    var link = Link.down
    /// How many of its shard's writes it holds: always the first ones of a history.
    var data: Int
    var history: String
    /// During a manual failover the master takes no writes.
    var isPaused = false
    var isStopping = false
    /// When it last stood for election.
    var stoodAt: Moment?
    var appendOnly = true

    enum Link: Equatable {
        case down
        case syncing(until: Moment)
        case up
    }

    var myself: NodeEntry { entries[id] ?? NodeEntry(id: id, host: "127.0.0.1", ports: ports) }
    var isMaster: Bool { myself.flags.contains(.master) }
    var masterID: NodeID? { myself.masterID }
    var slots: SlotSet { myself.slots }

    func listens(_ now: Moment) -> Bool { now >= listensAt && !isStopping }

    var file: NodesFile {
        NodesFile(
            view: NodesView(entries: entries.list), currentEpoch: currentEpoch,
            lastVoteEpoch: lastVoteEpoch)
    }

    /// Learns of another node's word of itself; false: it does not know that node.
    mutating func hear(_ sender: NodeEntry, epoch: UInt64) -> Bool {
        currentEpoch = max(currentEpoch, epoch)
        guard var known = entries[sender.id] else { return false }
        let isNews = sender.configEpoch >= known.configEpoch
        known.ports = sender.ports
        known.host = sender.host
        // Of its role a node itself is always believed; of slots, whose epoch is higher.
        known.flags = sender.flags.subtracting(.myself)
        known.masterID = sender.masterID
        if isNews || sender.flags.contains(.replica) {
            known.configEpoch = sender.configEpoch
            known.slots = SlotSet()
        }
        entries[sender.id] = known
        guard isNews, sender.flags.contains(.master), !sender.slots.isEmpty else { return true }
        let mineBefore = myself.slots
        var followedIsBare = false
        for entry in entries.list where entry.id != sender.id && !entry.slots.isEmpty {
            let lost = entry.slots.intersection(sender.slots)
            guard !lost.isEmpty, entry.configEpoch < sender.configEpoch else { continue }
            entries[entry.id]?.slots = entry.slots.subtracting(lost)
            if entry.id == masterID, entries[entry.id]?.slots.isEmpty == true { followedIsBare = true }
        }
        let taken = entries.list.filter { $0.id != sender.id }.reduce(into: SlotSet()) { $0 = $0.union($1.slots) }
        entries[sender.id]?.slots = sender.slots.subtracting(taken)
        if (!mineBefore.isEmpty && myself.slots.isEmpty) || followedIsBare { follow(sender.id) }
        return true
    }

    mutating func follow(_ master: NodeID) {
        guard var mine = entries[id] else { return }
        mine.flags = [.myself, .replica]
        mine.masterID = master
        mine.slots = SlotSet()
        mine.configEpoch = entries[master]?.configEpoch ?? 0
        entries[id] = mine
        link = .down
        isPaused = false
    }

    /// CLUSTER FAILOVER TAKEOVER, and the end of a manual failover.
    mutating func takeOver(history newHistory: String) {
        guard let old = masterID, var mine = entries[id], var master = entries[old] else { return }
        currentEpoch += 1
        mine.flags = [.myself, .master]
        mine.masterID = nil
        mine.configEpoch = currentEpoch
        mine.slots = master.slots
        master.slots = SlotSet()
        entries[old] = master
        entries[id] = mine
        history = newHistory
        link = .down
    }

    func report(_ now: Moment, isOK: Bool) -> NodeReport {
        NodeReport(
            processID: identity.pid, id: id, engine: Engine(name: .redis, version: EngineVersion(7, 0, 15)),
            loading: false,
            replication: .init(
                role: isMaster ? .master : .replica, linkUp: !isMaster && link == .up,
                syncInProgress: { if case .syncing = link { true } else { false } }(), replicationID: history,
                offset: Int64(data), connectedReplicas: 0),
            clusterStateOK: isOK, currentEpoch: currentEpoch, view: file.view,
            persistence: .init(appendOnly: appendOnly, saving: false, lastSaveOK: true, lastAppendOK: true),
            load: .init(keys: Int64(data), memoryBytes: 0, maxMemoryBytes: nil, clients: 1, operationsPerSecond: 0),
            settings: [:])
    }
}
