import ClusterModel
import ControlAPI
import Planner
import Synchronization

/// Where the timeline is kept: events.jsonl, one event a line.
package protocol EventStore: Sendable {
    /// Adds whole lines at the end. Returns what went wrong, in words; then none of them is there.
    func append(_ lines: [[UInt8]]) -> String?
    /// The newest line that can be read as an event; nil: there is none.
    func newest() -> EventDocument?
    /// The lines that are there, oldest first, not more than the last `limit` of those that `query` asks for.
    func lines(_ query: EventQuery, limit: Int) -> [EventLine]
}

/// Gives each event its number, keeps it, and hands it to those who follow. The loop never waits for it: what cannot be
/// written is kept in memory and tried again, and when there is too much of that the oldest is let go, and its loss told.
package final class EventLog: Sendable {
    /// How the daemon before this one ended, as the timeline has it.
    package enum PreviousEnd: String, Sendable {
        /// Nothing is known of one.
        case none
        /// It stopped every node.
        case stopped
        /// It left the nodes running.
        case detached
        /// It refused to go on, and said why.
        case refused
        /// Its program was replaced in place: the process is the same.
        case replaced
        /// It ended without a word: killed, or the host went down.
        case unclean
    }

    /// Events that wait for a disk that takes none.
    static let waitingLimit = 2000
    /// What a follower may be behind before it is let go: it comes back and asks from where it was.
    static let followerLimit = 1024
    static let retryPause = Duration.seconds(1)
    /// How many events one answer holds.
    package static let answerLimit = 10_000

    private struct State {
        var next: Int64
        var waiting: [EventLine] = []
        /// How many at the front of `waiting` are on their way to the file.
        var beingWritten = 0
        var isWriting = false
        var trouble: String?
        var lastTry: Moment?
        var lost = 0
        /// Nothing is written before the folder holds a cluster of ours.
        var isHeld: Bool
        var followers: [Int: Follower] = [:]
        var nextFollower = 0
        var idle: [CheckedContinuation<Void, Never>] = []
    }

    private struct Follower {
        var continuation: AsyncStream<[UInt8]>.Continuation
        /// What came while it was still given what was; nil: it is up to date.
        var behind: [EventLine]?
    }

    private let state: Mutex<State>
    private let store: any EventStore
    private let host: String
    private let cluster: String
    /// Runs the writing where a disk that does not answer holds up nothing else.
    private let apart: @Sendable (@escaping @Sendable () -> Void) -> Void
    /// Told when the file can no longer be written, why; and with nil when it can again.
    private let onTrouble: @Sendable (String?) -> Void
    /// How the daemon before this one ended.
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

    /// Takes the events of a turn; with none, tries again what could not be written.
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
            "\(count) events before this one were let go: events.jsonl could not be written for too long",
            data: ["count": .integer(count)])
    }

    /// From here on events go to the file, those that came before too.
    package func release() { state.withLock { $0.isHeld = false } }

    /// Gives back those who cannot keep up: they are to be let go outside the lock.
    private func add(_ event: TimelineEvent, _ state: inout State) -> [AsyncStream<[UInt8]>.Continuation] {
        // Texts, numbers and what is made of them: nothing in it can fail to encode.
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

    /// What is on its way to the file stays at the front.
    private static func shorten(_ state: inout State) {
        let first = state.beingWritten
        let surplus = min(state.waiting.count - waitingLimit, state.waiting.count - first)
        guard surplus > 0 else { return }
        state.waiting.removeSubrange(first..<first + surplus)
        state.lost += surplus
    }

    /// False where it has too much to read already.
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
            guard !batch.isEmpty else { break }
            let failure = store.append(batch.map(\.bytes))
            let (isNews, goesOn) = state.withLock { state in
                let isNews = state.trouble != failure
                state.trouble = failure
                state.beingWritten = 0
                guard failure == nil else { return (isNews, false) }
                state.waiting.removeFirst(batch.count)
                return (isNews, !state.waiting.isEmpty)
            }
            if isNews { onTrouble(failure) }
            if !goesOn { break }
        }
        let idle = state.withLock { state in
            state.isWriting = false
            if state.trouble != nil { Self.shorten(&state) }
            defer { state.idle = [] }
            return state.idle
        }
        for waiter in idle { waiter.resume() }
    }

    private func takeIdle() -> [CheckedContinuation<Void, Never>] {
        state.withLock { state in
            defer { state.idle = [] }
            return state.idle
        }
    }

    /// The number of the last event.
    package var last: Int64 { state.withLock { $0.next - 1 } }

    /// Whether all that was told is in the file, or cannot be written now.
    package var isAtRest: Bool { state.withLock { !$0.isWriting } }

    /// Writes what is left, once, and ends all followers. A disk that does not answer is not waited for longer than the limit.
    package func close(at now: Moment, wall: WallTime, limit: Duration = .seconds(600)) async {
        append([], at: now + Self.retryPause * 2, wall: wall)
        let timer = Task {
            // Cancelled, it leaves alone who waits in a later call.
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

// MARK: those who ask

extension EventLog {
    /// What the query asks for, at most `answerLimit`, oldest first.
    package func lines(_ query: EventQuery) -> [EventLine] {
        // Taken before the file is read: what is written meanwhile is in one of the two.
        let waiting = state.withLock { $0.waiting }
        let limit = min(query.count ?? Self.answerLimit, Self.answerLimit)
        var lines = store.lines(query, limit: limit)
        let last = lines.last?.seq ?? 0
        lines += waiting.filter { $0.seq > last && query.includes($0) }
        return Array(lines.suffix(limit))
    }

    /// What the query asks for, and then each event as it comes. A client that is too slow is let go, and may come back with
    /// the number of the last event that it has.
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
        // What comes from here on is kept for it until it has what was there before.
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
