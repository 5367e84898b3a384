import ClusterModel

/// One order to the hands. A value: it holds names and numbers, so that a test can write it and a log can print it.
package enum Effect: Sendable, Equatable {
    /// Look at every node folder and at who uses one.
    case survey(after: Moment)
    /// Bind the pairs that are free, and say who holds the others.
    case reserve([PortPair], addresses: [String])
    case release([PortPair])
    case makeDirectory(NodeName, path: String)
    /// Move files out of the way, with a note. Nothing is deleted.
    case quarantine(Quarantine)
    /// Keep second copies of data files before the engine may drop them.
    case preserve(Quarantine)
    /// Remove second copies that were kept long enough.
    case discardCopy(folder: String)
    /// Take room up on the file system of that folder, and give it back.
    case makeReserve(folder: String)
    case releaseReserve(folder: String)
    /// Write what the engine reads at its start. Only while no process uses the directory.
    case writeFiles(NodeFilesToWrite)
    case start(StartRequest)
    /// Ask a process that was found in a node's directory who it is. It is none of ours until it has said so.
    case identify(NodeName, Contact)
    /// Watch a process that was found running.
    case adopt(NodeName, ProcessIdentity)
    case ask(NodeName, Contact)
    /// CONFIG GET of these directives: asked rarely, and not to be waited for.
    case askSettings(NodeName, Contact, names: [String])
    /// Look at what changes rarely: the server program on disk, and how large the quarantine is.
    case inspect
    /// Learn why a process ended that nobody, or a kill, has ended: from the kernel, and from the log of that path.
    case inquire(NodeName, ProcessIdentity, log: String)
    case signal(NodeName, ProcessIdentity, Signal)
    /// SIGKILL to a process that hangs, unless it is otherwise than it was when it was last looked at: it may have come back
    /// to life since.
    case killHung(NodeName, ProcessIdentity, ProcessActivity)
    /// SIGCONT to a process that is stopped, unless it is otherwise than it was when it was last looked at.
    case continueStopped(NodeName, ProcessIdentity, ProcessActivity, attempt: Int)
    case shutdown(NodeName, Contact, Saving)
    /// CLUSTER FAILOVER on a replica whose master lives and agrees.
    case handOver(NodeName, Contact, from: MasterTerm)
    /// The guarded promotion: compare and take over in one script.
    case promote(Promotion, Contact)
    /// CLUSTER REPLICATE.
    case replicate(NodeName, Contact, master: NodeID)
    /// CLUSTER MEET from one node to another.
    case meet(NodeName, Contact, host: String, ports: PortPair)
    /// Say how long the nodes' own logs are.
    case measureLogs([NodeLog])
    /// Say what CPU time and memory these processes take.
    case measureUsage([NodeName: ProcessIdentity])
    /// Set what a node may have of the host's memory at most; nil: no limit.
    case limitMemory(NodeName, ProcessIdentity, Int64?)
    /// Move a log aside, and the older ones on.
    case rotateLog(LogRotation)
    /// Let the engine's own tool look at the last part of an append-only file that a process could not load.
    case examine(NodeName, ProcessIdentity, path: String)
    /// Cut it where its whole commands end, by the same tool, out of a copy that then takes its place.
    case repairAppendOnly(Repair.RepairAppendOnly)
    case writeManifest(Repair.WriteManifest)
    case forget(NodeName, Contact, NodeID)
    /// CLUSTER SETSLOT STABLE. `ifEmpty`: only where no key of the slot is there.
    case closeSlot(NodeName, Contact, slot: Int, ifEmpty: Bool)
    /// CLUSTER ADDSLOTS; before it CLUSTER DELSLOTS of those that this node takes for another's.
    case addSlots(NodeName, Contact, SlotSet, foreign: SlotSet)
    /// BGSAVE.
    case save(NodeName, Contact)
    /// CLIENT UNPAUSE, once for what was ordered then.
    case unpause(NodeName, Contact, since: Moment)
    /// CONFIG SET of the files of TLS, all in one: a certificate without its key would be refused. They are read again even
    /// where the paths are as before.
    case loadCertificates(NodeName, Contact, [Setting])
    /// ACL SETUSER: take this password of the user `default` too.
    case acceptPassword(NodeName, Contact, String)
    /// CONFIG SET of one directive, live only.
    case configure(NodeName, Contact, name: String, value: String)

    /// A master for as long as it is one: the same node at another epoch is another term.
    package struct MasterTerm: Sendable, Equatable {
        package var master: NodeID
        package var epoch: UInt64

        package init(master: NodeID, epoch: UInt64) {
            self.master = master
            self.epoch = epoch
        }
    }

    package struct NodeLog: Sendable, Equatable {
        package var node: NodeName
        package var path: String

        package init(node: NodeName, path: String) {
            self.node = node
            self.path = path
        }
    }

    package struct LogRotation: Sendable, Equatable {
        package var node: NodeName
        package var path: String
        /// How many files there may be, the one that grows included.
        package var count: Int

        package init(node: NodeName, path: String, count: Int) {
            self.node = node
            self.path = path
            self.count = count
        }
    }

    package enum Signal: String, Sendable, Equatable { case terminate, kill }

    /// The argument of SHUTDOWN: none, where an append-only file holds everything; SAVE, where only a dump can; NOSAVE,
    /// where the dump could not be written and the append-only file holds everything.
    package enum Saving: String, Sendable, Equatable { case asConfigured, always, never }

    /// How to reach a node, and which process must be there.
    package struct Contact: Sendable, Equatable {
        package var host: String
        package var port: Int
        package var process: ProcessIdentity

        package init(host: String, port: Int, process: ProcessIdentity) {
            self.host = host
            self.port = port
            self.process = process
        }
    }

    package struct Quarantine: Sendable, Equatable {
        package var node: NodeName
        package var directory: String
        /// Names within the directory.
        package var files: [String]
        /// The name of the new folder below `quarantine/`.
        package var folder: String
        package var note: String
        /// The command that reads keys out of a copy of the folder in /tmp/read; nil: there are none to be read.
        package var reading: String?

        package init(
            node: NodeName, directory: String, files: [String], folder: String, note: String, reading: String? = nil
        ) {
            self.reading = reading
            self.node = node
            self.directory = directory
            self.files = files
            self.folder = folder
            self.note = note
        }
    }

    package struct NodeFilesToWrite: Sendable, Equatable {
        package var node: NodeName
        package var directory: String
        package var nodesFileName: String
        /// nil leaves the file there is.
        package var nodesFile: NodesFile?
        package var redisConf: [UInt8]
        /// Which start this is for.
        package var incarnation: Int

        package init(
            node: NodeName, directory: String, nodesFileName: String, nodesFile: NodesFile?, redisConf: [UInt8],
            incarnation: Int
        ) {
            self.node = node
            self.directory = directory
            self.nodesFileName = nodesFileName
            self.nodesFile = nodesFile
            self.redisConf = redisConf
            self.incarnation = incarnation
        }

        /// Tells other contents apart from these: what was written is written again only if it differs.
        var digest: String {
            var parts: [[UInt8]] = [redisConf]
            if let nodesFile {
                parts.append(Array("\(nodesFile.currentEpoch)".utf8))
                for entry in nodesFile.view.entries {
                    let text =
                        "\(entry.id) \(entry.host) \(entry.ports) \(entry.flags) \(entry.configEpoch) \(entry.slots)"
                    parts.append(Array((text + (entry.masterID?.text ?? "-")).utf8))
                }
            }
            return Fingerprint.of(parts)
        }
    }

    package struct Setting: Sendable, Equatable {
        package var name: String
        package var value: String
    }

    package struct StartRequest: Sendable, Equatable {
        package var node: NodeName
        package var directory: String
        package var incarnation: Int
        /// What it may have of the host's memory at most, where that can be held; nil: no limit.
        package var memoryMax: Int64?

        package init(node: NodeName, directory: String, incarnation: Int, memoryMax: Int64? = nil) {
            self.node = node
            self.directory = directory
            self.incarnation = incarnation
            self.memoryMax = memoryMax
        }
    }

    /// Invariants: one-writer, no-late-order. Refused by the script unless the node is still a replica of that master,
    /// its link is down, and the wall clock of the host is between the order and the deadline.
    package struct Promotion: Sendable, Equatable, Codable {
        package var replica: NodeName
        package var replicaID: NodeID
        package var master: NodeName
        package var masterID: NodeID
        /// By the wall clock, which is all that a script can read.
        package var orderedAt: WallTime?
        package var deadline: WallTime
        /// When it was ordered, by the clock that nobody sets.
        package var ordered: Moment?
        package var attempt: Int
        /// Bytes that the winner was behind what was last seen of the master; nil if that is not known.
        package var lagBytes: Int64?
        /// When the master was last seen, which is how old `lagBytes` is: what it wrote later nobody but its own files knows.
        package var masterSeenAt: WallTime?
        /// The winner's epoch when it was chosen. Where the cluster has already declared the master dead, a higher one means that
        /// an election is under way, and the order is void.
        package var epoch: UInt64?
        /// What the replica runs.
        package var engine: Engine?
        /// The master is dead and keeps its sockets: the replica takes over although its link to it is up.
        package var linkStays: Bool?

        package init(
            replica: NodeName, replicaID: NodeID, master: NodeName, masterID: NodeID, orderedAt: WallTime?,
            deadline: WallTime, ordered: Moment?, attempt: Int, lagBytes: Int64?, masterSeenAt: WallTime? = nil,
            epoch: UInt64? = nil, engine: Engine? = nil
        ) {
            self.replica = replica
            self.replicaID = replicaID
            self.master = master
            self.masterID = masterID
            self.orderedAt = orderedAt
            self.deadline = deadline
            self.ordered = ordered
            self.attempt = attempt
            self.lagBytes = lagBytes
            self.masterSeenAt = masterSeenAt
            self.epoch = epoch
            self.engine = engine
        }

        /// Whether the script obeys at that time of the wall clock.
        package func isObeyed(at time: WallTime) -> Bool {
            time <= deadline && orderedAt.map { $0 <= time } != false
        }
    }

    /// The node that an effect is done to; nil for those that concern the host.
    package var node: NodeName? {
        switch self {
        case .survey, .reserve, .release, .discardCopy, .inspect, .makeReserve, .releaseReserve: nil
        // The node goes on as before: nothing that it said grows old by this.
        case .measureLogs, .rotateLog, .measureUsage, .limitMemory: nil
        // Nothing is done to it, and nothing has to wait for that.
        case .askSettings, .inquire, .examine: nil
        // The process may be none of this node's.
        case .identify: nil
        case .makeDirectory(let node, _), .adopt(let node, _), .ask(let node, _), .signal(let node, _, _),
            .killHung(let node, _, _), .continueStopped(let node, _, _, _),
            .shutdown(let node, _, _), .handOver(let node, _, _), .replicate(let node, _, _), .meet(let node, _, _, _),
            .configure(let node, _, _, _), .loadCertificates(let node, _, _), .acceptPassword(let node, _, _),
            .forget(let node, _, _),
            .closeSlot(let node, _, _, _),
            .addSlots(let node, _, _, _), .save(let node, _), .unpause(let node, _, _):
            node
        case .repairAppendOnly(let repair): repair.member
        case .writeManifest(let write): write.member
        case .quarantine(let quarantine), .preserve(let quarantine): quarantine.node
        case .writeFiles(let files): files.node
        case .start(let start): start.node
        case .promote(let promotion, _): promotion.replica
        }
    }

    /// Whether facts about roles that were asked for earlier say nothing after this.
    package var changesRoles: Bool {
        switch self {
        case .handOver, .promote, .replicate, .meet, .addSlots: true
        default: false
        }
    }

    /// Invariant: record-first. Whether this may begin before the record that it was decided with is on disk: questions,
    /// and what is known of the world by them. A promotion is among these because its deadline ends it, whoever remembers
    /// it (docs/decisions/09-promotion-deadline.md).
    package var precedesRecord: Bool {
        switch self {
        case .survey, .reserve, .ask, .identify, .adopt, .promote, .releaseReserve: true
        default: false
        }
    }

    /// Invariant: record-first. Whether this may be done only when the record that it follows from is on disk: it creates
    /// ids or ports, or data may come to be where the record does not know of it. The others go on from memory when the
    /// disk is full.
    package var needsRecord: Bool {
        switch self {
        case .makeDirectory, .quarantine, .preserve, .writeFiles, .replicate, .meet, .repairAppendOnly, .writeManifest:
            true
        default: false
        }
    }
}
