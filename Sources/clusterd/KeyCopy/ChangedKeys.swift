import ClusterModel
import RESP
import Synchronization

/// The names of keys that changed, from the keyspace notifications of a temporary replica.
final class ChangedKeys: Sendable {
    private struct State {
        var names: Set<[UInt8]> = []
        var mark: [UInt8]?
    }

    private let state = Mutex(State())

    static let pattern = "__keyevent@0__:*"
    /// A channel of the same pattern that no event of the engine has: what is published there arrives after all earlier events.
    static let markChannel = "__keyevent@0__:clusterd"

    /// A message: `pmessage`, pattern, channel, name of the key.
    func note(_ message: RESPValue) {
        guard let parts = message.elements, parts.count == 4, case .bulk(let name) = parts[3] else { return }
        let isMark = parts[2] == .bulk(Array(Self.markChannel.utf8))
        state.withLock { state in
            guard isMark else {
                state.names.insert(name)
                return
            }
            state.mark = name
        }
    }

    /// The names since the last call.
    func take() -> [[UInt8]] {
        state.withLock { state in
            defer { state.names = [] }
            return Array(state.names)
        }
    }

    func has(mark: String) -> Bool { state.withLock { $0.mark == Array(mark.utf8) } }
}
