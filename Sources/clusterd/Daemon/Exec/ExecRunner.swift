import ClusterModel
import ControlAPI
import Glibc
import HostDriver
import Orchestrator
import Planner
import ProcessSupervision
import Synchronization

/// Runs the command of `clusterd exec` beside the loop: carries out the actions of `ExecLife`, and reports events to it.
final class ExecRunner: Sendable {
    private struct State {
        var life = ExecLife()
        var command: ProcessIdentity?
        var waits: [String] = []
        var driver: HostDriver?
        var inbox: Inbox?
    }

    /// The thread that starts nodes and the command, which end with this process.
    let spawning = SpawningThread()
    private let guest: ExecChild
    private let timeout: TimeoutArgument
    private let state = Mutex(State())

    init(_ guest: ExecChild, timeout: TimeoutArgument) {
        self.guest = guest
        self.timeout = timeout
    }

    var exitCode: Int32 { state.withLock { $0.life.exitCode } }
    var complaint: String? { state.withLock { $0.life.complaint } }

    /// Forwards signals to the command from now on. A signal before the command starts ends the attempt.
    func takeSignals() {
        let signals = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2].filter { !guest.inheritance.ignores($0) }
        SignalWatch.startTellingOrigin(signals) { [self] signal, isOfTerminal in
            happened { life, _ in life.signalled(signal, isOfTerminal: isOfTerminal) }
        }
    }

    /// Called when the cluster starts. From now on the exit of the parent process is watched too.
    func begin(_ driver: HostDriver, _ inbox: Inbox) {
        let isOver = state.withLock { state in
            state.driver = driver
            state.inbox = inbox
            return state.life.state == .over
        }
        if isOver { perform([.endCluster], nil) }
        watchParent(driver)
        Task { [self] in
            try? await Task.sleep(for: timeout.duration)
            happened { [timeout] life, state in life.cameUpTooLate(state.waits, "\(timeout.duration)") }
        }
    }

    /// A process that ignores SIGHUP is meant to outlive the shell (nohup(1)); a child of init has no shell.
    private func watchParent(_ driver: HostDriver) {
        let parent = getppid()
        guard parent > 1, !guest.inheritance.ignores(SIGHUP),
            let identity = ProcessTable.identity(of: parent, bootID: ProcessTable.bootID())
        else { return }
        try? driver.watch.watch(identity) { [self] _, _ in happened { life, _ in life.parentEnded() } }
        // The parent may have exited before it was watched.
        if getppid() != parent { happened { life, _ in life.parentEnded() } }
    }

    /// On the loop after each turn.
    func turn(_ cycle: Cycle) {
        let actions = state.withLock { state in
            state.waits = cycle.decision.waits.map(\.words)
            return state.life.clusterIs(cycle.decision)
        }
        perform(actions, cycle)
    }

    func clusterEnded(_ end: Decision.End) {
        state.withLock { state in
            guard case .refused(let refusal) = end else { return state.life.clusterEnded("the cluster was stopped") }
            state.life.clusterEnded(refusal.message + (refusal.hint.map { "\n       \($0)" } ?? ""))
        }
    }

    private func happened(_ what: (inout ExecLife, borrowing State) -> [ExecLife.Action]) {
        let actions = state.withLock { state in
            var life = state.life
            defer { state.life = life }
            return what(&life, state)
        }
        perform(actions, nil)
    }

    private func perform(_ actions: [ExecLife.Action], _ cycle: Cycle?) {
        for action in actions {
            let (command, driver, inbox) = state.withLock { ($0.command, $0.driver, $0.inbox) }
            switch action {
            case .start: if let cycle { start(ExecEnvironment(cycle).variables) }
            case .forward(let signal): if let command { try? driver?.watch.signal(command, signal) }
            case .kill: if let command { try? driver?.watch.signal(command, SIGKILL) }
            case .alarm(let delay):
                Task { [self] in
                    try? await Task.sleep(for: delay)
                    happened { life, _ in life.cameDue() }
                }
            case .endCluster: if let inbox, let driver { inbox.post(.intent(.stop(asked: driver.now(), kill: false))) }
            }
        }
    }

    private func start(_ variables: [(name: String, value: String)]) {
        Task { [self] in
            var guest = guest
            guest.environment = CommandWord.environment(CommandWord.environment, setting: variables)
            let started = await spawning.run { [guest] in Result { () throws(ExecError) in try guest.start() } }
            switch started {
            case .success(let pid): watch(pid)
            case .failure(let error):
                happened { life, _ in life.couldNotStart(error.code, "'\(guest.words[0].text)': \(error)") }
            }
        }
    }

    /// The command is an unreaped child: its pid is not reused before it is reaped, even if it has exited.
    private func watch(_ pid: pid_t) {
        guard let driver = state.withLock({ $0.driver }), let stat = ProcessTable.Stat(pid) else { return }
        let identity = ProcessIdentity(bootID: ProcessTable.bootID(), pid: pid, startTime: stat.startTime)
        state.withLock { $0.command = identity }
        do {
            try driver.watch.watch(identity) { [self] _, exit in happened { life, _ in life.exited(exit) } }
            happened { life, _ in life.started() }
        } catch {
            kill(pid, SIGKILL)
            happened { life, _ in life.couldNotStart(EAGAIN, "cannot watch for the end of the command: \(error)") }
        }
    }
}

/// The environment variables with which a command finds its cluster.
struct ExecEnvironment {
    let variables: [(name: String, value: String)]

    init(_ cycle: Cycle) {
        let members = cycle.record?.members ?? []
        let host = cycle.spec.connectHost
        let name = host.contains(":") ? "[\(host)]" : host
        let first = members.first.map { String($0.ports.client) } ?? ""
        variables = [
            ("REDIS_URL", "\(cycle.spec.speaksTLS ? "rediss" : "redis")://\(Self.login(cycle.spec))\(name):\(first)"),
            ("REDIS_CLUSTER_NODES", members.map { "\(name):\($0.ports.client)" }.joined(separator: ",")),
            ("REDIS_PORT", first),
            ("CLUSTERD_SOCKET", cycle.spec.dataDirectory + "/control.sock"),
        ]
    }

    /// `:password@`, percent-encoded (RFC 3986), so that the command can authenticate.
    private static func login(_ spec: ClusterSpec) -> String {
        let password = spec.directives.last { $0.name == "requirepass" }?.arguments.first ?? ""
        return password.isEmpty ? "" : ":\(PercentCoding.encode(password))@"
    }
}
