import ClusterModel

/// The life of the command of `clusterd exec`: its cluster is created, the command runs, its cluster is removed. Events in, actions out;
/// `decide` handles the cluster itself.
///
/// Whatever happens, the cluster is asked to end exactly once, and the exit code is known by then.
package struct ExecLife: Sendable, Equatable {
    package enum State: Sendable, Equatable {
        /// Becomes `starting` when the cluster is ready, and `over` if it will not be.
        case awaitingCluster
        /// Ordered, not running yet: signals that arrive meanwhile are kept for it.
        case starting(kept: [Int32])
        case running
        /// Only the cluster is left to be taken down.
        case over
    }

    package enum Action: Sendable, Equatable {
        case start
        case forward(Int32)
        case kill
        /// Send `cameDue` after this long.
        case alarm(after: Duration)
        case endCluster
    }

    package private(set) var state = State.awaitingCluster
    /// The exit code of `clusterd exec`; known once the life is `over`.
    package private(set) var exitCode: Int32 = 0
    /// Why the command did not run, in words.
    package private(set) var complaint: String?

    /// The cluster did not come up: the code that env(1) and timeout(1) use for a failure of their own.
    package static let clusterFailed: Int32 = 125
    /// How long a command that lost its shell has to end on its own.
    package static let grace = Duration.seconds(5)

    private static let hangUp: Int32 = 1
    private static let terminate: Int32 = 15

    package init() {}

    package var hasStarted: Bool {
        switch state {
        case .awaitingCluster: false
        case .starting, .running, .over: true
        }
    }

    // MARK: the cluster

    /// After each turn of the loop.
    package mutating func clusterIs(_ decision: Decision) -> [Action] {
        guard state == .awaitingCluster else { return [] }
        if decision.assessment.ready {
            state = .starting(kept: [])
            return [.start]
        }
        guard let finding = decision.findings.first(where: \.isLasting) else { return [] }
        return fail(finding.message + (finding.hint.map { "\n       \($0)" } ?? ""))
    }

    /// The limit for coming up has passed.
    package mutating func cameUpTooLate(_ waits: [String], _ limit: String) -> [Action] {
        guard state == .awaitingCluster else { return [] }
        return fail("the cluster was not ready within \(limit)\(waits.first.map { ": waiting \($0)" } ?? "")")
    }

    /// It ended before the command did.
    package mutating func clusterEnded(_ why: String) {
        guard state != .over else { return }
        _ = fail(why)
    }

    // MARK: the command

    package mutating func started() -> [Action] {
        guard case .starting(let kept) = state else { return [] }
        state = .running
        return kept.map { .forward($0) }
    }

    /// By errno of execve(2): 127 where there is no such program, 126 where it cannot be run.
    package mutating func couldNotStart(_ code: Int32, _ words: String) -> [Action] {
        complaint = words
        return end(Self.exitCode(ofErrno: code))
    }

    package static func exitCode(ofErrno code: Int32) -> Int32 { code == 2 ? 127 : 126 }

    package mutating func exited(_ exit: ProcessExit) -> [Action] {
        guard state != .over else { return [] }
        return end(exit.code ?? 128 + (exit.signal ?? 0))
    }

    // MARK: signals

    /// A key on the terminal reaches the whole foreground process group, and therefore the command without clusterd's help.
    package mutating func signalled(_ signal: Int32, isOfTerminal: Bool) -> [Action] {
        switch state {
        case .awaitingCluster: return end(128 + signal)
        case .starting(let kept):
            state = .starting(kept: kept + [signal])
            return []
        case .running: return isOfTerminal ? [] : [.forward(signal)]
        case .over: return []
        }
    }

    /// The shell that started clusterd is gone: no process waits for the command any longer.
    package mutating func parentEnded() -> [Action] {
        switch state {
        case .awaitingCluster: return end(128 + Self.hangUp)
        case .starting(let kept):
            state = .starting(kept: kept + [Self.terminate])
            return [.alarm(after: Self.grace)]
        case .running: return [.forward(Self.terminate), .alarm(after: Self.grace)]
        case .over: return []
        }
    }

    package mutating func cameDue() -> [Action] { state == .running ? [.kill] : [] }

    private mutating func fail(_ why: String) -> [Action] {
        complaint = why
        return end(Self.clusterFailed)
    }

    private mutating func end(_ code: Int32) -> [Action] {
        state = .over
        exitCode = code
        return [.endCluster]
    }
}

extension Finding {
    package var isLasting: Bool { severity == .error && Self.lasting.contains(code) }

    /// Codes of errors that keep a node down until the operator acts, or for longer than the operator waits.
    package static let lasting: Set<ReasonCode> = [.nodeDown, .crashLoop, .cannotStart, .slotsUnknown, .filesTooNew]
}
