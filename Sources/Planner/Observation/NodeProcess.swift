import ClusterModel

/// Behind one pointer: it is copied all the time.
package indirect enum NodeProcess: Sendable, Equatable {
    case running(Running)
    case exited(Exited)

    package struct Running: Sendable, Equatable {
        package var identity: ProcessIdentity
        package var since: Moment
        package var startedAt: WallTime
        /// Found running, not started by this daemon: its exit status is unknown, unless it is a child because this program replaced the
        /// one that started it.
        package var adopted: Bool
        /// When it first reported with all its data in memory; nil: not yet.
        package var loaded: Moment?

        package init(identity: ProcessIdentity, since: Moment, startedAt: WallTime, adopted: Bool) {
            self.identity = identity
            self.since = since
            self.startedAt = startedAt
            self.adopted = adopted
        }
    }

    package struct Exited: Sendable, Equatable {
        package var identity: ProcessIdentity?
        package var at: Moment
        package var wall: WallTime
        package var reason: ExitReason
        /// Consecutive exits without a stable minute between them; the backoff grows with it.
        package var failures: Int
        /// From the turn in which the exit was seen; jitters the restarts of nodes that died together.
        package var jitter: UInt64
        /// The node's last known state, for decisions about its end.
        package var lastReport: NodeReport?
        /// How long it ran, if known.
        package var ran: Duration?
        /// Consecutive ends of this kind, including this one.
        package var repeats = 1
        /// Whether it ended because this daemon ordered it: an orderly end after SHUTDOWN or SIGTERM, or an ordered SIGKILL. Not a crash on
        /// the way, and not the end of a node that hung.
        package var wasAsked = false
        /// How many processes the kernel had killed because memory ran out, at the last look before the end.
        package var memoryKillsBefore: Int?

        package init(
            identity: ProcessIdentity?, at: Moment, wall: WallTime, reason: ExitReason, failures: Int, jitter: UInt64,
            lastReport: NodeReport?
        ) {
            self.identity = identity
            self.at = at
            self.wall = wall
            self.reason = reason
            self.failures = failures
            self.jitter = jitter
            self.lastReport = lastReport
        }
    }
}
