import ClusterConfiguration
import ClusterModel
import ControlAPI
import ControlServer
import Glibc
import HostDriver
import NodeFiles
import Orchestrator
import Planner
import ProcessSupervision
import Synchronization

/// Turns signals into requests to the daemon.
final class Signals: Sendable {
    private let mode: Daemon.Mode
    private let inbox: Inbox
    private let driver: HostDriver
    private let reporter: Reporter
    private let reload: Reload
    private let timeline: Timeline
    private let reexec: Reexec
    private let server: ControlServer
    private let interrupts = Mutex(0)

    /// How long to wait for clients to be answered.
    private static let patience = Duration.seconds(2)

    init(
        mode: Daemon.Mode, inbox: Inbox, driver: HostDriver, reporter: Reporter, reload: Reload, timeline: Timeline,
        reexec: Reexec, server: ControlServer
    ) {
        self.server = server
        self.mode = mode
        self.inbox = inbox
        self.driver = driver
        self.reporter = reporter
        self.reload = reload
        self.timeline = timeline
        self.reexec = reexec
    }

    static let watched = [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2]

    func start() -> SignalWatch { SignalWatch.start(Self.watched) { self.received($0) } }

    private func received(_ signal: Int32) {
        switch signal {
        case SIGINT: interrupted()
        case SIGTERM: stop(.signal("SIGTERM"))
        case SIGHUP where mode == .up: stop(.signal("SIGHUP"))
        case SIGHUP:
            Task { [reload, inbox] in
                if case .success(let plan) = await reload.prepared(for: .signal("SIGHUP")) {
                    inbox.post(.configured(plan))
                }
            }
        case SIGUSR1:
            timeline.detachAsked(by: .signal("SIGUSR1"))
            Task { await detach() }
        default: Task { [reexec] in await reexec.ask(.signal("SIGUSR2")) }
        }
    }

    /// RestartKillSignal= of the unit: another clusterd follows. If it continues with the socket, it also answers the requests from
    /// now on, and not this loop, which has stopped observing.
    private func detach() async {
        if reporter.expectsSuccessor() || server.isOfUnit { await server.pause(within: Self.patience) }
        inbox.post(.intent(.detach))
    }

    private func interrupted() {
        let count = interrupts.withLock { count in
            count += 1
            return count
        }
        switch count {
        case 1:
            reporter.say("stopping  (Ctrl-C again shows what is still being saved)")
            stop(.signal("SIGINT"))
        case 2: reporter.tellWhatRuns()
        default: stop(.signal("SIGINT"), kill: true)
        }
    }

    private func stop(_ who: RequestOrigin, kill: Bool = false) {
        timeline.stopAsked(by: who, kill: kill)
        // In case an upgrade had paused the server.
        Task { [server] in await server.resume() }
        inbox.post(.intent(.stop(asked: driver.now(), kill: kill)))
    }
}

/// Reads the configuration again.
final class Reload: Sendable {
    private let options: Daemon.Options
    private let driver: HostDriver
    private let reporter: Reporter
    private let timeline: Timeline
    private let settings: Mutex<[EffectiveSetting]>

    init(
        _ options: Daemon.Options, _ settings: [EffectiveSetting], driver: HostDriver, reporter: Reporter,
        timeline: Timeline
    ) {
        self.options = options
        self.settings = Mutex(settings)
        self.driver = driver
        self.reporter = reporter
        self.timeline = timeline
    }

    /// The settings that this daemon uses.
    var inForce: ConfigurationDocument { SettingsText.document(settings.withLock { $0 }) }

    /// Reads files, and therefore does not run on the threads of the loop. It has no time limit: its changes are valid at any time.
    func prepared(for who: RequestOrigin) async -> Result<ReloadPlan, Failure> {
        let order = FileWork.Order(
            "configuration", "reading", options.configuration.first ?? "the configuration", patience: .seconds(10))
        return await driver.files.run(order, limit: nil) { self.prepare(for: who) }
            ?? .failure(Failure("disk-hangs", "the configuration cannot be read"))
    }

    /// What a reload would change. Nothing is applied, and nothing is said.
    func preview() async -> Result<ReloadPlan, Failure> {
        let order = FileWork.Order(
            "configuration", "reading", options.configuration.first ?? "the configuration", patience: .seconds(10))
        return await driver.files.run(order, limit: nil) {
            Result { () throws(Failure) in
                let (loaded, program) = try self.load()
                var plan = ReloadPlan(from: self.driver.spec, to: loaded.spec)
                plan.take(program.engine, self.reporter.record)
                return plan
            }
        } ?? .failure(Failure("disk-hangs", "the configuration cannot be read"))
    }

    /// The configuration as it is on disk, once everything in it is found to be right.
    private func load() throws(Failure) -> (LoadedConfiguration, EngineProgram) {
        var loaded = try Configuration.load(options.configuration, options.defaults, options.commandLine)
        if let record = reporter.record { try Daemon.fit(&loaded, to: record, options) }
        try Configuration.checkFiles(loaded.spec)
        let program = try Configuration.engine(for: loaded.spec)
        let engine = program.engine
        if let why = ReloadPlan.refusal(of: engine, reporter.record) { throw Configuration.refusal([why]) }
        // A node uses the new address from its next start, and must be reachable there.
        if loaded.spec.announce != driver.spec.announce,
            let complaint = AnnounceCheck.complaint(loaded.spec, reporter.record, engine: engine)
        {
            throw Configuration.refusal(["\(loaded.origin(.announce)): \(complaint)"])
        }
        return (loaded, program)
    }

    /// Plans the changes of a new configuration; on a failure nothing is changed. The driver uses the configuration from here on,
    /// the loop from the event that follows.
    private func prepare(for who: RequestOrigin) -> Result<ReloadPlan, Failure> {
        reporter.reloading()
        defer { reporter.reloaded() }
        do throws(Failure) {
            let (loaded, program) = try load()
            var plan = ReloadPlan(from: driver.spec, to: loaded.spec)
            plan.take(program.engine, reporter.record)
            driver.configure(plan.spec)
            driver.use(program)
            settings.withLock { old in
                // Settings that need a restart of the daemon keep their old value.
                let held = old.filter { plan.heldBack.contains($0.key) }
                old = loaded.settings.map { new in held.first { $0.key == new.key } ?? new }
            }
            timeline.reloaded(by: who, nil)
            reporter.say("reload    \(Self.summary(plan))")
            return .success(plan)
        } catch {
            timeline.reloaded(by: who, error)
            reporter.say("reload    refused: \(error.message)")
            return .failure(error)
        }
    }

    private static func summary(_ plan: ReloadPlan) -> String {
        if plan.changesNothing { return "the configuration is unchanged" }
        let now = plan.applied + plan.directives
        let held =
            plan.heldBack.isEmpty
            ? [] : ["takes effect when clusterd restarts: \(plan.heldBack.joined(separator: ", "))"]
        return ((now.isEmpty ? [] : ["changed: \(now.joined(separator: ", "))"]) + held + plan.later)
            .joined(separator: "; ")
    }
}
