import ClusterModel

/// One node of the cluster, as recorded. Its fields are behind one pointer: members are copied all the time, and seldom changed.
@dynamicMemberLookup
package struct Member: Sendable, Equatable, Codable {
    private final class Storage: Sendable {
        let fields: Fields

        init(_ fields: Fields) { self.fields = fields }
    }

    private var storage: Storage

    package init(
        name: NodeName, id: NodeID, ports: PortPair, directory: String, nodesFileName: String, shard: Int,
        shardID: NodeID
    ) {
        storage = Storage(
            Fields(
                name: name, id: id, ports: ports, directory: directory, nodesFileName: nodesFileName, shard: shard,
                shardID: shardID))
    }

    package init(from decoder: any Decoder) throws { storage = Storage(try Fields(from: decoder)) }
    package func encode(to encoder: any Encoder) throws { try storage.fields.encode(to: encoder) }

    package static func == (a: Member, b: Member) -> Bool {
        a.storage === b.storage || a.storage.fields == b.storage.fields
    }

    package subscript<Value>(dynamicMember path: KeyPath<Fields, Value>) -> Value { storage.fields[keyPath: path] }

    package subscript<Value>(dynamicMember path: WritableKeyPath<Fields, Value>) -> Value {
        get { storage.fields[keyPath: path] }
        set { change { $0[keyPath: path] = newValue } }
    }

    // What is read all the time, without the detour of a key path that the compiler cannot always see through.
    package var name: NodeName {
        get { storage.fields.name }
        set { change { $0.name = newValue } }
    }
    package var id: NodeID {
        get { storage.fields.id }
        set { change { $0.id = newValue } }
    }
    package var ports: PortPair {
        get { storage.fields.ports }
        set { change { $0.ports = newValue } }
    }
    package var directory: String {
        get { storage.fields.directory }
        set { change { $0.directory = newValue } }
    }
    package var shard: Int {
        get { storage.fields.shard }
        set { change { $0.shard = newValue } }
    }
    package var wanted: Wanted {
        get { storage.fields.wanted }
        set { change { $0.wanted = newValue } }
    }
    package var process: ProcessIdentity? {
        get { storage.fields.process }
        set { change { $0.process = newValue } }
    }

    private mutating func change(_ edit: (inout Fields) -> Void) {
        var fields = storage.fields
        edit(&fields)
        storage = Storage(fields)
    }

    package enum Wanted: String, Sendable, Codable { case running, stopped }
}

extension Member {
    package struct Fields: Sendable, Equatable, Codable {
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

        /// The server program of its last start; nil: an earlier clusterd started it.
        package var startedFrom: String?
        /// The last one with which it was in sync.
        package var program: EngineSource?

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
        /// A digest of the data files that were kept in quarantine last: of their names, sizes and times. Not the time itself, which a clock
        /// that is set, or an older file that is put back, would make worthless.
        package var keptFiles: String?
        /// When its process was last told to stand for election; nil: it never was.
        @Boxed package var election: Election?
        /// When it was last told to hand over its role as master.
        @Boxed package var handedOver: Operation.Stamp?
        /// The slots that it owned when all slots were last owned; nil: none.
        @Boxed package var lastSlots: SlotSet?
        /// What could not be determined when it started as master.
        @Boxed package var doubt: Doubt?

        /// A master without slots, which is not to become a replica of another node: a new one, or one that gave all away and will leave.
        package var awaitsSlots: Bool?
        /// Every other node has forgotten it, and its files are in quarantine.
        package var hasLeft: Bool?

        /// Why it is not on the requested port.
        package var portNote: String?

        /// The original names of its data files (`dbfilename`, `appendfilename`, `appenddirname`), if a hand-made folder has others than the
        /// engine's defaults. Lines of redis.conf.
        package var fileNames: [String] = []

        /// The name under which conf.d has the settings for this node alone.
        package var settingsName: NodeName { configuredAs ?? name }

        init(
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
}
