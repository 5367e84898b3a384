import ClusterModel
import ControlAPI
import Planner
import Synchronization

/// Storage of the timeline: events.jsonl, one event a line.
package protocol EventStore: Sendable {
    /// Appends whole lines. Returns the error, in words; then none of the lines was added.
    func append(_ lines: [[UInt8]]) -> String?
    /// The newest line that can be read as an event, or nil.
    func newest() -> EventDocument?
    /// The stored lines that match `query`, oldest first, at most the last `limit`.
    func lines(_ query: EventQuery, limit: Int) -> [EventLine]
}

/// Numbers each event, stores it, and sends it to the followers. The loop never waits for it: events that cannot be written stay
/// in memory and are retried; when there are too many, the oldest are dropped and their loss is reported.
package final class EventLog: Sendable {
    /// How the previous daemon ended, according to the timeline.
    package enum PreviousEnd: String, Sendable {
        /// No previous daemon is known.
        case none
        /// It stopped every node.
        case stopped
        /// It left the nodes running.
        case detached
        /// It refused to continue and reported why.
        case refused
        /// Its program was replaced in place: the process is the same.
        case replaced
        /// It exited uncleanly: it was killed, or the host went down.
        case unclean
    }

    /// The number of events kept in memory while the disk accepts none.
    static let waitingLimit = 2000
    /// How many events a follower may be behind before it is disconnected; it can reconnect and continue from its last event.
    static let followerLimit = 1024
    static let retryPause = Duration.seconds(1)
    /// The maximum number of events in one answer.
    package static let answerLimit = 10_000

    private struct State {
        var next: Int64
        var waiting: [EventLine] = []
        /// How many events at the front of `waiting` are being written to the file.
        var beingWritten = 0
        var isWriting = false
        var trouble: String?
        var lastTry: Moment?
        var lost = 0
        /// Nothing is written until the folder holds a cluster of this daemon.
        var isHeld: Bool
        var followers: [Int: Follower] = [:]
        var nextFollower = 0
        var idle: [CheckedContinuation<Void, Never>] = []
    }

    private struct Follower {
        var continuation: AsyncStream<[UInt8]>.Continuation
        /// Events that arrived while it was still receiving older ones; nil if it is up to date.
        var behind: [EventLine]?
    }

    private let state: Mutex<State>
    private let store: any EventStore
    private let host: String
    private let cluster: String
    /// Runs the writes where a disk that does not answer blocks nothing else.
    private let apart: @Sendable (@escaping @Sendable () -> Void) -> Void
    /// Called with the reason when the file can no longer be written, and with nil when it can again.
    private let onTrouble: @Sendable (String?) -> Void
    /// How the previous daemon ended.
    package let previousEnd: PreviousEnd
    package let previous: EventDocument?

    package init(
        _ store: any EventStore, host: String, cluster: String,
        apart: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void = { work in Task { work() } },
        onTrouble: @escaping @Sendable (String?) -> Void
    ) {
        self.apart = apart
        self.store = store
        self.host = host
        self.cluster = cluster
        self.onTrouble = onTrouble
        previous = store.newest()
        previousEnd = Self.end(previous)
        state = Mutex(State(next: (previous?.seq ?? 0) + 1, isHeld: previous == nil))
    }

    private static func end(_ last: EventDocument?) -> PreviousEnd {
        guard let last else { return .none }
        guard last.code == TimelineEvent.Code.daemonEnded.rawValue, case .object(let data)? = last.data,
            case .string(let how)? = data["how"]
        else { return .unclean }
        return PreviousEnd(rawValue: how) ?? .unclean
    }

    /// Takes the events of a turn; without any, retries the events that could not be written.
    package func append(_ events: [TimelineEvent], at now: Moment, wall: WallTime) {
        let (writes, left) = state.withLock { state in
            var left: [AsyncStream<[UInt8]>.Continuation] = []
            if state.lost > 0, state.trouble == nil, !state.isWriting {
                left += add(Self.lost(state.lost, wall), &state)
                state.lost = 0
            }
            for event in events { left += add(event, &state) }
            let isDue = state.trouble == nil || state.lastTry.map { now - $0 >= Self.retryPause } ?? true
            guard !state.isHeld, !state.isWriting, !state.waiting.isEmpty, isDue else { return (false, left) }
            state.isWriting = true
            state.lastTry = now
            return (true, left)
        }
        for follower in left { follower.finish() }
        if writes { apart { self.write() } }
    }

    private static func lost(_ count: Int, _ wall: WallTime) -> TimelineEvent {
        TimelineEvent(
            .eventsLost, .warning, at: wall,
            "dropped \(count) events before this one: events.jsonl could not be written for too long",
            data: ["count": .integer(count)])
    }

    /// From now on, events are written to the file, including earlier ones.
    package func release() { state.withLock { $0.isHeld = false } }

    /// Returns the followers that cannot keep up; the caller disconnects them outside the lock.
    private func add(_ event: TimelineEvent, _ state: inout State) -> [AsyncStream<[UInt8]>.Continuation] {
        // Only texts, numbers and collections of them: encoding cannot fail.
        guard let line = try? EventLine(event.document(seq: state.next, host: host, cluster: cluster)) else {
            return []
        }
        state.waiting.append(line)
        state.next += 1
        Self.shorten(&state)
        var left: [AsyncStream<[UInt8]>.Continuation] = []
        for (id, follower) in state.followers.sorted(by: { $0.key < $1.key }) {
            if let behind = follower.behind, behind.count < Self.followerLimit {
                state.followers[id]?.behind?.append(line)
            } else if follower.behind != nil || !Self.give(line, follower.continuation) {
                state.followers[id] = nil
                left.append(follower.continuation)
            }
        }
        return left
    }

    /// Events that are being written to the file stay at the front.
    private static func shorten(_ state: inout State) {
        let first = state.beingWritten
        let surplus = min(state.waiting.count - waitingLimit, state.waiting.count - first)
        guard surplus > 0 else { return }
        state.waiting.removeSubrange(first..<first + surplus)
        state.lost += surplus
    }

    /// False if the follower has too much unread data.
    private static func give(_ line: EventLine, _ continuation: AsyncStream<[UInt8]>.Continuation) -> Bool {
        if case .dropped = continuation.yield(line.bytes + [10]) { return false }
        return true
    }

    private func write() {
        while true {
            let batch = state.withLock { state in
                state.beingWritten = state.waiting.count
                return state.waiting
            }
            let failure = store.append(batch.map(\.bytes))
            let (isNews, idle) = state.withLock { state in
                let isNews = state.trouble != failure
                state.trouble = failure
                state.beingWritten = 0
                if failure == nil { state.waiting.removeFirst(batch.count) } else { Self.shorten(&state) }
                // Events that came meanwhile did not start a writer of their own.
                guard failure != nil || state.waiting.isEmpty else {
                    return (isNews, [CheckedContinuation<Void, Never>]?.none)
                }
                state.isWriting = false
                defer { state.idle = [] }
                return (isNews, state.idle)
            }
            if isNews { onTrouble(failure) }
            guard let idle else { continue }
            for waiter in idle { waiter.resume() }
            return
        }
    }

    private func takeIdle() -> [CheckedContinuation<Void, Never>] {
        state.withLock { state in
            defer { state.idle = [] }
            return state.idle
        }
    }

    /// The number of the last event.
    package var last: Int64 { state.withLock { $0.next - 1 } }

    /// Whether every event is in the file, or cannot be written now.
    package var isAtRest: Bool { state.withLock { !$0.isWriting } }

    /// Tries once to write the remaining events, and disconnects all followers. Waits no longer than the limit for a disk that does not answer.
    package func close(at now: Moment, wall: WallTime, limit: Duration = .seconds(600)) async {
        append([], at: now + Self.retryPause * 2, wall: wall)
        let timer = Task {
            // When cancelled, it does not resume the waiters of a later call.
            do { try await Task.sleep(for: limit) } catch { return }
            for waiter in takeIdle() { waiter.resume() }
        }
        await withCheckedContinuation { done in
            let isIdle = state.withLock { state in
                if state.isWriting { state.idle.append(done) }
                return !state.isWriting
            }
            if isIdle { done.resume() }
        }
        timer.cancel()
        let followers = state.withLock { state in
            defer { state.followers = [:] }
            return state.followers.values.map(\.continuation)
        }
        for follower in followers { follower.finish() }
    }
}

