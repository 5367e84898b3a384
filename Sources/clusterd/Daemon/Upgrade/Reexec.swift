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

/// Upgrades clusterd in place to the program on disk: the process persists, and with it the nodes as its children, the lock, and
/// the control socket. The new program is tried first. Then clients are answered and the loop comes to rest, and the new program
/// observes everything from scratch, as at any start.
final class Reexec: Sendable {
    /// The parts that exist only once the daemon is assembled.
    struct Parts: Sendable {
        var orchestrator: Orchestrator<HostDriver>
        var lock: FileLock
        var server: ControlServer
        var publicServer: ControlServer?
        var signals: SignalWatch
        var journal: NodeJournal?
    }

    private struct Attempt: Sendable {
        var who: RequestOrigin
        var probe: UpgradeProbe
        /// The descriptor in which signals wait.
        var signals: Int32
    }

    private struct State {
        var parts: Parts?
        var underWay: Task<Result<ReexecDocument, Failure>, Never>?
        /// Set when only the loop still has to come to rest.
        var attempt: Attempt?
        /// How often the program on disk changed between the probe and the exec.
        var changes = 0
        /// Whether requests still have to wait.
        var isSilent: Bool
    }

    /// How long to wait for clients to be answered.
    private static let patience = Duration.seconds(2)
    private static let changesLimit = 3
    /// How long requests wait until a program that inherited the socket knows what the previous program knew.
    private static let silence = Duration.seconds(1)

    private let program = ProgramFile.find()
    private let identity: DaemonIdentity
    private let driver: HostDriver
    private let inbox: Inbox
    private let reporter: Reporter
    private let timeline: Timeline
    private let began: Moment
    private let state: Mutex<State>

    /// - Parameter keepsWaiting: whether this program inherited the control socket, and with it requests to the previous program.
    init(
        _ identity: DaemonIdentity, keepsWaiting: Bool, driver: HostDriver, inbox: Inbox, reporter: Reporter,
        timeline: Timeline
    ) {
        state = Mutex(State(isSilent: keepsWaiting))
        began = driver.now()
        self.identity = identity
        self.driver = driver
        self.inbox = inbox
        self.reporter = reporter
        self.timeline = timeline
    }

    func begin(_ parts: Parts) { state.withLock { $0.parts = parts } }

    /// Answers once it is certain whether the upgrade is attempted. Further requests meanwhile get the same answer: the program on
    /// disk at the time of the exec is what runs then.
    @discardableResult
    func ask(_ who: RequestOrigin) async -> Result<ReexecDocument, Failure> {
        await state.withLock { state in
            if let task = state.underWay { return task }
            let task = Task { await self.attempt(who) }
            state.underWay = task
            return task
        }.value
    }

    private func attempt(_ who: RequestOrigin) async -> Result<ReexecDocument, Failure> {
        do throws(Failure) {
            let parts = try await admit()
            let probe = try await UpgradeProbe(program, await environment(parts, signals: -1, isProbe: true), driver)
            let status = await parts.orchestrator.status().cluster
            timeline.reexecAsked(by: who, program, probe.report.version)
            reporter.say(
                "reexec    clusterd \(identity.version) is upgraded in place to \(probe.report.version) (\(program))")
            let document = ReexecDocument(
                cluster: status.name, program: program, version: probe.report.version, before: status.daemon,
                lastEvent: timeline.log.last)
            Task { await makeWay(parts, who, probe) }
            return .success(document)
        } catch {
            refuse(who, error)
            return .failure(error)
        }
    }

    private func admit() async throws(Failure) -> Parts {
        try Admission.mayEnd(driver.spec)
        if let work = driver.overdue().first { throw Self.hanging(work) }
        if let parts = state.withLock({ $0.parts }) {
            try await parts.orchestrator.admitReplacement()
            return parts
        }
        throw Failure(
            "not-formed", "clusterd has not finished starting", hint: "clusterd reexec")
    }

    /// execve(2) first ends all other threads, and a thread that waits for a disk does not end.
    private static func hanging(_ work: OverdueWork) -> Failure {
        Failure(
            .diskHangs, "\(work.doing) \(work.path) has not returned: clusterd cannot be upgraded before it does",
            hint: work.path.hasPrefix("/") ? "findmnt -T \(ShellWord.quoted(work.path))" : nil)
    }

    private func refuse(_ who: RequestOrigin, _ failure: Failure) {
        state.withLock { ($0.underWay, $0.attempt, $0.changes) = (nil, nil, 0) }
        timeline.reexecRefused(by: who, failure)
        reporter.say("reexec    refused: \(failure.message)")
    }

