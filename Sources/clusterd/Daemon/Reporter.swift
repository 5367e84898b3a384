import ClusterModel
import ControlAPI
import Glibc
import NodeFiles
import Orchestrator
import Planner
import Synchronization
import Systemd

/// Reports the result of each turn to the operator and to systemd.
final class Reporter: Sendable {
    private struct State {
        var console: ConsoleProgress
        var isReady = false
        var isStopping = false
        var status = ""
        var statusTold = Moment(nanoseconds: 0)
        var lastWatchdog: Moment?
        /// The phase that `measure` belongs to.
        var measured: Assessment.Phase?
        var measure = 0
        var waitSaid: (reason: WaitReason, since: Moment, silence: Duration)?
        var cycle: Cycle?
        /// The control socket, for systemd to keep open, and its name there.
        var storedSocket: (descriptor: Int32, name: String)?
        var isKept = false
        /// Whether another clusterd starts as soon as this one has exited.
        var hasSuccessor = false
    }

    private let state: Mutex<State>
    private let options: Daemon.Options
    private let notifier: Notifier
    private let dataDirectory: String
    private let reach: String
    private let files: FileWork
    private var mode: Daemon.Mode { options.mode }
    private var isVerbose: Bool { options.isVerbose }

    private static let longestSilence = Duration.seconds(600)
    /// How long a wait may take before it is reported.
    private static let patience = Duration.seconds(3)

    private static let statusPace = Duration.milliseconds(200)

    /// - Parameter reach: the option with which a command finds this daemon.
    init(
        _ options: Daemon.Options, _ notifier: Notifier, began: Moment, dataDirectory: String, reach: String,
        files: FileWork
    ) {
        self.options = options
        self.notifier = notifier
        self.dataDirectory = dataDirectory
        self.reach = reach
        self.files = files
        state = Mutex(State(console: ConsoleProgress(began: began)))
    }

    /// Runs on the loop after each turn, which proves that the loop is alive.
    func turn(_ cycle: Cycle, _ events: [TimelineEvent], at now: Moment) {
        let lines = state.withLock { state in
            state.cycle = cycle
            var lines = state.console.lines(cycle, events, at: now)
            if mode == .up, !options.isInBackground, lines.contains(where: { $0.hasPrefix("ready ") }),
                let port = cycle.record?.members.first?.ports.client
            {
                let client = cycle.spec.speaksTLS ? "clusterd shell\(reach)" : "redis-cli -c -p \(port)"
                lines.append("          clusterd status\(reach) · \(client) · Ctrl-C stops")
            }
            if !isVerbose { lines = [] }
            lines += slow(&state, cycle, now)
            tellSystemd(&state, cycle, now)
            return lines
        }
        write(lines)
    }

    /// In the background, standard error is a file in the data folder, whose disk may not respond.
    private func write(_ lines: [String]) {
        guard !lines.isEmpty, files.count(in: Self.lane) < Self.lineLimit else { return }
        files.begin(.init(Self.lane, "writing to", "standard error", patience: .seconds(10))) {
            for line in lines { Output.note(line) }
        }
    }

    private static let lane = "standard error"
    /// The lines of this many turns wait for a slow reader; later ones are dropped.
    private static let lineLimit = 1000

    /// Waits until all lines are written, up to a limit.
    func flush() async {
        _ = await files.run(.init(Self.lane, "writing to", "standard error"), limit: .seconds(2)) { true }
    }

    /// Reports a wait that takes long.
    private func slow(_ state: inout State, _ cycle: Cycle, _ now: Moment) -> [String] {
        // Once a command runs, the terminal belongs to the command.
        let isSilent = mode == .exec && !isVerbose && cycle.record?.everReady == true
        guard let reason = cycle.decision.waits.first, !cycle.decision.assessment.ready, !isSilent else {
            state.waitSaid = nil
            return []
        }
        guard let said = state.waitSaid, said.reason == reason else {
            state.waitSaid = (reason, now, Self.patience)
            return []
        }
        guard now - said.since >= said.silence else { return [] }
        // The same wait is reported again only after a longer time.
        state.waitSaid = (reason, now, min(said.silence * 2, Self.longestSilence))
        return ["waiting   \(reason.words)"]
    }

    private func tellSystemd(_ state: inout State, _ cycle: Cycle, _ now: Moment) {
        guard notifier.isActive else { return }
        // Nothing is observed any more, and the next program sends the next notification.
        if case .makeWay = cycle.seen.intent { return }
        if !state.isKept, let socket = state.storedSocket, notifier.store(socket.descriptor, as: socket.name) == 0 {
            state.isKept = true
        }
        let assessment = cycle.decision.assessment
        let text = statusLine(cycle)
        // A notification that fails because systemd is busy is sent in a later turn: the loop never waits for systemd.
        if assessment.phase == .ready, !state.isReady, notifier.notify(.ready, .status(text)) == 0 {
            state.isReady = true
            state.status = text
        }
        if assessment.phase == .stopping, !state.isStopping, notifier.notify(.stopping, .status(text)) == 0 {
            state.isStopping = true
            state.status = text
        }
        if text != state.status, now - state.statusTold >= Self.statusPace, notifier.notify(.status(text)) == 0 {
            state.status = text
            state.statusTold = now
        }
        if let interval = notifier.watchdogInterval, state.lastWatchdog.map({ now - $0 >= interval / 4 }) ?? true {
            state.lastWatchdog = now
            notifier.notify(.watchdog)
        }
        extendTimeout(&state, assessment)
    }

