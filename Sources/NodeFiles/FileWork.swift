import ClusterModel
import Glibc
import Synchronization

/// Runs file work on separate threads, so that a hung disk blocks neither the loop nor a thread of a pool. The jobs of one lane run
/// in order, one at a time, so that a late job never overwrites the result of a later one. A thread that waits for a hung disk
/// cannot be ended, and continues to wait.
package final class FileWork: Sendable {
    /// The description of a job, and its maximum duration on a working disk.
    package struct Order: Sendable {
        package var lane: String
        package var doing: String
        package var path: String
        package var patience: Duration

        package init(_ lane: String, _ doing: String, _ path: String, patience: Duration = .seconds(2)) {
            self.lane = lane
            self.doing = doing
            self.path = path
            self.patience = patience
        }
    }

    private struct Job {
        var number: Int
        var order: Order
        var body: @Sendable () -> Void
    }

    private struct Lane {
        var running: (job: Job, since: Moment)?
        var waiting: [Job] = []
    }

    private struct State {
        var lanes: [String: Lane] = [:]
        var nextNumber = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// Runs a job and returns its result; nil if it does not return in time. A job that has not started by then never runs. A
    /// started job continues, and `whenLate` is called with its result.
    /// - Parameter limit: counted from the start of the job that occupies the lane, so that callers do not wait again behind a
    ///   hung job. nil: no limit.
    package func run<Result: Sendable>(
        _ order: Order, limit: Duration?, whenLate: (@Sendable (Result) -> Void)? = nil,
        _ work: @escaping @Sendable () -> Result
    ) async -> Result? {
        let answer = Answer<Result>()
        let (number, began) = add(order) {
            let result = work()
            if !answer.give(result) { whenLate?(result) }
        }
        guard let limit else { return await answer.value() }
        let pause = began + limit - Moment.now
        guard pause > .zero else {
            giveUp(number, order.lane, answer)
            return await answer.value()
        }
        let timer = Task {
            try? await Task.sleep(for: pause)
            if !Task.isCancelled { giveUp(number, order.lane, answer) }
        }
        defer { timer.cancel() }
        return await answer.value()
    }

    /// Runs a job after the earlier ones in its lane. No caller waits for it.
    package func begin(_ order: Order, _ work: @escaping @Sendable () -> Void) { _ = add(order, work) }

    /// The number of jobs in a lane that have not returned.
    package func count(in lane: String) -> Int {
        state.withLock { state in
            let lane = state.lanes[lane]
            return (lane?.running == nil ? 0 : 1) + (lane?.waiting.count ?? 0)
        }
    }

    /// The jobs that are overdue, oldest first.
    package var overdue: [OverdueWork] {
        let now = Moment.now
        return state.withLock { state in
            state.lanes.values.compactMap(\.running).filter { now - $0.since >= $0.job.order.patience }
                .map { OverdueWork(doing: $0.job.order.doing, path: $0.job.order.path, since: $0.since) }
                .sorted { ($0.since, $0.path) < ($1.since, $1.path) }
        }
    }

    /// Waits until no short job is running. Returns a job that has not returned by the limit.
    package func settle(within limit: Duration) async -> OverdueWork? {
        let deadline = Moment.now + limit
        while let left = pending {
            guard Moment.now < deadline else { return left }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return nil
    }

    /// Ignores copies, which an upgrade leaves to the next program.
    private var pending: OverdueWork? {
        state.withLock { state in
            state.lanes.values.compactMap(\.running).filter { $0.job.order.patience <= Self.short }
                .map { OverdueWork(doing: $0.job.order.doing, path: $0.job.order.path, since: $0.since) }
                .min { ($0.since, $0.path) < ($1.since, $1.path) }
        }
    }

    private static let short = Duration.seconds(60)

    private func giveUp<Result>(_ number: Int, _ lane: String, _ answer: Answer<Result>) {
        state.withLock { $0.lanes[lane]?.waiting.removeAll { $0.number == number } }
        _ = answer.give(nil)
    }

    /// The number of the job, and the time since which its lane is occupied.
    private func add(_ order: Order, _ body: @escaping @Sendable () -> Void) -> (number: Int, began: Moment) {
        let (job, began, isIdle) = state.withLock { state in
            let job = Job(number: state.nextNumber, order: order, body: body)
            state.nextNumber += 1
            let running = state.lanes[order.lane]?.running
            let began = running?.since ?? Moment.now
            if running == nil {
                state.lanes[order.lane, default: Lane()].running = (job, began)
            } else {
                state.lanes[order.lane]?.waiting.append(job)
            }
            return (job, began, running == nil)
        }
        if isIdle { startThread(job) }
        return (job.number, began)
    }

    private func startThread(_ job: Job) {
        var thread = pthread_t()
        let worker = Unmanaged.passRetained(Worker { self.drain(job) })
        if pthread_create(&thread, nil, Worker.body, worker.toOpaque()) == 0 {
            pthread_detach(thread)
        } else {
            // If no thread can be created, the job runs on the caller's thread.
            worker.release()
            drain(job)
        }
    }

    /// Runs this job, which is noted as running, and what waits behind it. A lane that this thread has found empty is no longer its own:
    /// the next job there has a thread of its own by then.
    private func drain(_ job: Job) {
        let lane = job.order.lane
        var next: Job? = job
        while let job = next {
            job.body()
            next = state.withLock { state in
                guard state.lanes[lane]?.waiting.isEmpty == false, let next = state.lanes[lane]?.waiting.removeFirst()
                else {
                    state.lanes[lane] = nil
                    return nil
                }
                state.lanes[lane]?.running = (next, Moment.now)
                return next
            }
        }
    }
}

private final class Worker: Sendable {
    private let work: @Sendable () -> Void

    init(_ work: @escaping @Sendable () -> Void) { self.work = work }

    static let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        guard let argument else { return nil }
        Unmanaged<Worker>.fromOpaque(argument).takeRetainedValue().work()
        return nil
    }
}

/// A result that arrives once, unless the caller has given up.
private final class Answer<Value: Sendable>: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Value?, Never>)
        case given(Value?)
    }

    private let state = Mutex(State.open)

    /// Returns false if the caller has given up.
    func give(_ value: Value?) -> Bool {
        let (isFirst, continuation) = state.withLock { state -> (Bool, CheckedContinuation<Value?, Never>?) in
            switch state {
            case .given: return (false, nil)
            case .open:
                state = .given(value)
                return (true, nil)
            case .awaited(let continuation):
                state = .given(value)
                return (true, continuation)
            }
        }
        continuation?.resume(returning: value)
        return isFirst
    }

    func value() async -> Value? {
        await withCheckedContinuation { continuation in
            let given = state.withLock { state -> Value?? in
                if case .given(let value) = state { return .some(value) }
                state = .awaited(continuation)
                return nil
            }
            if let given { continuation.resume(returning: given) }
        }
    }
}
