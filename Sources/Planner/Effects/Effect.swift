import ClusterModel

/// One order to the hands. A value: it holds names and numbers, so that a test can write it and a log can print it. What holds for each
/// effect is in `Effect+Attributes.swift`.
package enum Effect: Sendable, Equatable {
    /// Survey every node folder and the processes that use one.
    case survey(after: Moment)
    /// Bind the port pairs that are free, and report which processes hold the others.
    case reserve([PortPair], addresses: [String])
    case release([PortPair])
    case makeDirectory(NodeName, path: String)
    /// Move files out of the way, with a note. Nothing is deleted.
    case quarantine(Quarantine)
    /// Keep second copies of data files before the engine may drop them.
    case preserve(Quarantine)
    /// Remove second copies that were kept long enough.
    case discardCopy(folder: String)
    /// Reserve space on the file system of that folder, or release it.
    case makeReserve(folder: String)
    case releaseReserve(folder: String)
    /// Write the files that the engine reads at its start. Only while no process uses the directory.
    case writeFiles(NodeFilesToWrite)
    case start(StartRequest)
    /// Ask a process that was found in a node's directory which node it is. It counts as foreign until it answers.
    case identify(NodeName, Contact)
    /// Watch a process that was found running.
    case adopt(NodeName, ProcessIdentity)
    case ask(NodeName, Contact)
    /// CONFIG GET of these directives: asked rarely; no decision waits for the answer.
    case askSettings(NodeName, Contact, names: [String])
    /// Read what changes rarely: the server program on disk, and the size of the quarantine.
    case inspect
    /// Learn why a process ended on its own or by a kill: from the kernel, and from the log at that path.
    case inquire(NodeName, ProcessIdentity, log: String)
    case signal(NodeName, ProcessIdentity, Signal)
    /// Send SIGKILL to a hanging process, unless its state differs from the last look: it may have recovered since.
    case killHung(NodeName, ProcessIdentity, ProcessActivity)
    /// Send SIGCONT to a stopped process, unless its state differs from the last look.
    case continueStopped(NodeName, ProcessIdentity, ProcessActivity, attempt: Int)
    case shutdown(NodeName, Contact, Saving)
    /// CLUSTER FAILOVER on a replica whose master is alive and agrees.
    case handOver(NodeName, Contact, from: MasterTerm)
    /// The guarded promotion: compare and take over in one script.
    case promote(Promotion, Contact)
    /// The same script on a node that follows its ghost, which is `masterID`.
    case takeOver(Promotion, Contact)
    /// CLUSTER REPLICATE.
    case replicate(NodeName, Contact, master: NodeID)
    /// CLUSTER MEET from one node to another.
    case meet(NodeName, Contact, host: String, ports: PortPair)
    /// CLUSTER MEET from a node to nodes that know it already, so that they hear of its role.
    case announce(NodeName, Contact, host: String, to: [PortPair])
    /// Measure the length of the nodes' own logs.
    case measureLogs([NodeLog])
    /// Measure the CPU time and memory that these processes use.
    case measureUsage([NodeName: ProcessIdentity])
    /// Limit a node's use of the host's memory; nil: no limit.
    case limitMemory(NodeName, ProcessIdentity, Int64?)
    /// Rotate a log.
    case rotateLog(LogRotation)
    /// Check the last part of an append-only file that a process could not load, with the engine's own tool.
    case examine(NodeName, ProcessIdentity, path: String)
    /// Truncate it after its last complete command, with the same tool, in a copy that then replaces it.
    case repairAppendOnly(Repair.RepairAppendOnly)
    case writeManifest(Repair.WriteManifest)
    case forget(NodeName, Contact, [NodeID])
    /// CLUSTER SETSLOT STABLE. `ifEmpty`: only if the node holds no key of the slot.
    case closeSlot(NodeName, Contact, slot: Int, ifEmpty: Bool)
    /// CLUSTER ADDSLOTS, preceded by CLUSTER DELSLOTS of the slots that this node attributes to another.
    case addSlots(NodeName, Contact, SlotSet, foreign: SlotSet)
    /// CLUSTER SETSLOT and MIGRATE at both contacts, source and target: slots go to the target with their keys. It may end with a slot
    /// half moved; the next one continues. The target becomes the owner only once the source has no key of the slot. Or CLUSTER
    /// MIGRATESLOTS, which the effect waits for within its budget; the next one finds it under way and goes on waiting.
    case migrateSlots(SlotMigration, from: Contact, to: Contact)
    /// MIGRATE of the keys of slots that the source does not own to the target, which owns them. A key that the target has as well is deleted
    /// at the source. It may end with keys left.
    case returnKeys(SlotMigration, from: Contact, to: Contact)
    /// CLUSTER COUNTKEYSINSLOT of these slots.
    case countKeys(NodeName, Contact, SlotSet)
    /// BGSAVE.
    case save(NodeName, Contact)
    /// CLIENT UNPAUSE, once for the pause ordered at that time.
    case unpause(NodeName, Contact, since: Moment)
    /// CONFIG SET of the TLS files, all in one command: the engine would reject a certificate without its key. The engine reads them again
    /// even if the paths are unchanged.
    case loadCertificates(NodeName, Contact, [Setting])
    /// ACL SETUSER: also accept this password for the user `default`.
    case acceptPassword(NodeName, Contact, String)
    /// CONFIG SET of one directive, live only.
    case configure(NodeName, Contact, name: String, value: String)

    /// Check the folder of a backup and the space there, remove what unfinished backups of the same cluster left, and make a new folder.
    case prepareBackup(BackupPreparation)
    /// Open the dump of a node that has just saved, and keep it open for `copyDump`.
    case openDump(NodeName, DumpOrder)
    /// Copy the open dump of a node, durably and slowly, into an unfinished backup.
    case copyDump(NodeName, DumpOrder)
    /// Write the manifest of a backup, and give its folder the final name.
    case finishBackup(BackupContents)
    /// Remove an unfinished backup; a copy to it that is under way ends.
    case discardBackup(BackupPlace)
    /// Delete the oldest complete backups of this cluster. Other folders, and the newest backup, stay.
    case pruneBackups(BackupPlace, keep: Int)

    /// A master's term: the same node at another epoch is another term.
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
        /// The maximum number of files, including the one that grows.
        package var count: Int

        package init(node: NodeName, path: String, count: Int) {
            self.node = node
            self.path = path
            self.count = count
        }
    }

    package enum Signal: String, Sendable, Equatable { case terminate, kill }

    /// The argument of SHUTDOWN: none if an append-only file holds everything; SAVE if only a dump can; NOSAVE if the dump could not be
    /// written and the append-only file holds everything.
    package enum Saving: String, Sendable, Equatable { case asConfigured, always, never }

    /// How to reach a node, and which process must answer there.
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
        /// The command that reads keys out of a copy of the folder in /tmp/read; nil: there are none to read.
        package var reading: String?
        /// A copy without any of these files counts as failed.
        package var mustExist = false

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
        /// nil keeps the existing file.
        package var nodesFile: NodesFile?
        package var redisConf: [UInt8]
        /// The start that this is for.
        package var incarnation: Int
        /// The engine that reads them; nil: the configured one.
        package var engine: Engine?

        package init(
            node: NodeName, directory: String, nodesFileName: String, nodesFile: NodesFile?, redisConf: [UInt8],
            incarnation: Int, engine: Engine? = nil
        ) {
            self.engine = engine
            self.node = node
            self.directory = directory
            self.nodesFileName = nodesFileName
            self.nodesFile = nodesFile
            self.redisConf = redisConf
            self.incarnation = incarnation
        }

        /// Distinguishes these contents from others: a file that was written is written again only if it differs.
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
        /// The limit on its use of the host's memory, where one can be enforced; nil: no limit.
        package var memoryMax: Int64?
        /// nil: the configured one.
        package var program: EngineSource?

        package init(
            node: NodeName, directory: String, incarnation: Int, memoryMax: Int64? = nil, program: EngineSource? = nil
        ) {
            self.program = program
            self.node = node
            self.directory = directory
            self.incarnation = incarnation
            self.memoryMax = memoryMax
        }
    }

    /// Invariants: one-writer, no-late-order. The script refuses unless the node is still a replica of that master, its link is down, and
    /// the wall clock of the host is between the order and the deadline.
    package struct Promotion: Sendable, Equatable, Codable {
        package var replica: NodeName
        package var replicaID: NodeID
        package var master: NodeName
        package var masterID: NodeID
        /// By the wall clock, the only clock that a script can read.
        package var orderedAt: WallTime?
        package var deadline: WallTime
        /// When it was ordered, by a clock that cannot be set.
        package var ordered: Moment?
        package var attempt: Int
        /// How many bytes the winner lagged behind the last seen offset of the master; nil if unknown.
        package var lagBytes: Int64?
        /// When the master was last seen, which is the age of `lagBytes`: only the master's own files show what it wrote later.
        package var masterSeenAt: WallTime?
        /// The winner's epoch when it was chosen. If the cluster has already declared the master failed, a higher epoch means that an
        /// election is under way, and the order is void.
        package var epoch: UInt64?
        /// The engine that the replica runs.
        package var engine: Engine?
        /// The master is dead and keeps its sockets: the replica takes over although its link is up.
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
}