    /// Extends the timeout only while a measure advances: nodes that started, answer, agree, are in sync, or have exited.
    private func extendTimeout(_ state: inout State, _ assessment: Assessment) {
        guard assessment.phase != .ready else { return }
        let progress = assessment.progress
        let measure =
            assessment.phase == .stopping
            ? -progress.started
            : progress.started + progress.answering + progress.agreeing + progress.replicasInSync
        // A stop starts from zero: the counts of the start say nothing about it.
        guard state.measured != assessment.phase || measure > state.measure else { return }
        state.measured = assessment.phase
        state.measure = measure
        notifier.notify(.extendTimeout(.seconds(90)))
    }

    private func statusLine(_ cycle: Cycle) -> String {
        guard let pause = cycle.record?.pause else { return stateLine(cycle) }
        return "paused\(pause.until.map { " until \($0.clock)" } ?? ""); \(stateLine(cycle))"
    }

    private func stateLine(_ cycle: Cycle) -> String {
        let assessment = cycle.decision.assessment
        let masters = assessment.nodes.count { $0.role == .master }
        let replicas = assessment.nodes.count { $0.role == .replica }
        let what =
            "\(masters) masters, \(replicas) replicas, \(assessment.slotsCovered) of \(SlotSet.slotCount) slots served"
        if assessment.ready { return "ready: \(what)" }
        let wait = cycle.decision.waits.first.map { "; waiting \($0.words)" } ?? ""
        switch assessment.phase {
        case .starting: return "starting: \(what)\(wait)"
        case .forming: return "forming a cluster\(wait)"
        case .stopping: return "stopping\(wait)"
        case .ready: return "\(assessment.state.rawValue): \(what)\(wait)"
        }
    }

    // MARK: signals and exit

    /// The record as of the last turn.
    var record: Record? { state.withLock { $0.cycle?.record } }

    func say(_ line: String) { write([line]) }
    /// The intent of the daemon in its last turn.
    var intent: Observation.DaemonIntent { state.withLock { $0.cycle?.seen.intent ?? .run } }
    func reloading() { notifier.notify(.reloading, within: .seconds(1)) }
    func reloaded() { notifier.notify(.ready, within: .seconds(1)) }
    /// Sends no RELOADING=1: the unit stays active, and systemd would report a reload that waits for a slow node as failed.
    func makesWay(for version: String) {
        notifier.notify(.watchdog, .status("upgrading clusterd to \(version)"), within: .seconds(1))
    }

    /// nil: systemd already has the socket.
    func keep(_ socket: (descriptor: Int32, name: String)?) { state.withLock { $0.storedSocket = socket } }

    /// Notes that another clusterd starts as soon as this one has exited. Returns whether systemd's store has the socket for it.
    func expectsSuccessor() -> Bool {
        state.withLock { state in
            state.hasSuccessor = true
            return state.isKept
        }
    }

    /// Called at the end: whether systemd keeps the control socket for the next clusterd. If not, removes it from systemd's store.
    func leavesSocket() -> Bool {
        let (socket, stays) = state.withLock { state in
            (state.isKept ? state.storedSocket : nil, state.hasSuccessor && state.cycle?.seen.intent == .detach)
        }
        guard let socket else { return false }
        if !stays { notifier.notify(.unstore(socket.name), within: .seconds(1)) }
        return stays
    }

    /// The answer to a second Ctrl-C: the nodes that still run, and what a third Ctrl-C would lose.
    func tellWhatRuns() {
        let lines = state.withLock { state -> [String] in
            guard let cycle = state.cycle else { return [] }
            return (cycle.record?.members ?? []).compactMap { member in
                guard case .running(let process) = cycle.seen.processes[member.name] else { return nil }
                let report = cycle.decision.assessment.node(member.name)?.report
                let keys = report.map(\.load.amount) ?? "its keys"
                let isSafe = report?.persistence.appendOnly ?? (member.appendOnly == true)
                return
                    "          \(member.name) (pid \(process.identity.pid)) is still stopping; if it is killed now, it loses "
                    + (isSafe ? "nothing: its append-only file holds \(keys)" : "\(keys) that are not saved yet")
            }
        }
        write(lines + ["          a third Ctrl-C kills them"])
    }

    func ended(_ end: Decision.End) {
        guard case .done = end else { return }
        let (intent, count) = state.withLock { ($0.cycle?.seen.intent, $0.cycle?.record?.members.count ?? 0) }
        switch intent {
        case .detach:
            Output.note(
                "detached  \(Self.nodes(count)) \(count == 1 ? "keeps" : "keep") running; the next start adopts "
                    + "\(count == 1 ? "it" : "them")")
        case .stop where count > 0:
            Output.note("stopped   \(Self.nodes(count)); \(count == 1 ? "its" : "their") data are in \(dataDirectory)")
        default: break
        }
    }

    private static func nodes(_ count: Int) -> String { "\(count) \(count == 1 ? "node" : "nodes")" }
}
