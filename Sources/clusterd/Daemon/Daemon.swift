import ClusterConfiguration
import ClusterModel
import ControlAPI
import ControlServer
import Glibc
import HostDriver
import NIOPosix
import NodeFiles
import Orchestrator
import Planner
import ProcessSupervision
import Systemd

/// Assembles the daemon and runs it until it ends.
struct Daemon {
    enum Mode: String, Sendable { case up, run, exec }

    struct Options: Sendable {
        var mode: Mode
        var configuration: [String]
        var defaults: ConfigurationDefaults
        var commandLine: CommandLineSettings
        /// Whether to print progress to stderr.
        var isVerbose = true
        /// Whether there is no terminal for Ctrl-C.
        var isInBackground = false
        /// Whether to only stop the nodes that an earlier daemon left running.
        var stopsAtOnce = false
    }

    /// - Parameter guest: the command that the cluster is for. It then receives the signals, and nodes end with this process.
    static func run(_ options: Options, guest: ExecRunner? = nil) async throws {
        Heap.returnFreedMemory()
        // With a command, the environment belongs to the command and stays unchanged.
        let notifier = guest == nil ? Notifier.fromEnvironment() : Notifier(socket: nil)
        let inherited: UpgradeHandoff? = if case .ours(let inherited)? = Clusterd.offer { inherited } else { nil }
        var loaded = try Configuration.load(options.configuration, options.defaults, options.commandLine)
        let engine = try Configuration.engine(for: loaded.spec)
        try Configuration.checkFiles(loaded.spec)
        for warning in loaded.warnings { Output.note("warning: \(warning)") }
        try Preflight.check(loaded.spec)
        let user = try Preflight.user(loaded.spec)
        let lock = try Preflight.claim(loaded.spec, options.mode, user, inherited: inherited?.lock)
        if user == nil, let warning = FolderOwner.warning(loaded.spec.dataDirectory) { Output.note(warning) }
        let stored = try StoredRecord.read(loaded.spec.dataDirectory)
        if !options.stopsAtOnce {
            try Preflight.checkLoopback(loaded.spec, stored.record)
            try AnnounceCheck.check(
                loaded.spec, stored.record, engine: engine.engine, origin: loaded.origin(.announce))
        }
        if let record = stored.record {
            try fit(&loaded, to: record, options)
            if !options.stopsAtOnce { try Preflight.checkTransport(loaded.spec, record) }
        } else if let settings = loaded.handMade {
            try KeptSettings.write(settings, loaded.spec)
        }
        let socketPath = ControlSocketFile.path(loaded.spec, options)
        let control = try inherited?.control ?? ControlSocketFile.handedOver(to: notifier, for: socketPath)

        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let inbox = Inbox()
        let driver = HostDriver(
            loaded.spec, engine: engine, user: user, group: group, inbox: inbox, cgroups: cgroups(options),
            spawning: guest?.spawning, version: Clusterd.programVersion)
        if inherited != nil { driver.watch.inheritChildren() }
        var cycle = Cycle(
            spec: loaded.spec, record: stored.record, engine: engine.engine, bootID: ProcessTable.bootID(),
            now: driver.now(), wall: driver.wall(), entropy: SystemRandomNumberGenerator().seed)
        if let path = stored.keptAside { cycle.keptAside(path) }
        let reporter = Reporter(
            options, notifier, began: driver.now(), dataDirectory: loaded.spec.dataDirectory,
            reach: Reach.option(for: loaded.spec), files: driver.files)
        let identity = DaemonIdentity(pid: getpid(), version: Clusterd.programVersion, startedAt: driver.wall())
        let log = EventLog(
            EventFile(loaded.spec.dataDirectory), host: loaded.spec.announcedHost,
            cluster: stored.record?.cluster ?? loaded.spec.name,
            apart: { [files = driver.files, path = EventFile.path(loaded.spec.dataDirectory)] work in
                files.begin(.init("events", "writing", path), work)
            }
        ) { trouble in inbox.post(.timelineTrouble(trouble)) }
        // If the journal takes events with fields, they are not printed as text as well.
        let journal = Journal.ofStandardError()
        let cluster = stored.record?.cluster ?? loaded.spec.name
        let timeline = Timeline(log, driver: driver, journal: journal, cluster: cluster)
        timeline.began(options.mode, identity, engine: engine.engine, replacing: inherited?.version)
        let nodeJournal = journal.map { journal in
            NodeJournal(loaded.spec.dataDirectory, began: driver.wall(), now: { driver.now() }) { entry in
                journal.send(entry, cluster: cluster)
            }
        }
        nodeJournal?.start()
        let pulse = LoopPulse(began: driver.now())
        let reexec = Reexec(
            identity, keepsWaiting: control != nil, driver: driver, inbox: inbox, reporter: reporter,
            timeline: timeline)
        let orchestrator = Orchestrator(
            cycle, driver: driver, inbox: inbox, identity: identity,
            detector: EventDetector(began: driver.now())
        ) { cycle, events in
            pulse.beat(at: driver.now())
            timeline.turn(cycle, events)
            nodeJournal?.follow(
                cycle.record?.members.map { .init(node: $0.name, path: LogPolicy.path($0)) } ?? [])
            reporter.turn(cycle, journal == nil ? events : [], at: driver.now())
            guest?.turn(cycle)
            reexec.turn(cycle)
        }
        let reload = Reload(
            options, loaded.settings, driver: driver, reporter: reporter, timeline: timeline)
        let handler = RequestHandler(
            orchestrator: orchestrator, inbox: inbox, reload: reload, driver: driver, pulse: pulse, timeline: timeline,
            reexec: reexec)
        let server = try await ControlSocketFile.serve(socketPath, loaded.spec, handler, group, control)
        reporter.keep(server.storedSocket)
        let publicServer = try await servePublicly(loaded.spec, handler, group, inherited?.metrics)
        if let guest {
            guest.begin(driver, inbox)
        } else {
            let signals = Signals(
                mode: options.mode, inbox: inbox, driver: driver, reporter: reporter, reload: reload,
                timeline: timeline, reexec: reexec, server: server
            ).start()
            reexec.begin(
                .init(
                    orchestrator: orchestrator, lock: lock, server: server, publicServer: publicServer,
                    signals: signals, journal: nodeJournal))
            if options.stopsAtOnce { inbox.post(.intent(.stop(asked: driver.now(), kill: false))) }
        }

        var end = await orchestrator.run()
        while case .makeWay = reporter.intent {
            await reexec.carryOut()
            end = await orchestrator.run()
        }
        await timeline.ended(end, intent: reporter.intent)
        await reporter.flush()
        await nodeJournal?.finish()
        await publicServer?.stop()
        await server.stop(leavingFile: reporter.leavesSocket())
        try? driver.cgroups.get().release()
        if let guest {
            withExtendedLifetime(lock) {}
            return guest.clusterEnded(end)
        }
        try finish(end, reporter, lock)
    }

