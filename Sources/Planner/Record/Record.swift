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
    /// Whether a node may still know ghost masters, from which the masters of a new cluster take their slots; nil: none does.
    package var ghosts: Bool?
    /// nil: automatic restarts and failovers are on.
    package var pause: Pause?
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

package struct Member: Sendable, Equatable, Codable {
    package var name: NodeName
    package var id: NodeID
    package var ports: PortPair
    /// Absolute; anywhere.
    package var directory: String
    package var nodesFileName: String
    /// The number of its shard, from 0. The role is not recorded here.
    package var shard: Int
    package var shardID: NodeID
    package var wanted = Wanted.running
    /// The contents of its directory do not belong to this cluster yet: its nodes.conf, if there is one, is not trusted, and is moved to
    /// quarantine before clusterd's own is written.
    package var joining = false
    /// The process that was last known to run here.
    package var process: ProcessIdentity?
    /// Whether the engine kept an append-only file when it was last queried: tells which of two files on disk is newer.
    package var appendOnly: Bool?

    /// The configured port that it replaces, if that was taken: its settings in conf.d are under this name.
    package var configuredAs: NodeName?
    /// nil: none of its processes has ended yet.
    @Boxed package var ends: NodeEnds?
    /// What it held when it was last queried; nil: it never was.
    @Boxed package var lastSeen: LastSeen?
    /// What it held when it last stopped as ordered; nil while it runs, and after any other end.
    @Boxed package var cleanStop: LastSeen?
    /// The last streams of writes that its data continue, the newest last: those of its masters, and its own.
    package var streams: [String]?
    /// The data that were in its folder until then are kept in quarantine.
    package var keptAt: WallTime?
    /// When its process was last told to stand for election; nil: it never was.
    @Boxed package var election: Election?
    /// When it was last told to hand over its role as master.
    @Boxed package var handedOver: Operation.Stamp?
    /// The slots that it owned when all slots were last owned; nil: none.
    @Boxed package var lastSlots: SlotSet?
    /// What could not be determined when it started as master.
    @Boxed package var doubt: Doubt?

    /// Why it is not on the requested port.
    package var portNote: String?

    /// The original names of its data files (`dbfilename`, `appendfilename`, `appenddirname`), if a hand-made folder has others than the
    /// engine's defaults. Lines of redis.conf.
    package var fileNames: [String] = []

    /// The name under which conf.d has the settings for this node alone.
    package var settingsName: NodeName { configuredAs ?? name }

    package enum Wanted: String, Sendable, Codable { case running, stopped }

    package init(
        name: NodeName, id: NodeID, ports: PortPair, directory: String, nodesFileName: String, shard: Int,
        shardID: NodeID
    ) {
        self.name = name
        self.id = id
        self.ports = ports
        self.directory = directory
        self.nodesFileName = nodesFileName
        self.shard = shard
        self.shardID = shardID
    }
}
