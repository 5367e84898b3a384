import ClusterModel
import RedisClient

/// What a server says of itself before its keys are imported.
struct ImportFacts: Hashable, Sendable {
    var engine: Engine
    var isClusterNode: Bool
    var isReplica: Bool
    var isLoading: Bool
    /// Keys by database.
    var keys: [Int: Int64]
    /// Bytes of its keys in memory.
    var bytes: Int64

    init(
        engine: Engine, isClusterNode: Bool = false, isReplica: Bool = false, isLoading: Bool = false,
        keys: [Int: Int64] = [:], bytes: Int64 = 0
    ) {
        self.engine = engine
        self.isClusterNode = isClusterNode
        self.isReplica = isReplica
        self.isLoading = isLoading
        self.keys = keys
        self.bytes = bytes
    }

    /// nil: it is no Redis or Valkey.
    init?(_ info: InfoReply) {
        if let version = info["valkey_version"].flatMap({ EngineVersion($0) }) {
            engine = Engine(name: .valkey, version: version)
        } else if let version = info["redis_version"].flatMap({ EngineVersion($0) }) {
            engine = Engine(name: .redis, version: version)
        } else {
            return nil
        }
        isClusterNode = info["cluster_enabled"] == "1"
        isReplica = info["role"] == "slave"
        isLoading = info["loading"] == "1"
        keys = info.keysOfDatabases
        bytes = info.integer("used_memory_dataset") ?? 0
    }
}

/// Why an import does not begin. Nothing was changed then.
enum ImportRefusal: Hashable, Sendable {
    case isClusterNode
    case isLoading
    case otherDatabases([Int: Int64])
    case unreadable(source: Engine, target: Engine)
    case cannotPause(Engine)
    case isReplica

    /// - Parameter switching: whether writes at the source will be paused.
    static func of(_ source: ImportFacts, into target: Engine, switching: Bool) -> ImportRefusal? {
        if source.isClusterNode { return .isClusterNode }
        if source.isLoading { return .isLoading }
        let others = source.keys.filter { $0.key != 0 && $0.value > 0 }
        if !others.isEmpty { return .otherDatabases(others) }
        guard target.canLoadDump(of: source.engine) else { return .unreadable(source: source.engine, target: target) }
        if switching, source.isReplica { return .isReplica }
        if switching, !source.engine.pausesWritesOnly { return .cannotPause(source.engine) }
        return nil
    }

    func failure(_ address: ImportAddress) -> Failure {
        switch self {
        case .isClusterNode:
            Failure(
                "source-is-cluster",
                "\(address) is a node of a cluster, and import takes a standalone server; nothing was copied",
                hint: "back up that cluster with clusterd backup, and restore it here")
        case .isLoading:
            Failure("source-loading", "\(address) is loading its data; nothing was copied", hint: "try again")
        case .otherDatabases(let found):
            Failure(
                "other-databases",
                "\(address) holds keys in other databases, and a cluster has database 0 only: "
                    + found.sorted { $0.key < $1.key }.map { "db\($0.key) \($0.value) keys" }.joined(separator: ", ")
                    + "; nothing was copied",
                hint: "copy them to database 0 under other names, or delete them")
        case .unreadable(let source, let target):
            Failure(
                "payload-unreadable",
                "\(address) runs \(source), and the engine of this cluster, \(target), does not read its data; nothing was copied",
                hint: "run the cluster with \(source), or a later version")
        case .cannotPause(let source):
            Failure(
                "cannot-pause", "\(address) runs \(source), which cannot pause writes alone; nothing was copied",
                hint: "import with --follow, stop the writers, then press Ctrl-C")
        case .isReplica:
            Failure(
                "cannot-pause", "\(address) is a replica: its master takes the writes; nothing was copied",
                hint: "name its master, or import with --follow")
        }
    }
}

extension Engine {
    /// `CLIENT PAUSE … WRITE` (Redis 6.2).
    fileprivate var pausesWritesOnly: Bool { name == .valkey || version >= EngineVersion(6, 2, 0) }

    /// The version of the dumps that it writes (`RDB_VERSION`, src/rdb.h), as far as it is known here: later ones count as the last.
    private var dumpVersion: Int {
        switch name {
        case .valkey: version >= EngineVersion(9, 0, 0) ? 80 : 11
        case .redis:
            version >= EngineVersion(7, 4, 0)
                ? 12 : version >= EngineVersion(7, 2, 0) ? 11 : version >= EngineVersion(7, 0, 0) ? 10 : 9
        }
    }

    /// Valkey 9 reads no dump with a version that Redis gave after the two parted (12 to 79).
    fileprivate func canLoadDump(of other: Engine) -> Bool {
        if dumpVersion >= 80, (12..<80).contains(other.dumpVersion) { return false }
        return other.dumpVersion <= dumpVersion
    }
}
