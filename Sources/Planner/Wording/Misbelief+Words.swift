extension Misbelief {
    /// Follows "7001 says".
    var words: String {
        switch self {
        case .unknown(let node): "that there is no \(node)"
        case .noAddress(let node): "that \(node) has no address"
        case .failed(let node): "that \(node), which runs, has failed"
        case .role(let node, let role):
            "that \(node) is a \(role.rawValue), but it is a \(role == .master ? "replica" : "master")"
        case .owns(let node, let slots): "that \(node) owns \(slots.named)"
        case .ownsNot(let node, let slots): "that \(node) does not own \(slots.named)"
        case .follows(let node, let said, let real):
            "that \(node) follows \(said ?? "no node"), but it follows \(real ?? "no node")"
        case .port(let node, let said, let real): "that \(node) is on port \(said), but it is on \(real)"
        }
    }
}
