import Planner
import Synchronization

/// Collects the events of the hands, and wakes the loop with a bell: any number of events make one turn.
package final class Inbox: Sendable {
    private struct Waiting {
        var events: [Event] = []
        /// A turn is due, whatever the events are.
        var isDue = false
    }

    private let waiting = Mutex(Waiting())
    private let ring: AsyncStream<Void>.Continuation
    package let bell: AsyncStream<Void>

    package init() {
        (bell, ring) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    package func post(_ event: Event) {
        waiting.withLock { $0.events.append(event) }
        ring.yield()
    }

    /// Requests a turn without an event.
    package func wake() {
        waiting.withLock { $0.isDue = true }
        ring.yield()
    }

    func take() -> [Event] {
        waiting.withLock { waiting in
            defer { waiting = Waiting() }
            return waiting.events
        }
    }

    /// Takes the events if none of them is worth a turn, and none is due; nil: the loop makes one.
    func takeUnless(_ isNews: (Event) -> Bool) -> [Event]? {
        waiting.withLock { waiting in
            guard !waiting.isDue, !waiting.events.isEmpty, !waiting.events.contains(where: isNews) else { return nil }
            defer { waiting.events = [] }
            return waiting.events
        }
    }
}
