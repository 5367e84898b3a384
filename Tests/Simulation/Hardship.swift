extension Scenario {
    /// The severity of the faults.
    enum Hardship {
        /// Only clusterd dies, and no write may be lost.
        case none
        /// Nodes die too.
        case deaths
        /// Nodes are stopped, or do not serve their sockets, and orders arrive late.
        case pauses
        /// The host loses power, and files are lost, truncated or replaced.
        case disks
        /// Nodes die while some replicas lag behind others.
        case lag
        /// Disks are full temporarily, and nodes die too.
        case room
        case all
    }
}
