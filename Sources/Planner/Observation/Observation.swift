import ClusterModel

/// All that the loop knows about the world at one moment, each fact with the moment at which it was requested. `decide` reads this and
/// nothing else.
package struct Observation: Sendable, Equatable {
    package var bootID: String
    package var wall: WallTime
    /// Fresh random bits for this turn: ids and jitter come from here, so that a turn can be replayed.
    package var entropy: UInt64
    /// The engine that a start would run.
    package var engine: Engine
    package var intent = DaemonIntent.run
    /// nil until the data folder was surveyed for the first time.
    package var survey: Survey?
    package var ports: [PortPair: PortState] = [:]
    package var processes: [NodeName: NodeProcess] = [:]
    package var replies: [NodeName: NodeReply] = [:]
    /// What processes reported that were found in a node's directory and are not known to belong to the cluster.
    package var identified: [ProcessIdentity: NodeReply] = [:]
    /// Queries in flight: when each was sent.
    package var asking: [NodeName: Moment] = [:]
    /// Per replica process: when its reports last said that it is in sync, and up to which offset.
    package var lastInSync: [NodeName: InSync] = [:]
    /// When each node was last asked for a report that it gave as a master with all its data in memory; kept after the end of its process.
    package var lastServed: [NodeName: Moment] = [:]
    /// When each node was last asked for a report that it gave.
    package var lastHeard: [NodeName: Moment] = [:]
    /// The last report of each node, even if it has answered less since.
    package internal(set) var lastReports: [NodeName: NodeReport] = [:]
    /// Per master process: how many full synchronizations it has begun recently.
    package var fullSyncs: [NodeName: FullSyncs] = [:]
    package var effects: [EffectKey: EffectHistory] = [:]
    /// How many keys nodes have in slots that no node owns, as last counted.
    package var keyCounts: [NodeName: KeyCount] = [:]
    /// What was moved for each operation that moves slots, by its id.
    package var migrated: [Int: MigratedKeys] = [:]
    /// When something was last done to a node: reports requested before that are obsolete.
    package var changed: [NodeName: Moment] = [:]
    /// When a role or a config epoch last changed, seen or ordered; ages the role facts of every node.
    package var rolesChanged: Moment?
    /// When this process began; also the first moment at which anything was known.
    package var began: Moment
    package var beganWall: WallTime
    /// The redis.conf of each node that this daemon has written, which is newer than what the survey found.
    package var written: [NodeName: RedisConfFacts] = [:]
    /// How often this daemon has tried to start each node, including failed attempts.
    package var starts: [NodeName: Int] = [:]
    /// How each node's last process ended, if this daemon saw it; kept after the node was started again.
    package var lastExits: [NodeName: NodeProcess.Exited] = [:]
    /// Consecutive exits per node; reset after a stable minute.
    package var failures: [NodeName: Int] = [:]
    /// Exits that were reported before the start of their process was.
    var earlyExits: [ProcessIdentity: ExitReason] = [:]
    /// What was learned about a process's end afterwards, per node.
    package var inquiries: [NodeName: Inquiry] = [:]
    /// What the engine's tool reports about the append-only file that a node could not load.
    package var examinations: [NodeName: Examination] = [:]
    /// The files of the backup that is being made, by their names.
    package var dumpCopies: [String: DumpCopy] = [:]
    package var host = HostFacts()
    /// The state of each node's process.
    package var vitals: [NodeName: Vitals] = [:]
    /// Since when the loop has run on time and the host was not suspended: earlier queries prove no silence.
    package var listening: Moment
    /// The last time that the loop ran late, and by how much.
    package var lateness: Lateness?
    /// When the configuration was last reloaded: what was rejected before may be accepted now.
    package var configured: Moment?
    /// Whether the previous turn found the cluster ready: at rest nodes are queried less often.
    package var wasReady = false
    package var check = CheckFacts()
    package var reload: ReloadFacts?
    /// Every file system with a folder of the cluster, that of the data folder first; empty if it cannot be determined.
    package var disks: [Disk] = []
    /// When the disk of a folder was last seen full.
    package var filledAt: [String: Moment] = [:]
    /// Why the last attempt to write the record failed, if it did.
    package var recordTrouble: String?
    /// File work that has not returned for too long, the oldest first.
    package var overdue: [OverdueWork] = []
    package var logs: LogLengths?
    package var usage: HostUsage?
    /// Why events.jsonl cannot be written, if so.
    package var timelineTrouble: String?
    /// The new path of a state.json that could not be read.
    package var recordKeptAside: String?

    package init(bootID: String, wall: WallTime, entropy: UInt64, engine: Engine, began: Moment) {
        self.bootID = bootID
        self.wall = wall
        self.entropy = entropy
        self.engine = engine
        self.began = began
        listening = began
        beganWall = wall
    }

    package struct Lateness: Sendable, Equatable {
        package var at: Moment
        package var by: Duration

        package init(at: Moment, by: Duration) {
            self.at = at
            self.by = by
        }
    }

    /// What the kernel and the log say about a process that has ended.
    package struct Inquiry: Sendable, Equatable {
        package var of: ProcessIdentity
        /// Whether the kernel's log names it as killed because memory ran out; nil: clusterd may not read that log.
        package var namedByKernel: Bool?
        /// As `HostFacts.memoryKills`, after its end.
        package var memoryKills: Int?
        /// For a child that ended while the program of this daemon was being replaced.
        package var exit: ProcessExit?
        package var log: [String]

        package init(
            of process: ProcessIdentity, namedByKernel: Bool?, memoryKills: Int?, exit: ProcessExit? = nil,
            log: [String]
        ) {
            self.of = process
            self.exit = exit
            self.namedByKernel = namedByKernel
            self.memoryKills = memoryKills
            self.log = log
        }
    }

    package struct Examination: Sendable, Equatable {
        /// The process that could not load the file.
        package var of: ProcessIdentity
        package var path: String
        package var bytes: Int64
        /// How many of them, from the beginning, are complete commands.
        package var goodBytes: Int64

        package init(of process: ProcessIdentity, path: String, bytes: Int64, goodBytes: Int64) {
            self.of = process
            self.path = path
            self.bytes = bytes
            self.goodBytes = goodBytes
        }
    }

    /// What commands and signals ask of the daemon as a whole. Not in the record: a daemon that starts, runs the nodes.
    package enum DaemonIntent: Sendable, Equatable {
        case run
        /// Stop every node cleanly, then exit. `kill`: also kill those that do not stop, even if that loses data.
        case stop(asked: Moment, kill: Bool)
        /// Exit, and leave the nodes running.
        case detach
        /// Come to rest, so that another program can take over this process.
        case makeWay(asked: Moment)
    }

    /// The kind of process that holds a port that cannot be reserved.
    package enum PortHolderFact: Sendable, Equatable {
        case process(pid: Int32)
        /// Known not to be an engine: another clusterd's reservation.
        case other
        /// clusterd may not examine the process.
        case hidden
    }

    package enum PortState: Sendable, Equatable {
        /// Bound by clusterd, not listening: the engine can take it, and no client can connect to it.
        case reserved
        /// `since` is when this wait began; it is kept while the port stays busy.
        case busy(Busy)
    }

    package struct Busy: Sendable, Equatable {
        /// The one of the two ports that is in use.
        package var port: Int
        /// A sentence: `7005 is in use by python3 (pid 4182, user alice)`.
        package var sentence: String
        package var holder: PortHolderFact
        package var since: Moment
        /// Since when this holder is known. Only a survey requested later shows where it works.
        package var heldSince: Moment
        package var askedAt: Moment

        package init(
            port: Int, sentence: String, holder: PortHolderFact = .other, since: Moment, askedAt: Moment
        ) {
            heldSince = since
            self.port = port
            self.sentence = sentence
            self.holder = holder
            self.since = since
            self.askedAt = askedAt
        }
    }

    /// Invariant: fresh-facts. The report of a node, if it was requested after everything that could have made it untrue.
    package func report(_ node: NodeName, since moment: Moment? = nil) -> NodeReport? {
        guard case .running(let process) = processes[node], let reply = replies[node], reply.of == process.identity,
            case .report(let report) = reply.outcome
        else { return nil }
        if let changed = changed[node], reply.askedAt < changed { return nil }
        if let moment, reply.askedAt < moment { return nil }
        return report
    }

    /// What was seen of a node that is no longer a member: another node may get its name. How often a node of this name was started stays
    /// known, so that no effect takes the place of an earlier one.
    package mutating func forget(_ node: NodeName) {
        processes[node] = nil
        replies[node] = nil
        lastReports[node] = nil
        lastHeard[node] = nil
        lastServed[node] = nil
        lastInSync[node] = nil
        lastExits[node] = nil
        failures[node] = nil
        inquiries[node] = nil
        examinations[node] = nil
        written[node] = nil
        vitals[node] = nil
    }

    /// The file system of the data folder; nil if it cannot be determined.
    package var freeBytes: Int64? { disks.first?.free }

    package func directory(at path: String) -> DirectoryFacts? {
        survey?.directories.first { $0.path == path }
    }
}
