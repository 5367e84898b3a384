import ClusterModel
import ControlAPI
import Planner

/// The main loop: it notes events, makes one decision, writes the record, and then begins the effects that depend on it. Each
/// effect runs in its own task and its outcome comes back as an event.
package actor Orchestrator<Hands: Driver> {
    package let inbox: Inbox
    let driver: Hands
    var cycle: Cycle
    private var timer: Task<Void, Never>?
    private var turnsBegun = 0
    private var turnsStored = 0
    /// Callers that wait until a turn's record is written, or its write has failed.
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var hasEnded = false
    private let identity: DaemonIdentity
    private var detector: EventDetector
    /// Called after every turn, in order, on the loop, with the events since the previous turn.
    private let onTurn: @Sendable (Cycle, [TimelineEvent]) -> Void

    package init(
        _ cycle: Cycle, driver: Hands, inbox: Inbox, identity: DaemonIdentity, detector: EventDetector,
        onTurn: @escaping @Sendable (Cycle, [TimelineEvent]) -> Void
    ) {
        self.cycle = cycle
        self.driver = driver
        self.inbox = inbox
        self.identity = identity
        self.detector = detector
        self.onTurn = onTurn
    }

    /// Runs until the daemon is to exit or to be replaced, and returns which. It can run again if the replacement failed.
    package func run() async -> Decision.End {
        hasEnded = false
        inbox.wake()
        for await _ in inbox.bell {
            if putOff() { continue }
            let disks = await driver.disks(of: cycle.folders)
            // No await between here and the decision: no request sees new events together with the previous decision.
            for event in inbox.take() { cycle.note(event, at: driver.now(), wall: driver.wall()) }
            cycle.note(.disks(disks), at: driver.now(), wall: driver.wall())
            cycle.note(.overdue(driver.overdue()), at: driver.now(), wall: driver.wall())
            cycle.note(.host(driver.host()), at: driver.now(), wall: driver.wall())
            turnsBegun += 1
            let now = driver.now()
            let orders = cycle.turn(at: now, wall: driver.wall())
            let decision = cycle.decision
            for effect in cycle.releaseFirst(orders, at: driver.now()) { begin(effect) }
            var write = RecordWrite.written
            if let record = orders.record { write = await driver.store(record, limit: cycle.recordLimit(orders)) }
            for effect in cycle.release(orders, write, at: driver.now()) { begin(effect) }
            // Of the moment of the decision, as its wall-clock time is: the write of the record may have taken long.
            onTurn(cycle, detector.events(cycle, at: now))
            turnsStored = turnsBegun
            if decision.end != nil { hasEnded = true }
            for continuation in waiting { continuation.resume() }
            waiting = []
            if let end = decision.end {
                timer?.cancel()
                return end
            }
            // Effects that need the record are ordered again each turn; after a failed write, not immediately.
            wake(at: decision.wake.map { write == .written ? $0 : max($0, driver.now() + .milliseconds(20)) })
        }
        return .done
    }

    /// Notes answers that say nothing new, for a turn that decides on those of all nodes; false: the turn is now.
    private func putOff() -> Bool {
        guard cycle.isAtRest, let events = inbox.takeUnless({ cycle.seen.isNews($0) }) else { return false }
        let answers = events.filter { !cycle.seen.isRoutine($0) }
        for event in events where cycle.seen.isRoutine(event) {
            cycle.noteRoutine(event, at: driver.now(), wall: driver.wall())
        }
        if answers.isEmpty { return true }
        for event in answers { cycle.note(event, at: driver.now(), wall: driver.wall()) }
        guard let limit = cycle.putOff(at: driver.now()) else { return false }
        wake(at: limit)
        return true
    }

    private func begin(_ effect: Effect) {
        let (driver, inbox, record) = (driver, inbox, cycle.record)
        Task { inbox.post(.ended(effect, await driver.perform(effect, record))) }
    }

    private func wake(at moment: Moment?) {
        timer?.cancel()
        let pause = min(moment.map { $0 - driver.now() } ?? .seconds(1), .seconds(1))
        let inbox = inbox
        timer = Task {
            if pause > .zero { try? await Task.sleep(for: pause) }
            if !Task.isCancelled { inbox.wake() }
        }
    }

    // MARK: requests

    package func status() -> StatusDocument { StatusBoard(cycle, identity).document }

    /// Queries every node again. Returns once every answer has arrived and nothing is still being observed, or after the time limit
    /// with what is known.
    package func check() async -> CheckDocument {
        let asked = driver.now()
        cycle.askForCheck(at: asked)
        inbox.wake()
        while isChecking(asked), driver.now() < asked + Self.checkLimit {
            try? await Task.sleep(for: .milliseconds(20))
        }
        let report = HealthReport(cycle.decision, cycle.spec)
        return CheckDocument(
            cluster: cycle.record?.cluster ?? cycle.spec.name, healthy: report.isHealthy,
            findings: report.findings.map(FindingDocument.init), passed: report.passed)
    }

    private func isChecking(_ asked: Moment) -> Bool {
        guard cycle.record?.stage == .formed, cycle.decision.assessment.phase != .stopping else { return false }
        guard cycle.record?.everReady == true else { return cycle.seen.survey.map { $0.askedAt < asked } ?? true }
        let outcome = cycle.decision.check
        return outcome.isPending || (outcome.answers ?? asked - .seconds(1)) < asked
    }

    private static var checkLimit: Duration { .seconds(15) }

    /// The findings with their repairs, after every node and folder was inspected again.
    package func plan() async -> (cluster: String, findings: [Finding]) {
        cycle.askForKeys(at: driver.now())
        _ = await check()
        return (cycle.record?.cluster ?? cycle.spec.name, HealthReport(cycle.decision, cycle.spec).findings)
    }

    package var assessment: Assessment { cycle.decision.assessment }
    package var waits: [String] { cycle.decision.waits.map(\.words) }

    package func operations() -> [OperationDocument] {
        (cycle.record?.operations ?? []).map(OperationDocument.init)
    }

    /// The nodes that a `call` command addresses, and how to reach each. A node without a contact does not run.
    package func callees(
        _ names: [String]?, role: Role?
    ) throws(Failure) -> [(member: Member, role: Role?, contact: Effect.Contact?)] {
        let (record, assessment) = (cycle.record, cycle.decision.assessment)
        return try Admission.members(names, role: role, record, assessment).map { member in
            var contact: Effect.Contact?
            if case .running(let process) = cycle.seen.processes[member.name] {
                contact = .init(host: cycle.spec.connectHost, port: member.ports.client, process: process.identity)
            }
            return (member, assessment.node(member.name)?.role, contact)
        }
    }

    /// Whether the operator may end the daemon.
    package func admitEnd() throws(Failure) { try Admission.mayEnd(cycle.spec) }

    /// Whether the daemon may be upgraded in place now.
    package func admitReplacement() throws(Failure) {
        try Admission.mayReplace(cycle.decision.assessment)
    }

    /// When this returns, the operation is in the record on disk, so that the caller can rely on it.
    /// - Parameter wanted: another configuration than the one in force, for a plan.
    package func change(
        _ command: Command, key: String?, wanting wanted: ClusterSpec? = nil
    ) async throws(Failure) -> OperationDocument {
        guard let record = cycle.record, !hasEnded else { throw Admission.notFormed }
        var admission = Admission(record, wanted ?? cycle.spec, cycle.decision.assessment, seeing: cycle.seen)
        admission.offered = cycle.decision.findings.compactMap(\.repair)
        let operation = try admission.admit(command, key: key)
        cycle.admit(admission.record)
        // A turn that is being stored does not include it; the next turn does.
        let next = turnsBegun + 1
        repeat {
            inbox.wake()
            await withCheckedContinuation { waiting.append($0) }
        } while turnsStored < next && !hasEnded
        guard let kept = cycle.record?.operations.first(where: { $0.id == operation.id }) else {
            return OperationDocument(planned: operation, record, cycle.decision.assessment)
        }
        return OperationDocument(kept)
    }
}

/// Identifies this daemon to clients.
package struct DaemonIdentity: Sendable {
    package var pid: Int32
    package var version: String
    package var startedAt: WallTime

    package init(pid: Int32, version: String, startedAt: WallTime) {
        self.pid = pid
        self.version = version
        self.startedAt = startedAt
    }
}
