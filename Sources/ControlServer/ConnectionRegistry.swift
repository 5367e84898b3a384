import NIOCore
import Synchronization

/// The open connections, up to a limit.
final class ConnectionRegistry: Sendable {
    private struct State {
        var open: [ObjectIdentifier: any Channel] = [:]
        var closed = false
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    /// Returns false above the limit, and after `close`. An admitted channel is removed when it closes.
    func admit(_ channel: any Channel) -> Bool {
        let identifier = ObjectIdentifier(channel)
        let admitted = state.withLock { state in
            guard !state.closed, state.open.count < limit else { return false }
            state.open[identifier] = channel
            return true
        }
        if admitted {
            channel.closeFuture.whenComplete { _ in
                self.state.withLock { _ = $0.open.removeValue(forKey: identifier) }
            }
        }
        return admitted
    }

    var all: [any Channel] { state.withLock { Array($0.open.values) } }

    /// Admits no more connections. Returns those that are open.
    func close() -> [any Channel] {
        state.withLock { state in
            state.closed = true
            return Array(state.open.values)
        }
    }
}
