import ClusterModel

/// clusterd's own memory, `state.json`: what no file of the engine and no live process could tell it. Roles, slots and
/// epochs are not here: the engines know them better.
package struct Record: Sendable, Equatable, Codable {
    /// The newest form that this program reads and writes.
    package static let schema = 2

    package var schema = Record.schema
    package var cluster: String
    package var stage: Stage
    package var shape: Shape
    package var members: [Member]
    /// Whether it was ever ready: from then on people know its ports.
    package var everReady = false
    package var operations: [Operation] = []
    package var nextOperation = 1
    /// nil: clusterd acts by itself.
    package var pause: Pause?
    /// Promotions that were ordered and whose end is not known yet: the node may be a master by now.
    package var promotions: [Effect.Promotion] = []

    /// Nodes that were killed because they hung: the last in each shard. nil before there was any.
    package var hangKills: [Kill]?
    package var kills: [Kill] {
        get { hangKills ?? [] }
        set { hangKills = newValue }
    }

    package struct Kill: Sendable, Equatable, Codable {
        package var node: NodeName
        package var process: ProcessIdentity
        package var shard: Int
        /// Of the process's own boot.
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
        /// Ids and ports are given, files may be half written, and no process was ever started: all can be done again.
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
    /// Which shard it belongs to, from 0. Who is its master is not said here.
    package var shard: Int
    package var shardID: NodeID
    package var wanted = Wanted.running
    /// What its directory holds is not of this cluster yet: its nodes.conf, if there is one, is not believed, and is moved
    /// to quarantine before ours is written.
    package var joining = false
    /// The process that was last known to run here.
    package var process: ProcessIdentity?
    /// Whether the engine kept an AOF when it was last asked: tells which of two files on disk is the newer state.
    package var appendOnly: Bool?

    /// The configured port that it stands in for, where that one was taken: its settings in conf.d are under this name.
    package var configuredAs: NodeName?
    /// nil: none of its processes has ended yet.
    @Boxed package var ends: NodeEnds?
    /// What it held when it was last asked; nil: it never was.
    @Boxed package var lastSeen: LastSeen?
    /// What it held when it last ended as it was told; nil while it runs, and after any other end.
    @Boxed package var cleanStop: LastSeen?
    /// The last streams of writes that its data continue, the newest last: those of its masters, and its own.
    package var streams: [String]?
    /// What lay in its folder until then is kept in quarantine.
    package var keptAt: WallTime?
    /// When its process was last told to stand for election; nil: it never was.
    @Boxed package var election: Election?
    /// When it was last told to give up its role as master to another.
    @Boxed package var handedOver: Operation.Stamp?
    /// The slots that it owned when all slots were owned last; nil: none.
    @Boxed package var lastSlots: SlotSet?
    /// What could not be known when it started as master.
    @Boxed package var doubt: Doubt?

    /// Why it is not on the port that was asked for.
    package var portNote: String?

    /// The names that its data files have had from the start (`dbfilename`, `appendfilename`, `appenddirname`), where a
    /// folder laid out by hand has others than the engine's own. Lines of redis.conf.
    package var fileNames: [String] = []

    /// The name under which conf.d has what is meant for this node alone.
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
