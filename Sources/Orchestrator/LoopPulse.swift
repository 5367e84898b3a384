import ClusterModel
import Synchronization

/// Proves that the loop makes progress, for callers that do not go through the loop.
package final class LoopPulse: Sendable {
    /// The loop runs at least once a second.
    package static let patience = Duration.seconds(5)

    private let last: Mutex<Moment>

    package init(began: Moment) { last = Mutex(began) }

    package func beat(at now: Moment) { last.withLock { $0 = now } }

    /// Why the loop is not live; empty if it is.
    package func complaints(at now: Moment) -> [String] {
        let since = now - last.withLock { $0 }
        return since <= Self.patience
            ? [] : ["the main loop has not made progress for \(since.inMilliseconds / 1000) s"]
    }
}