// MARK: queries

extension EventLog {
    /// The events that match the query, at most `answerLimit`, oldest first.
    package func lines(_ query: EventQuery) -> [EventLine] {
        // Taken before the file is read: an event that is written meanwhile is in at least one of the two.
        let waiting = state.withLock { $0.waiting }
        let limit = min(query.count ?? Self.answerLimit, Self.answerLimit)
        var lines = store.lines(query, limit: limit)
        let last = lines.last?.seq ?? 0
        lines += waiting.filter { $0.seq > last && query.includes($0) }
        return Array(lines.suffix(limit))
    }

    /// The events that match the query, and then each event as it happens. A client that is too slow is disconnected; it can
    /// reconnect with the number of its last event.
    package func follow(_ query: EventQuery) -> AsyncStream<[UInt8]> {
        let (stream, continuation) = AsyncStream<[UInt8]>.makeStream(
            bufferingPolicy: .bufferingOldest(Self.answerLimit + Self.followerLimit))
        let (id, first) = state.withLock { state in
            let id = state.nextFollower
            state.nextFollower += 1
            state.followers[id] = Follower(continuation: continuation, behind: [])
            return (id, state.next)
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { $0.followers[id] = nil }
        }
        // Events that arrive from now on are held back until the follower has the older ones.
        for line in lines(query) where line.seq < first { _ = Self.give(line, continuation) }
        let isGiven = state.withLock { state in
            let behind = state.followers[id]?.behind ?? []
            state.followers[id]?.behind = nil
            return behind.allSatisfy { line in
                query.after.map { line.seq <= $0 } ?? false || Self.give(line, continuation)
            }
        }
        if !isGiven { continuation.finish() }
        return stream
    }
}
