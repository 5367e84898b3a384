import ClusterModel
import Planner

/// One redis-server process, as visible to clusterd and its peers: a view of the cluster that it saves, a role, and a
/// copy of its shard's writes.
struct SimulatedEngine {
    var identity: ProcessIdentity
    var directory: String
    var nodesFileName: String
    var id: NodeID
    var ports: PortPair
    var entries: Roster
    var currentEpoch: UInt64
    var lastVoteEpoch: UInt64
    /// Its own config epoch; a replica shows its master's epoch in its own line.
    var ownEpoch: UInt64
    var settings: Settings
    /// It accepts connections from this time; until `loadedAt` it replies LOADING.
    var listensAt: Moment
    var loadedAt: Moment
    /// Until this time it does nothing at all (state T), or does not serve its sockets (state R).
    var stoppedUntil: Moment?
    var stoppedAt: Moment?
    var busyUntil = Moment.seconds(0)
    /// Until this time its master's stream is held up in transit.
    var slowUntil = Moment.seconds(0)
    /// A master with slots answers CLUSTERDOWN for 2 s after its start (`CLUSTER_WRITABLE_DELAY`, src/cluster.c).
    var writableAt: Moment
    var link = Link.down
    /// Since when its link is down, if it was up before.
    var linkLostAt: Moment?
    /// The data in its memory.
    var copy: Copy?
    /// The part of its master's stream that the kernel has received for it; read before the end of the stream.
    var received: Copy?
    /// The stream that it reports while it follows none.
    var ownHistory: String
    /// Whether its copy is part of a stream that it can name: not after a start from an append-only file.
    var isInStream = false
    /// A full synchronization is followed by a rewrite of the append-only file; the old file stays until then.
    var rewriteDue: Moment?
    var syncDue = Moment.seconds(0)
    var savedCopy: Copy?
    /// During a manual failover the master takes no writes.
    var pausedUntil = Moment.seconds(0)
    var isStopping = false
    /// It could not write its memory to its append-only file, or its dump: it rejects writes.
    var appendFailed = false
    var saveFailed = false
    /// It could not be queried when its master was replaced: whether it has data that the new master lacks is unknown.
    var wasAsleepAtPromotion = false
    var bus = Bus()

    struct Settings {
        var appendOnly = true
        var appendFsync = "everysec"
        var nodeTimeout = Duration.seconds(15)
        var electsItself = true
        /// `repl-diskless-sync`: a replica that has received a copy gets the stream only after its next acknowledgement.
        var synchronizesDiskless = true
        /// `min-replicas-to-write`; 0: none.
        var replicasToWrite = 0
        /// Whether slots move one by one in this life (`TrackedSlots`): what can only happen then is left out of all others.
        var slotsMove = false
    }

    /// Its knowledge of its peers by the cluster bus, lost when it exits.
    struct Bus {
        /// The process of each peer that its link connects to.
        var linkedTo: [NodeID: ProcessIdentity] = [:]
        var heardAt: [NodeID: Moment] = [:]
        var failedAt: [NodeID: Moment] = [:]
        /// Which nodes report which others as failed, and since when.
        var reports: [NodeID: [NodeID: Moment]] = [:]
        /// When it was told to forget a node (CLUSTER FORGET).
        var forgottenAt: [NodeID: Moment] = [:]
        /// As a voter: when it last voted for a replica of each master.
        var votedAt: [NodeID: Moment] = [:]
        /// As a candidate.
        var standsAt: Moment?
        var hasStood = false
        var stoodAt: Moment?
    }

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
    /// It serves its sockets.
    func isAwake(_ now: Moment) -> Bool { listens(now) && stoppedUntil == nil && now >= busyUntil }
    func serves(_ now: Moment) -> Bool { isAwake(now) && now >= loadedAt }

    var file: NodesFile {
        NodesFile(
            view: NodesView(entries: entries.list), currentEpoch: currentEpoch, lastVoteEpoch: lastVoteEpoch)
    }

