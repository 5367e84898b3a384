import ClusterModel
import Planner

/// A node's folder on a simulated disk.
struct SimulatedFolder {
    var nodesFileName: String?
    var nodesFile: NodesFile?
    var redisConf: [UInt8] = []
    var appendOnly: AppendOnly?
    var dump: Dump?
    /// A user, or a crash of the host, has changed the contents: the engine's own files would differ.
    var isTampered = false

    struct AppendOnly: Equatable {
        /// The data of a process that loads it.
        var copy: Copy?
        /// The part of it that survives a power loss of the host.
        var synced: Copy?
        /// The part in the base file: the data at its last rewrite.
        var baseKeys = 0
        var rewrittenAt: WallTime
        var writtenAt: WallTime
        /// It ends in the middle of a command: the engine does not load it.
        var isTorn = false
    }

    struct Dump: Equatable {
        var copy: Copy?
        var savedAt: WallTime
        var modified: WallTime
        /// The stream that it was saved from.
        var position: Freshness.Position?
    }

    var copies: [Copy?] { [appendOnly?.copy, dump?.copy] }

    func facts(_ path: String, _ writes: Writes) -> DirectoryFacts {
        var facts = DirectoryFacts(path: path)
        facts.exists = true
        facts.writable = true
        facts.nodesFileName = nodesFileName
        facts.nodesFile = nodesFile.map { .parsed($0) } ?? .absent
        if !redisConf.isEmpty { facts.redisConf = RedisConfFacts(fileName: "redis.conf", redisConf) }
        if let appendOnly {
            facts.content.appendOnly = AppendOnlyFiles(
                directoryName: "appendonlydir", files: Self.files(appendOnly, writes))
        }
        if let dump {
            var header = RDBHeader(formatVersion: writes.contents.engine.name == .valkey ? 80 : 10)
            header.savedAt = WallTime(milliseconds: dump.savedAt.milliseconds / 1000 * 1000)
            header.replicationID = dump.position?.replicationID
            header.replicationOffset = dump.position?.offset
            let keys = writes.keys(dump.copy)
            facts.content.dumps = [
                DataFile(
                    name: "dump.rdb", size: 100 + Int64(keys) * Writes.bytes, modified: dump.modified,
                    evidence: writes.contents.evidence(keys), header: header)
            ]
        }
        return facts
    }

    static func bytes(_ file: AppendOnly, keys: Int) -> Int64 { 90 + Int64(keys) * Writes.bytes }

    private static func files(_ file: AppendOnly, _ writes: Writes) -> [DataFile] {
        let keys = writes.keys(file.copy)
        let base = min(file.baseKeys, keys)
        return [
            DataFile(
                name: "appendonlydir/appendonly.aof.1.base.rdb", size: 90 + Int64(base) * Writes.bytes,
                modified: file.rewrittenAt, evidence: writes.contents.evidence(base)),
            DataFile(
                name: "appendonlydir/appendonly.aof.1.incr.aof", size: Int64(keys - base) * Writes.bytes,
                modified: file.writtenAt, evidence: file.isTorn ? .keys : writes.contents.evidence(keys - base)),
        ]
    }
}
