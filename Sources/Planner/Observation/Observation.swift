import ClusterModel

/// All that the loop knows of the world at one moment, each fact with the moment it was asked for. `decide` looks at this
/// and at nothing else.
package struct Observation: Sendable, Equatable {
    package var bootID: String
    package var wall: WallTime
    /// Fresh random bits for this turn: ids and jitter come from here, so that a turn can be replayed.
    package var entropy: UInt64
    /// The engine that a start would run.
    package var engine: Engine
    package var intent = DaemonIntent.run
    /// nil until the data folder was looked at for the first time.
    package var survey: Survey?
    package var ports: [PortPair: PortState] = [:]
    package var processes: [NodeName: NodeProcess] = [:]
    package var replies: [NodeName: NodeReply] = [:]
    /// What processes said of themselves that were found in a node's directory and are not known to be ours.
    package var identified: [ProcessIdentity: NodeReply] = [:]
    /// Questions on their way: when each was asked.
    package var asking: [NodeName: Moment] = [:]
    /// Per replica process, when its reports last said that it is in sync, and how far it was.
    package var lastInSync: [NodeName: InSync] = [:]
    /// When each node was last asked for a report that it gave as a master with all its data in memory; kept beyond the end of its
    /// process.
    package var lastServed: [NodeName: Moment] = [:]
    /// When each node was last asked for a report that it gave.
    package var lastHeard: [NodeName: Moment] = [:]
    /// Per master process, how many full synchronisations it began lately.
    package var fullSyncs: [NodeName: FullSyncs] = [:]
    package var effects: [EffectKey: EffectHistory] = [:]
    /// When something was last done to a node: what was asked of it before says nothing any more.
    package var changed: [NodeName: Moment] = [:]
    /// When a role or a config epoch was last seen or made to change; ages the role facts of every node.
    package var rolesChanged: Moment?
    /// When this process began; also the first moment at which anything was known.
    package var began: Moment
    package var beganWall: WallTime
    /// The redis.conf of each node that this daemon has written, which is newer than what the survey found.
    package var written: [NodeName: RedisConfFacts] = [:]
    /// How often each node was started by this daemon, in vain or not.
    package var starts: [NodeName: Int] = [:]
    /// How each node's last process ended that this daemon has seen end, also after it was started again.
    package var lastExits: [NodeName: NodeProcess.Exited] = [:]
    /// What was learned of a process's end after it, per node.
    package var inquiries: [NodeName: Inquiry] = [:]
    /// What the engine's tool says of the append-only file that a node could not load.
    package var examinations: [NodeName: Examination] = [:]
    package var host = HostFacts()
    /// Whether each node's process lives.
    package var vitals: [NodeName: Vitals] = [:]
    /// Since when the loop has come on time, and the host was not suspended: what was asked before proves no silence.
    package var listening: Moment
    /// The last time that the loop came late, and by how much.
    package var lateness: Lateness?
    /// When the configuration was last read anew: what was refused before may be taken now.
    package var configured: Moment?
    /// Whether the turn before this one found the cluster ready: at rest nodes are asked less often.
    package var wasReady = false
    package var check = CheckFacts()
    package var reload: ReloadFacts?
    /// Every file system on which a folder of the cluster lies, that of the data folder first; none where it cannot be told.
    package var disks: [Disk] = []
    /// When the disk of a folder was last seen full.
    package var filledAt: [String: Moment] = [:]
    /// Why the record could not be written the last time, if so.
    package var recordTrouble: String?
    /// Work on files that has not returned for too long, the oldest first.
    package var overdue: [OverdueWork] = []
    package var logs: LogLengths?
    package var usage: HostUsage?
    /// Why events.jsonl cannot be written, if so.
    package var timelineTrouble: String?
    /// What is left of a state.json that could not be read: its path now.
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

    /// What the kernel and the log say of a process that has ended.
    package struct Inquiry: Sendable, Equatable {
        package var of: ProcessIdentity
        /// Whether the kernel's log names it as killed for want of memory; nil: it may not be read.
        package var namedByKernel: Bool?
        /// As `HostFacts.memoryKills`, after its end.
        package var memoryKills: Int?
        /// Of a child whose end came while the program of this daemon was being replaced.
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
        /// The process that could not load it.
        package var of: ProcessIdentity
        package var path: String
        package var bytes: Int64
        /// How many of them, from the beginning, are whole commands.
        package var goodBytes: Int64

        package init(of process: ProcessIdentity, path: String, bytes: Int64, goodBytes: Int64) {
            self.of = process
            self.path = path
            self.bytes = bytes
            self.goodBytes = goodBytes
        }
    }

    /// What people and signals want of the daemon as a whole. Not in the record: a daemon that starts, runs the nodes.
    package enum DaemonIntent: Sendable, Equatable {
        case run
        /// Stop every node cleanly, then end. `kill`: end those that do not, whatever it costs.
        case stop(asked: Moment, kill: Bool)
        /// End, and leave the nodes running.
        case detach
        /// Come to rest, so that another program can go on in the place of this one.
        case makeWay(asked: Moment)
    }

    /// Who holds a port that cannot be reserved.
    package enum PortHolderFact: Sendable, Equatable {
        case process(pid: Int32)
        /// Known to be no engine: another clusterd's reservation.
        case other
        /// The process may not be looked at.
        case hidden
    }

    package enum PortState: Sendable, Equatable {
        /// Bound by clusterd, not listening: the engine can take it, nobody's `connect` gets it.
        case reserved
        /// `since` is when this wait began; it is kept while the port stays busy.
        case busy(Busy)
    }

    package struct Busy: Sendable, Equatable {
        /// The one of the two ports that is taken.
        package var port: Int
        /// A sentence: `7005 is in use by python3 (pid 4182, user alice)`.
        package var sentence: String
        package var holder: PortHolderFact
        package var since: Moment
        /// Since when this holder is known. What it works on is told by a survey that was asked for later, and by no other.
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

    /// Invariant: fresh-facts. The report of a node, if it was asked for after everything that could have made it untrue.
    package func report(_ node: NodeName, since moment: Moment? = nil) -> NodeReport? {
        guard case .running(let process) = processes[node], let reply = replies[node], reply.of == process.identity,
            case .report(let report) = reply.outcome
        else { return nil }
        if let changed = changed[node], reply.askedAt < changed { return nil }
        if let moment, reply.askedAt < moment { return nil }
        return report
    }

    /// Of the file system of the data folder; nil if that cannot be told.
    package var freeBytes: Int64? { disks.first?.free }

    /// What one more report of a node says of it over time.
    package mutating func note(_ report: NodeReport, of node: NodeName, askedAt: Moment) {
        lastHeard[node] = askedAt
        lastInSync[node] = InSync.after(report, askedAt: askedAt, knowing: lastInSync[node])
        fullSyncs[node] = FullSyncs.after(report, askedAt: askedAt, knowing: fullSyncs[node])
        if report.replication.role == .master, !report.loading { lastServed[node] = askedAt }
    }

    package mutating func note(_ disks: [Disk], at moment: Moment) {
        self.disks = disks
        for folder in disks.filter(\.isFull).flatMap(\.folders) { filledAt[folder] = moment }
    }

    package func directory(at path: String) -> DirectoryFacts? {
        survey?.directories.first { $0.path == path }
    }
}

package enum NodeProcess: Sendable, Equatable {
    case running(Running)
    case exited(Exited)

    package struct Running: Sendable, Equatable {
        package var identity: ProcessIdentity
        package var since: Moment
        package var startedAt: WallTime
        /// Found running, not started by this daemon: its exit status cannot be known, unless it is a child all the same
        /// because this program took the place of the one that started it.
        package var adopted: Bool

        package init(identity: ProcessIdentity, since: Moment, startedAt: WallTime, adopted: Bool) {
            self.identity = identity
            self.since = since
            self.startedAt = startedAt
            self.adopted = adopted
        }
    }

    package struct Exited: Sendable, Equatable {
        package var identity: ProcessIdentity?
        package var at: Moment
        package var wall: WallTime
        package var reason: ExitReason
        /// Exits in a row without a stable minute between them; the backoff grows with it.
        package var failures: Int
        /// From the turn in which the exit was seen; spreads the retries of nodes that died together.
        package var jitter: UInt64
        /// What the node was last seen to be, for those who decide what its end means.
        package var lastReport: NodeReport?
        /// How long it ran, where that is known.
        package var ran: Duration?
        /// Ends of this kind in a row, this one among them.
        package var repeats = 1
        /// Whether it ended as this daemon had told it to: an orderly end after SHUTDOWN or SIGTERM, or an ordered SIGKILL. Neither a
        /// crash on the way, nor the end of a node that hung.
        package var wasAsked = false
        /// How many processes the kernel had killed for want of memory, when that was last looked at before.
        package var memoryKillsBefore: Int?

        package init(
            identity: ProcessIdentity?, at: Moment, wall: WallTime, reason: ExitReason, failures: Int, jitter: UInt64,
            lastReport: NodeReport?
        ) {
            self.identity = identity
            self.at = at
            self.wall = wall
            self.reason = reason
            self.failures = failures
            self.jitter = jitter
            self.lastReport = lastReport
        }
    }
}

/// The answer to one question, or that there was none.
package struct NodeReply: Sendable, Equatable {
    package var askedAt: Moment
    package var answeredAt: Moment
    package var of: ProcessIdentity
    package var outcome: Outcome

    package enum Outcome: Sendable, Equatable {
        case report(NodeReport)
        /// It lives, and cannot say more now: LOADING, BUSY, MASTERDOWN, NOAUTH …; the engine's own words.
        case answered(String)
        /// The port refuses: it does not listen (yet).
        case refused
        /// Connected or connecting, and no answer in time.
        case silent
    }

    package init(askedAt: Moment, answeredAt: Moment, of: ProcessIdentity, outcome: Outcome) {
        self.askedAt = askedAt
        self.answeredAt = answeredAt
        self.of = of
        self.outcome = outcome
    }

    /// It has its data still before it: what it will hold lies on its disk.
    package var isLoading: Bool {
        switch outcome {
        case .report(let report): report.loading
        case .answered(let words): EngineErrorReply(words) == .loading
        case .refused, .silent: false
        }
    }

    /// Any answer at all is life.
    package var isLife: Bool {
        switch outcome {
        case .report, .answered: true
        case .refused, .silent: false
        }
    }
}

/// What became of the effect with one key. Questions (`ask`) are not kept here but in `asking` and `replies`.
package struct EffectHistory: Sendable, Equatable {
    package var node: NodeName?
    package var began: Moment
    package var ended: Moment?
    package var failure: String?
    package var attempts: Int

    package init(
        node: NodeName?, began: Moment, ended: Moment? = nil, failure: String? = nil, attempts: Int = 1
    ) {
        self.node = node
        self.began = began
        self.ended = ended
        self.failure = failure
        self.attempts = attempts
    }

    package var isUnderWay: Bool { ended == nil }
    package var isDone: Bool { ended != nil && failure == nil }
}

/// What the host as a whole says.
package struct HostFacts: Sendable, Equatable {
    /// How long it has been suspended since it began: CLOCK_BOOTTIME less CLOCK_MONOTONIC.
    package var asleep = Duration.zero
    /// Processes that the kernel has killed for want of memory: of clusterd's cgroup, or of the host; nil where neither can
    /// be read.
    package var memoryKills: Int?

    package init(asleep: Duration = .zero, memoryKills: Int? = nil) {
        self.asleep = asleep
        self.memoryKills = memoryKills
    }
}
