import ClusterModel
import ControlAPI

/// Copies the keys of a backup into the running cluster: each dump is loaded by a temporary engine.
struct BackupRestore {
    let folder: String
    let manifest: BackupManifest
    let target: TargetCluster
    private(set) var count = CopyCount()
    /// Keys that the engine did not load, because they had expired.
    private(set) var expiredAtLoad: Int64 = 0
    private var progress: CopyProgress

    init(_ folder: String, _ manifest: BackupManifest, _ target: TargetCluster) {
        self.folder = folder
        self.manifest = manifest
        self.target = target
        progress = CopyProgress(total: manifest.shards.allSatisfy { $0.keys != nil } ? manifest.keys : nil)
    }

    mutating func run() async throws(Failure) {
        defer { progress.finish() }
        for shard in manifest.shards {
            let server = try await ThrowawayServer.start(await target.server, loading: "\(folder)/\(shard.file)")
            do throws(Failure) {
                try await restore(shard, server)
            } catch {
                server.end()
                throw explained(error, shard)
            }
            server.end()
        }
    }

    private mutating func restore(_ shard: BackupManifest.Shard, _ server: ThrowawayServer) async throws(Failure) {
        guard let engine = await target.engine else {
            throw Failure("not-formed", "the engine of the cluster is unknown")
        }
        let source = CopySource(connection: try await server.loaded(), engine: engine)
        let databases = try await source.info("keyspace").keysOfDatabases
        if let other = databases.keys.filter({ $0 != 0 }).min() {
            throw Failure(
                "other-databases", "\(shard.file) holds keys in database \(other), and only database 0 can be restored")
        }
        try await checkLoaded(shard, source)
        // The manifest counts the libraries that the node reported last, which may be fewer than the file has.
        if let payload = try await source.functions() { try await target.load(functions: payload) }
        let (before, size) = (count.copied, try await source.size())
        var copy = KeyCopy(source, target, slots: shard.slots)
        try await copy.copyAll(&count, &progress)
        // SCAN may name a key twice.
        count.copied = min(count.copied, before + size)
    }

    /// The engine drops keys that have expired, and no others (`rdbLoadRioWithLoadingCtx`, src/rdb.c). Redis 6.2 does not count them.
    private mutating func checkLoaded(_ shard: BackupManifest.Shard, _ source: CopySource) async throws(Failure) {
        let info = try await source.info("persistence")
        guard let keys = shard.keys, let loaded = info.integer("rdb_last_load_keys_loaded"),
            let expired = info.integer("rdb_last_load_keys_expired")
        else { return }
        expiredAtLoad += expired
        guard loaded + expired == keys else {
            throw Failure(
                "dump-unreadable",
                "the engine loaded \(loaded) keys of \(shard.file) and dropped \(expired) that had expired, and the manifest "
                    + "says \(keys)")
        }
    }

    private func explained(_ error: Failure, _ shard: BackupManifest.Shard) -> Failure {
        var error = error
        error.message =
            "\(shard.file): \(error.message) (saved by \(manifest.engine)); "
            + (count.copied == 0 ? "nothing was copied" : "\(count.copied) keys were copied before")
        if error.hint == nil, count.copied > 0 {
            error.hint = "to run it again over them: --replace; to remove them: clusterd call --masters FLUSHALL"
        }
        return error
    }

    /// Compares the cluster, which was empty, with what was copied: keys with a time to live may have expired meanwhile, no others.
    func check() async throws(Failure) -> Int64 {
        let found = try await target.size()
        guard found <= count.copied, count.copied - found <= count.expiring else {
            throw Failure(
                "keys-differ",
                "\(count.copied) keys were copied, \(count.expiring) of them with a time to live, and the cluster holds \(found)",
                hint: found > count.copied
                    ? "another client writes to the cluster" : "look for evictions: clusterd call --masters INFO stats")
        }
        return count.copied - found
    }
}
