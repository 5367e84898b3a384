import ClusterModel
import Glibc
import NIOPosix
import NodeFiles
import Orchestrator
import Planner
import ProcessSupervision
import RedisClient
import Synchronization

/// Carries out effects on this host for the loop's `Driver`: one effect in, one outcome out. It makes no decisions.
package final class HostDriver: Driver {
    /// The configured server program.
    let program: Mutex<EngineProgram>
    let user: UserAccount?
    package let dataDirectory: String
    let bootID: String
    let group: MultiThreadedEventLoopGroup
    let inbox: Inbox
    package let watch = ProcessWatch()
    /// The thread that starts nodes which end with this process; nil: nodes outlive it.
    let spawning: SpawningThread?
    /// The separate cgroups of the nodes, or why there are none.
    package let cgroups: Result<NodeCgroups, NodeCgroups.Refusal>
    let configuration: Mutex<ClusterSpec>
    let formerCredentials = Mutex<[RedisCredentials?]>([])
    let reservations = Mutex<[PortPair: PortReservation]>([:])
    let connections = NodeConnections()
    let transports: Transports
    /// The server program at the last query of its version.
    let programSeen = Mutex<(stamp: FileStamp, engine: Engine?)?>(nil)
    package let files = FileWork()
    /// The record on disk, if this daemon wrote it.
    let recordOnDisk = Mutex<Record?>(nil)
    let lastDisks = Mutex<[Disk]>([])
    /// The open dumps of the backup that is being made, by the paths of their copies.
    let dumps = Mutex<[String: OpenDump]>([:])
    /// The version of clusterd, for manifests.
    let version: String

    /// The open files that a node needs: `maxclients` 10000 and the engine's own 32 (src/server.h).
    static let openFiles: UInt64 = 10_032
    static let recordMode: mode_t = 0o600

    package init(
        _ spec: ClusterSpec, engine: EngineProgram, user: UserAccount?, group: MultiThreadedEventLoopGroup,
        inbox: Inbox, cgroups: Result<NodeCgroups, NodeCgroups.Refusal>, spawning: SpawningThread? = nil,
        version: String = ""
    ) {
        program = Mutex(engine)
        self.user = user
        self.group = group
        self.inbox = inbox
        self.spawning = spawning
        self.version = version
        self.cgroups = cgroups
        dataDirectory = spec.dataDirectory
        bootID = ProcessTable.bootID()
        configuration = Mutex(spec)
        transports = Transports(spec.certificates)
    }

    /// Old passwords are still valid on nodes that do not have the new ones yet.
    package func configure(_ spec: ClusterSpec) {
        let former = Self.credentials(self.spec)
        formerCredentials.withLock { known in known += former.filter { !known.contains($0) } }
        let isRenewed = self.spec.login != spec.login
        configuration.withLock { $0 = spec }
        if isRenewed { connections.renew() }
        transports.configure(spec.certificates)
    }
    /// For starts from now on.
    package func use(_ new: EngineProgram) { program.withLock { $0 = new } }
    var engine: EngineProgram { program.withLock { $0 } }

    package var spec: ClusterSpec { configuration.withLock { $0 } }

    package func now() -> Moment { .now }

    package func wall() -> WallTime { .now }

    package func host() -> HostFacts {
        let monotonic = now()
        var boot = timespec()
        clock_gettime(CLOCK_BOOTTIME, &boot)
        let sinceBoot = Int64(boot.tv_sec) * 1_000_000_000 + Int64(boot.tv_nsec)
        return HostFacts(asleep: .nanoseconds(sinceBoot - monotonic.nanoseconds), memoryKills: memoryKills)
    }

    /// The total of all nodes, if they have separate cgroups.
    var memoryKills: Int? { MemoryKills.count(in: try? cgroups.get().whole) }

    package static func recordPath(_ dataDirectory: String) -> String { dataDirectory + "/state.json" }

    package func perform(_ effect: Effect, _ record: Record?) async -> Outcome {
        switch effect {
        case .survey: await survey(record)
        case .reserve(let pairs, let addresses): reserve(pairs, addresses)
        case .release(let pairs): release(pairs)
        case .makeDirectory(_, let path): await makeFolder(path)
        case .quarantine(let order): await move(order)
        case .preserve(let order): await keepCopies(order)
        case .discardCopy(let folder): await discardCopies(folder)
        case .makeReserve(let folder): await makeReserve(in: folder)
        case .releaseReserve(let folder): await releaseReserve(in: folder)
        case .writeFiles(let order): await write(order)
        case .start(let order): await start(order)
        case .identify(_, let contact): .answered(await identify(contact))
        case .adopt(let node, let identity): await adopt(node, identity)
        case .signal(_, let identity, let signal): send(signal, to: identity)
        case .killHung(_, let identity, let look): killHung(identity, look)
        case .continueStopped(_, let identity, let look, _): continueStopped(identity, look)
        case .ask(let node, let contact):
            .heard(await ask(node, contact), ProcessTable.activity(of: contact.process))
        case .askSettings(let node, let contact, let names): await askSettings(node, contact, names)
        case .inspect: await inspect()
        case .measureLogs(let logs): await measure(logs)
        case .rotateLog(let rotation): await rotate(rotation)
        case .measureUsage(let processes): await measure(processes)
        case .limitMemory(let node, let process, let bytes): await limitMemory(of: node, process, to: bytes)
        case .inquire(_, let identity, let log): await inquire(identity, log: log)
        case .shutdown(let node, let contact, let saving): await shutDown(node, contact, saving)
        case .handOver(let node, let contact, _): await command(node, contact, ["CLUSTER", "FAILOVER"])
        case .promote(let promotion, let contact), .takeOver(let promotion, let contact):
            await promote(promotion, contact)
        case .replicate(let node, let contact, let master):
            await command(node, contact, ["CLUSTER", "REPLICATE", master.text])
        case .meet(let node, let contact, let host, let ports): await command(node, contact, Self.meet(host, ports))
        case .announce(let node, let contact, let host, let all):
            await commands(node, contact, all.map { Self.meet(host, $0) })
        case .examine(_, let process, let path): await examine(process, path)
        case .repairAppendOnly(let repair): await self.repair(repair)
        case .save(let node, let contact): await save(node, contact)
        case .countKeys(_, let contact, let slots): await countKeys(contact, slots)
        case .unpause(let node, let contact, _): await command(node, contact, ["CLIENT", "UNPAUSE"])
        case .forget(let node, let contact, let ids):
            await commands(node, contact, ids.map { ["CLUSTER", "FORGET", $0.text] })
        case .closeSlot(let node, let contact, let slot, let ifEmpty):
            await closeSlot(node, contact, slot, ifEmpty: ifEmpty)
        case .writeManifest(let order): await write(order)
        case .addSlots(let node, let contact, let slots, let foreign):
            await addSlots(node, contact, slots, foreign: foreign)
        case .migrateSlots(let order, let from, let to): await migrate(order, from, to)
        case .returnKeys(let order, let from, let to): await migrate(order, from, to, isReturn: true)
        case .acceptPassword(let node, let contact, let password):
            await command(node, contact, ["ACL", "SETUSER", "default", ">\(password)"])
        case .configure(let node, let contact, let name, let value):
            await command(node, contact, ["CONFIG", "SET", name, value])
        case .prepareBackup(let order): await prepare(order)
        case .openDump(_, let order): await openDump(order)
        case .copyDump(_, let order): await copyDump(order)
        case .finishBackup(let contents): await finish(contents)
        case .discardBackup(let place): await discard(place)
        case .pruneBackups(let place, let keep): await prune(place, keep: keep)
        case .loadCertificates(let node, let contact, let files):
            await command(node, contact, ["CONFIG", "SET"] + files.flatMap { [$0.name, $0.value] })
        }
    }
}