    /// The state that it saves immediately on each change.
    func epochs(of other: NodeID) -> [UInt64] { [currentEpoch, entries[other]?.configEpoch ?? 0] }

    /// Processes another node's report on itself; returns false if it does not know that node.
    mutating func hear(_ sender: NodeEntry, epoch: UInt64) -> Bool {
        currentEpoch = max(currentEpoch, epoch)
        guard var known = entries[sender.id] else { return false }
        if settings.slotsMove { resolveCollision(with: sender) }
        // A slot that its owner no longer claims stays with it until another node claims it.
        let unclaimed = settings.slotsMove ? known.slots : SlotSet()
        let isNews = sender.configEpoch >= known.configEpoch
        known.ports = sender.ports
        known.host = sender.host
        // A node's own report of its role always counts; for slots, the higher epoch counts.
        let failure = known.flags.intersection([.pfail, .fail])
        known.flags = sender.flags.subtracting([.myself, .pfail, .fail]).union(failure)
        known.masterID = sender.masterID
        if isNews || sender.flags.contains(.replica) {
            known.configEpoch = sender.configEpoch
            known.slots = SlotSet()
        }
        entries[sender.id] = known
        guard isNews, sender.flags.contains(.master), !sender.slots.isEmpty else { return true }
        let mineBefore = myself.slots
        // No claim changes a slot that it is importing.
        let imported = myself.importing
        let claimed =
            imported.isEmpty ? sender.slots : sender.slots.subtracting(SlotSet(imported.map { $0.slot...$0.slot }))
        var followedIsBare = false
        for entry in entries.list where entry.id != sender.id && !entry.slots.isEmpty {
            let lost = entry.slots.intersection(claimed)
            guard !lost.isEmpty, entry.configEpoch < sender.configEpoch else { continue }
            entries[entry.id]?.slots = entry.slots.subtracting(lost)
            if entry.id == masterID, entries[entry.id]?.slots.isEmpty == true { followedIsBare = true }
        }
        let taken = entries.list.filter { $0.id != sender.id }.reduce(into: SlotSet()) { $0 = $0.union($1.slots) }
        entries[sender.id]?.slots = claimed.union(unclaimed).subtracting(taken)
        if (!mineBefore.isEmpty && myself.slots.isEmpty) || followedIsBare { follow(sender.id) }
        return true
    }

    mutating func follow(_ master: NodeID) {
        guard var mine = entries[id] else { return }
        if mine.flags.contains(.master) { isInStream = copy != nil }
        mine.flags = [.myself, .replica]
        mine.masterID = master
        mine.slots = SlotSet()
        (mine.migrating, mine.importing) = ([], [])
        mine.configEpoch = entries[master]?.configEpoch ?? 0
        entries[id] = mine
        link = .down
        linkLostAt = nil
        pausedUntil = .seconds(0)
    }

    /// CLUSTER FAILOVER TAKEOVER (epoch nil), or an election that was won. A takeover makes a new epoch only where its own is not
    /// the highest (`clusterBumpConfigEpochWithoutConsensus`, src/cluster.c).
    mutating func takeOver(epoch: UInt64? = nil) {
        guard let old = masterID, var mine = entries[id], var master = entries[old] else { return }
        if let epoch {
            ownEpoch = max(ownEpoch, epoch)
        } else {
            let highest = entries.list.filter { $0.id != id }.map(\.configEpoch).max() ?? 0
            if ownEpoch == 0 || ownEpoch < highest {
                currentEpoch += 1
                ownEpoch = currentEpoch
            }
        }
        mine.configEpoch = ownEpoch
        mine.flags = [.myself, .master]
        mine.masterID = nil
        mine.slots = master.slots
        master.slots = SlotSet()
        entries[old] = master
        entries[id] = mine
        link = .down
        bus.standsAt = nil
    }
}
