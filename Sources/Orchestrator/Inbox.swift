import Planner
import Synchronization

/// Collects the events of the hands, and wakes the loop with a bell: any number of events make one turn.
package final class Inbox: Sendable {
    private let events = Mutex<[Event]>([])
    private let ring: AsyncStream<Void>.Continuation
    package let bell: AsyncStream<Void>

    package init() {
        (bell, ring) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    package func post(_ event: Event) {
        events.withLock { $0.append(event) }
        ring.yield()
    }

    /// Requests a turn without an event.
    package func wake() { ring.yield() }

    func take() -> [Event] {
        events.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}
