import ClusterModel

/// clusterd's own memory, `state.json`: facts that no engine file and no live process could provide. Roles, slots and epochs are not here:
/// the engines know them better.
package struct Record: Sendable, Equatable, Codable {
    /// The newest schema that this program reads and writes.
    package static let schema = 3

    package var schema = Record.schema
    package var cluster: String
    package var stage: Stage
    package var shape: Shape
    package var members: [Member]
    /// Whether it was ever ready: from then on clients know its ports.
    package var everReady = false
    package var operations: [Operation] = []
    package var nextOperation = 1
    /// Whether a node may still know ghost masters, from which the masters take their slots at a start of the whole cluster; nil: none does.
    package var ghosts: Bool?
    /// At a start over data: the highest epoch before the first file named a ghost. A master has taken its slots once its epoch is higher.
    package var ghostEpoch: UInt64?
    /// nil: automatic restarts and failovers are on.
    package var pause: Pause?
    /// nil: nodes start with the configured engine.
    package var engineHold: EngineHold?
    /// Promotions that were ordered and whose outcome is not known yet: the node may be a master by now.
    package var promotions: [Effect.Promotion] = []

    /// Nodes that were killed because they hung: the last one in each shard. nil before the first.
    package var hangKills: [Kill]?
    package var kills: [Kill] {
        get { hangKills ?? [] }
        set { hangKills = newValue }
    }

    package struct Kill: Sendable, Equatable, Codable {
        package var node: NodeName
        package var process: ProcessIdentity
        package var shard: Int
        /// In the boot of the process.
        package var at: Moment
        package var cause: String

        package init(node: NodeName, process: ProcessIdentity, shard: Int, at: Moment, cause: String) {
            self.node = node
            self.process = process
            self.shard = shard
            self.at = at
            self.cause = cause
        }
    }

    package init(cluster: String, stage: Stage, shape: Shape, members: [Member]) {
        self.cluster = cluster
        self.stage = stage
        self.shape = shape
        self.members = members
    }

    package enum Stage: String, Sendable, Codable {
        /// Ids and ports are assigned, files may be half written, and no process was ever started: everything can be done again.
        case planned
        /// Every nodes.conf is written: processes may run, and directories may hold keys.
        case formed
    }

    package struct Shape: Sendable, Equatable, Codable {
        package var masters: Int
        package var replicas: Int

        package init(masters: Int, replicas: Int) {
            self.masters = masters
            self.replicas = replicas
        }
    }

    package func member(_ name: NodeName) -> Member? { members.first { $0.name == name } }
    package func member(id: NodeID) -> Member? { members.first { $0.id == id } }
    package func index(_ name: NodeName) -> Int? { members.firstIndex { $0.name == name } }
}
