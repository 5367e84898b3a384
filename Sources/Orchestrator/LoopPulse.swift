import ClusterModel
import Synchronization

/// The proof that the loop makes progress, for those who ask without going through it.
package final class LoopPulse: Sendable {
    /// The loop turns each second at least.
    package static let patience = Duration.seconds(5)

    private let last: Mutex<Moment>

    package init(began: Moment) { last = Mutex(began) }

    package func beat(at now: Moment) { last.withLock { $0 = now } }

    /// Why it does not live; empty: it does.
    package func complaints(at now: Moment) -> [String] {
        let since = now - last.withLock { $0 }
        return since <= Self.patience ? [] : ["the loop has not turned for \(since.inMilliseconds / 1000) s"]
    }
}