    /// A temporary cluster does not change its cgroup, and a run that only stops nodes needs none.
    private static func cgroups(_ options: Options) -> Result<NodeCgroups, NodeCgroups.Refusal> {
        if options.mode == .exec { return .failure(.init(why: "a temporary cluster does not use cgroups")) }
        if options.stopsAtOnce { return .failure(.init(why: "this run only stops nodes")) }
        return Result { () throws(NodeCgroups.Refusal) in try NodeCgroups.claim() }
    }

    private static func finish(_ end: Decision.End, _ reporter: Reporter, _ lock: FileLock) throws {
        reporter.ended(end)
        withExtendedLifetime(lock) {}
        if case .refused(let refusal) = end { throw refusal }
        // Everything is stopped, or left running on purpose: tasks that still sleep do not matter.
        exit(0)
    }

    /// Adapts the configuration to the existing cluster.
    static func fit(
        _ loaded: inout LoadedConfiguration, to record: Record, _ options: Options
    ) throws(Failure) {
        try asFormed(&loaded, record, options)
        if let refusal = NodeOverrides.refusal(loaded.spec, nodes: NodeOverrides.names(record)) {
            throw refusal
        }
    }

    /// Under `up`, an omitted number means "as formed", and a different one is refused.
    private static func asFormed(
        _ loaded: inout LoadedConfiguration, _ record: Record, _ options: Options
    ) throws(Failure) {
        guard options.mode != .run else { return }
        try Admission.checkShape(
            record, masters: options.commandLine.masters, replicas: options.commandLine.replicas)
        func isWritten(_ key: ConfigurationKey) -> Bool {
            loaded.settings.contains { $0.key == key.path && $0.origin != .builtIn }
        }
        if !isWritten(.masters) { loaded.spec.masters = record.shape.masters }
        if !isWritten(.replicas) { loaded.spec.replicas = record.shape.replicas }
    }

    /// Serves the probes and the metrics over TCP, if `control.metrics` is set.
    private static func servePublicly(
        _ spec: ClusterSpec, _ handler: RequestHandler, _ group: MultiThreadedEventLoopGroup,
        _ inherited: InheritedSocket?
    ) async throws -> ControlServer? {
        guard let address = spec.control.metrics else {
            inherited?.discard()
            return nil
        }
        do {
            return try await ControlServer.start(
                host: address.host, port: address.port, inherited: inherited, on: group
            ) { request, peer in
                await handler.answer(request, peer)
            }
        } catch {
            throw Failure(
                "metrics-port", "control.metrics: \(address) cannot be used: \(error)",
                hint: "choose another port, or remove control.metrics")
        }
    }
}

extension SystemRandomNumberGenerator {
    fileprivate var seed: UInt64 {
        var generator = self
        return generator.next()
    }
}
