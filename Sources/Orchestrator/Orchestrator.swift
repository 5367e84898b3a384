import ClusterModel
import ControlAPI
import Planner

/// The one loop: what happened is noted, one decision is made, the record is written, and then the effects that depend on it
/// are begun. Each effect runs by itself and comes back as an event.
package actor Orchestrator<Hands: Driver> {
    package let inbox: Inbox
    let driver: Hands
    var cycle: Cycle
    private var timer: Task<Void, Never>?
    private var turnsBegun = 0
    private var turnsStored = 0
    /// Who waits for a turn's record to be written, or for it to be said that it cannot be.
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var hasEnded = false
    private let identity: DaemonIdentity
    private var detector: EventDetector
    /// Called after every turn, in order, on the loop, with what happened since the one before.
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

    /// Runs until the daemon is to end, or to make way, and says how. Where nobody took its place, it can be run again.
    package func run() async -> Decision.End {
        hasEnded = false
        inbox.wake()
        for await _ in inbox.bell {
            let disks = await driver.disks(of: cycle.folders)
            // From here to the decision nothing is waited for: no request sees news with the decision from before it.
            for event in inbox.take() { cycle.note(event, at: driver.now(), wall: driver.wall()) }
            cycle.note(.disks(disks), at: driver.now(), wall: driver.wall())
            cycle.note(.overdue(driver.overdue()), at: driver.now(), wall: driver.wall())
            cycle.note(.host(driver.host()), at: driver.now(), wall: driver.wall())
            turnsBegun += 1
            let orders = cycle.turn(at: driver.now(), wall: driver.wall())
            let decision = cycle.decision
            for effect in cycle.releaseFirst(orders, at: driver.now()) { begin(effect) }
            var write = RecordWrite.written
            if let record = orders.record { write = await driver.store(record, limit: cycle.recordLimit(orders)) }
            for effect in cycle.release(orders, write, at: driver.now()) { begin(effect) }
            onTurn(cycle, detector.events(cycle, at: driver.now()))
            turnsStored = turnsBegun
            if decision.end != nil { hasEnded = true }
            for continuation in waiting { continuation.resume() }
            waiting = []
            if let end = decision.end {
                timer?.cancel()
                return end
            }
            // What needs the record is ordered again in each turn: not at once, where it cannot be written.
            wake(at: decision.wake.map { write == .written ? $0 : max($0, driver.now() + .milliseconds(20)) })
        }
        return .done
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

    /// Asks every node again, and answers once everything was heard and nothing is still being watched; or with what is known
    /// when that takes too long.
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

    /// What `fix` would do about what is found, after every node and folder was looked at again.
    package func plan() async -> (cluster: String, findings: [Finding]) {
        _ = await check()
        return (cycle.record?.cluster ?? cycle.spec.name, HealthReport(cycle.decision, cycle.spec).findings)
    }

    package var assessment: Assessment { cycle.decision.assessment }
    package var waits: [String] { cycle.decision.waits.map(\.words) }

    package func operations() -> [OperationDocument] {
        (cycle.record?.operations ?? []).map(OperationDocument.init)
    }

    /// Whom a command of a person's own is for, and how each is reached; without a contact, it does not run.
    package func callees(
        _ names: [String]?, role: Role?
    ) throws(Refusal) -> [(member: Member, role: Role?, contact: Effect.Contact?)] {
        let (record, assessment) = (cycle.record, cycle.decision.assessment)
        return try Admission.members(names, role: role, record, assessment).map { member in
            var contact: Effect.Contact?
            if case .running(let process) = cycle.seen.processes[member.name] {
                contact = .init(host: cycle.spec.connectHost, port: member.ports.client, process: process.identity)
            }
            return (member, assessment.node(member.name)?.role, contact)
        }
    }

    /// Whether a person may end the daemon as a whole.
    package func admitEnd() throws(Refusal) { try Admission.mayEnd(cycle.spec) }

    /// Whether the program of the daemon may be replaced now.
    package func admitReplacement() throws(Refusal) {
        try Admission.mayReplace(cycle.decision.assessment)
    }

    /// The operation is in the record on disk when this returns, so that who was told of it can rely on it.
    package func change(_ command: Command, key: String?) async throws(Refusal) -> OperationDocument {
        guard let record = cycle.record, !hasEnded else { throw Admission.notFormed }
        var admission = Admission(record, cycle.spec, cycle.decision.assessment, seeing: cycle.seen)
        admission.offered = cycle.decision.findings.compactMap(\.repair)
        let operation = try admission.admit(command, key: key)
        cycle.admit(admission.record)
        // A turn that is just being stored does not have it; the next one does.
        let next = turnsBegun + 1
        repeat {
            inbox.wake()
            await withCheckedContinuation { waiting.append($0) }
        } while turnsStored < next && !hasEnded
        return OperationDocument(cycle.record?.operations.first { $0.id == operation.id } ?? operation)
    }
}

/// Who this daemon is, for those who ask.
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
