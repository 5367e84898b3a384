import ClusterModel

/// Whether one process is alive: when it last answered, and what it did while it did not. Only queries since the loop last ran on time
/// count: before that, clusterd itself may not have been listening (invariants: fresh-facts, no-unrequested-stop).
package struct Vitals: Sendable, Equatable {
    package var of: ProcessIdentity
    /// When the first query was sent that it has not answered since; nil: it answered its last one.
    package private(set) var silentSince: Moment?
    /// Its port refuses connections: no process listens there, which is not silence of a server.
    package private(set) var isRefusing = false
    package private(set) var doing: Doing?
    /// Since when every look found it stopped.
    package private(set) var stoppedSince: Moment?
    /// Since when every look found that it neither uses CPU nor reads.
    package private(set) var stillSince: Moment?
    /// Since when SIGKILL is pending on it: proof of death (invariant: proven-death).
    package private(set) var dyingSince: Moment?
    /// When it was last seen to wait in the kernel (state D), while it did not answer.
    package private(set) var waitedForDiskAt: Moment?
    package private(set) var lookedAt: Moment?
    package private(set) var look: ProcessActivity?
    /// When it answered again after a silence.
    package private(set) var backSince: Moment?

    /// What prevents a process from answering.
    package enum Doing: Sendable, Hashable {
        case stopped
        case traced(by: Int32?)
        case busy
        /// It waits for its own memory to be read from a disk (swap).
        case swapping
        /// It waits for something else: a disk, a peer.
        case blocked
        case dying
    }

    package init(of process: ProcessIdentity) { of = process }

    package mutating func note(_ reply: NodeReply, _ activity: ProcessActivity?, listening: Moment) {
        if reply.isLife { return answered(activity, at: reply.answeredAt) }
        unanswered(
            askedAt: reply.askedAt, isRefused: reply.outcome == .refused, activity, at: reply.answeredAt,
            listening: listening)
    }

    /// It answered, whatever the answer was.
    package mutating func answered(_ activity: ProcessActivity?, at now: Moment) {
        let back = silentSince == nil || isRefusing ? backSince : now
        self = Vitals(of: of)
        backSince = back
        look = activity
        lookedAt = activity == nil ? nil : now
        if activity?.isBeingKilled == true { dyingSince = now }
    }

    /// A query got no answer. `listening`: since when the loop has run on time.
    package mutating func unanswered(
        askedAt: Moment, isRefused: Bool, _ activity: ProcessActivity?, at now: Moment, listening: Moment
    ) {
        let before = look
        look = activity ?? look
        guard let activity else { return }
        lookedAt = now
        doing = Self.doing(activity, after: before)
        dyingSince = activity.isBeingKilled ? dyingSince ?? now : nil
        if activity.state == .uninterruptible { waitedForDiskAt = now }
        guard askedAt >= listening else { return }
        silentSince = silentSince ?? askedAt
        isRefusing = isRefused
        stoppedSince = doing == .stopped ? stoppedSince ?? now : nil
        // Stillness is measured between two looks.
        let isStill = doing == .blocked && before != nil && !isRefused
        stillSince = isStill ? stillSince ?? now : nil
    }

    /// The loop ran late: earlier observations prove nothing.
    package mutating func startAnew() {
        silentSince = nil
        stoppedSince = nil
        stillSince = nil
        look = nil
    }

    /// It waited in the kernel at one of the last looks, as for a disk.
    package func waitsForDisk(within window: Duration) -> Bool {
        guard let lookedAt, let waitedForDiskAt else { return false }
        return lookedAt - waitedForDiskAt <= window
    }

    /// What an unresponsive process is doing.
    private static func doing(_ activity: ProcessActivity, after before: ProcessActivity?) -> Doing {
        if activity.isBeingKilled { return .dying }
        switch activity.state {
        case .traced: return .traced(by: activity.tracer)
        case .stopped: return activity.tracer == nil ? .stopped : .traced(by: activity.tracer)
        case .running: return .busy
        case .asleep, .uninterruptible, .ended: break
        }
        if let before {
            if activity.majorFaults > before.majorFaults { return .swapping }
            if activity.cpuTicks > before.cpuTicks { return .busy }
        }
        return activity.tracer == nil ? .blocked : .traced(by: activity.tracer)
    }
}
