import ClusterModel

extension Operation {
    /// add-node, remove-node, apply: which nodes the cluster has changes, part by part. What is done stays when it is cancelled.
    package struct Change: Sendable, Equatable, Codable {
        package enum Request: String, Sendable, Codable {
            case addNode = "add-node"
            case removeNode = "remove-node"
            case apply
        }

        package var request: Request
        /// Those that are still to be done, in this order.
        package var parts: [Part]
        package var count: Int
        /// The node that the request is about, as soon as it has a name.
        package var node: NodeName?
        /// The number of replicas of each shard that the cluster has afterwards; nil: as before.
        package var replicas: Int?
        /// The operator cancelled it while slots move: those that are half moved are still finished.
        package var isEnding = false
        /// The number of the last part of the moves of slots that are done.
        package var slotPart: Int?

        package init(_ request: Request, parts: [Part], node: NodeName? = nil, replicas: Int? = nil) {
            self.request = request
            self.parts = parts
            count = parts.count
            self.node = node
            self.replicas = replicas
        }
    }
}

extension Operation.Change {
    package enum Part: Sendable, Equatable, Codable {
        case add(Newcomer)
        /// Every master gets its share of the slots.
        case even
        /// The slots of this shard go to the others.
        case drain(shard: Int)
        /// One of these two, once the moves are fixed.
        case move(Operation.Reshard)
        case remove(Leaver)
    }

    package struct Newcomer: Sendable, Hashable, Codable {
        /// The number of its shard.
        package var shard: Int
        /// Whether it is the master of a new shard.
        package var isMaster: Bool
        /// Assigned once these ports are reserved.
        package var name: NodeName?
        package var ports: PortPair?

        package init(shard: Int, isMaster: Bool) {
            self.shard = shard
            self.isMaster = isMaster
        }
    }

    package struct Leaver: Sendable, Hashable, Codable {
        package var node: NodeName
        /// The replica that took over from it.
        package var successor: NodeName?
        /// Whether the last of its process is over, and the other nodes forget it.
        package var isForgotten = false

        package init(_ node: NodeName) { self.node = node }
    }

    /// The moves under way.
    var moves: [SlotMove] {
        if case .move(let reshard)? = parts.first { reshard.moves } else { [] }
    }

    /// Whether the part under way ends with this node's start.
    func starts(_ node: NodeName) -> Bool {
        if case .add(let newcomer)? = parts.first { newcomer.name == node } else { false }
    }

    /// Whether the part under way ends this node's process.
    func ends(_ node: NodeName) -> Bool {
        if case .remove(let leaver)? = parts.first { leaver.node == node } else { false }
    }

    func removes(_ node: NodeName) -> Bool {
        parts.contains { part in
            if case .remove(let leaver) = part { leaver.node == node } else { false }
        }
    }
}

extension Operation.Change.Part {
    /// What the operator confirms: the same for as long as the part would do the same.
    package var id: String {
        switch self {
        case .add(let newcomer): "add-\(newcomer.isMaster ? "master" : "replica") \(newcomer.shard)"
        case .even: "even-slots"
        case .drain(let shard): "drain \(shard)"
        case .move(let reshard):
            "move " + reshard.moves.map { "\($0.from)>\($0.to) \($0.slots)" }.joined(separator: " ")
        case .remove(let leaver): "remove \(leaver.node)"
        }
    }
}