    private func makeWay(_ parts: Parts, _ who: RequestOrigin, _ probe: UpgradeProbe) async {
        async let control: Void = parts.server.pause(within: Self.patience)
        async let metrics: Void? = parts.publicServer?.pause(within: Self.patience)
        async let journal: Void? = parts.journal?.finish()
        _ = await (control, metrics, journal)
        let signals = parts.signals.pause()
        state.withLock { $0.attempt = Attempt(who: who, probe: probe, signals: signals) }
        reporter.makesWay(for: probe.report.version)
        inbox.post(.intent(.makeWay(asked: driver.now())))
    }

    /// On the loop after each turn.
    func turn(_ cycle: Cycle) {
        answerSoon(cycle)
        switch cycle.seen.intent {
        case .run, .makeWay: return
        case .stop, .detach: stopped()
        }
    }

    /// Delays answers until the state is known, so that a cluster that was ready a moment ago is not reported as unknown.
    private func answerSoon(_ cycle: Cycle) {
        let isKnown = cycle.decision.assessment.ready || cycle.record?.everReady != true
        guard isKnown || cycle.seen.intent != .run || driver.now() - began >= Self.silence else { return }
        let parts = state.withLock { state -> Parts? in
            defer { state.isSilent = false }
            return state.isSilent ? state.parts : nil
        }
        guard let parts else { return }
        Task {
            await parts.server.resume()
            await parts.publicServer?.resume()
        }
    }

    /// A stop that was requested before takes precedence.
    private func stopped() {
        let attempt = state.withLock { state in
            defer { state.attempt = nil }
            return state.attempt
        }
        guard let attempt else { return }
        refuse(attempt.who, Failure("stopping", "clusterd is about to exit"))
        Task { await resume() }
    }

    /// Called when the loop has come to rest. Returns only if this program continues; then the loop must run again.
    func carryOut() async {
        let (parts, attempt, changes) = state.withLock { ($0.parts, $0.attempt, $0.changes) }
        guard let parts, let attempt else { return await goOn() }
        let failure: Failure
        if let work = await driver.files.settle(within: Self.patience) {
            failure = Self.hanging(work)
        } else if FileStamp(program) == attempt.probe.stamp {
            await timeline.makesWay(for: attempt.probe.report.version)
            let kept = await inherited(parts, signals: attempt.signals).descriptors
            let error = Replacement(
                executable: program, words: CommandWord.arguments,
                environment: await environment(parts, signals: attempt.signals, isProbe: false),
                // Descriptors that this program inherited and has not closed.
                descriptors: kept + Clusterd.inheritance.descriptors.filter { fcntl($0, F_GETFD) == 0 }
            ).take()
            failure = Failure("cannot-take-over", "\(program): \(error)")
        } else if changes < Self.changesLimit {
            // The file was replaced meanwhile, and the new one has not been tried.
            state.withLock { ($0.underWay, $0.attempt, $0.changes) = (nil, nil, changes + 1) }
            await goOn()
            Task { await ask(attempt.who) }
            return
        } else {
            failure = Failure(
                "cannot-take-over", "\(program) keeps changing",
                hint: "run clusterd reexec again when the file no longer changes")
        }
        refuse(attempt.who, failure)
        await goOn()
    }

    private func goOn() async {
        inbox.post(.intent(.run))
        await resume()
    }

    private func resume() async {
        guard let parts = state.withLock({ $0.parts }) else { return }
        parts.signals.resume()
        parts.journal?.resume()
        await parts.server.resume()
        await parts.publicServer?.resume()
    }

    private func inherited(_ parts: Parts, signals: Int32) async -> UpgradeHandoff {
        UpgradeHandoff(
            version: identity.version, dataDirectory: driver.dataDirectory, lock: parts.lock.descriptor,
            signals: signals, control: await parts.server.inheritance(),
            metrics: await parts.publicServer?.inheritance())
    }

    /// The environment as it was when this program started, with the variables of systemd.
    private func environment(_ parts: Parts, signals: Int32, isProbe: Bool) async -> [CommandWord] {
        // A probe that notifies systemd would do so in the name of this daemon.
        let systemd = isProbe ? ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"] : []
        return CommandWord.environment(
            Clusterd.environment, without: systemd + ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"],
            setting: [(UpgradeHandoff.variable, await inherited(parts, signals: signals).text)])
    }
}
