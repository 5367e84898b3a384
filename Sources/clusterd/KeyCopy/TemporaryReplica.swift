import ClusterModel
import RESP
import RedisClient

/// A temporary engine that replicates the source of an import: keys are read from it, and it reports which of them change.
struct TemporaryReplica {
    let source: CopySource
    let changed: ChangedKeys
    private let server: ThrowawayServer
    private let subscription: RedisConnection
    /// Writes the mark into a database of its own.
    private let side: RedisConnection

    private static let patience = Duration.seconds(60)
    /// How often the initial synchronization may begin again.
    private static let attempts = 3
    private static let markName = "clusterd-copy"

    init(_ server: ThrowawayServer, of address: ImportAddress, engine: Engine) async throws(Failure) {
        self.server = server
        source = CopySource(connection: try await server.loaded(), engine: engine)
        changed = ChangedKeys()
        let log = changed
        do throws(RedisClientError) {
            subscription = try await server.connect { log.note($0) }
            side = try await server.connect()
            _ = try await subscription.send(RESPCommand("PSUBSCRIBE", ChangedKeys.pattern), timeout: .seconds(10))
        } catch {
            throw Failure("no-engine", "a temporary engine: \(error.description)")
        }
        // Not on its command line, where every user could read the password.
        if let password = address.password {
            _ = try await source.send([RESPCommand("CONFIG", "SET", "masterauth", password)])
            if let user = address.user { _ = try await source.send([RESPCommand("CONFIG", "SET", "masteruser", user)]) }
        }
        _ = try await source.send([
            RESPCommand("CONFIG", "SET", "notify-keyspace-events", "KEA"),
            RESPCommand("CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 0 0"),
            RESPCommand("CONFIG", "SET", "replica-read-only", "no"),
            RESPCommand("CONFIG", "SET", "repl-diskless-load", "on-empty-db"),
            RESPCommand("REPLICAOF", address.host, String(address.port)),
        ])
    }

    /// Waits for the initial synchronization.
    func synchronized() async throws(Failure) {
        var deadline = ContinuousClock.now + Self.patience
        var last: Int64 = -1
        var restarts = 0
        while ContinuousClock.now < deadline {
            let info = try await source.info("all")
            if info["master_link_status"] == "up", info["loading"] != "1" { return }
            let read = info.integer("loading_loaded_bytes") ?? info.integer("master_sync_read_bytes") ?? 0
            if read != last { deadline = ContinuousClock.now + Self.patience }
            if read < last, info["loading"] != "1" { restarts += 1 }
            last = read
            guard restarts <= Self.attempts else { break }
            try? await Task.sleep(for: .milliseconds(50))
        }
        throw Failure("source-lost", "a temporary replica cannot synchronize with the source: \(server.lastLine)")
    }

    // MARK: the mark: it is gone once all data were dropped

    /// FLUSHALL and a full synchronization drop all databases, and report no key.
    func setMark() async throws(Failure) {
        try await onSide([RESPCommand("SELECT", "15"), RESPCommand("SET", Self.markName, "1")])
    }

    func hasMark() async throws(Failure) -> Bool {
        guard subscription.isOpen else {
            throw Failure("source-lost", "the notifications of the temporary replica ended")
        }
        return try await onSide([RESPCommand("EXISTS", Self.markName)]).first == .integer(1)
    }

    @discardableResult
    private func onSide(_ commands: [RESPCommand]) async throws(Failure) -> [RESPValue] {
        try await CopySource(connection: side, engine: source.engine).send(commands)
    }

    /// Databases besides 0 that got keys meanwhile.
    func otherDatabases() async throws(Failure) -> [Int: Int64] {
        var found = try await source.info("keyspace").keysOfDatabases
        found[0] = nil
        if found[15] == 1 { found[15] = nil }
        return found
    }

    func isLinked() async throws(Failure) -> Bool {
        try await source.info("replication")["master_link_status"] == "up"
    }

    /// Waits until it has applied the source's stream up to an offset, and all events of it have arrived.
    func applied(_ offset: Int64, until deadline: ContinuousClock.Instant) async throws(Failure) {
        try await wait(until: deadline, "the temporary replica to apply the last writes") { () async throws(Failure) in
            let info = try await source.info("replication")
            return info["master_link_status"] == "up" && (info.integer("slave_repl_offset") ?? 0) >= offset
        }
        let mark = "\(UInt64.random(in: 0 ... .max))"
        _ = try await source.send([RESPCommand("PUBLISH", ChangedKeys.markChannel, mark)])
        try await wait(until: deadline, "the last notifications") { () async throws(Failure) in changed.has(mark: mark)
        }
    }

    private func wait(
        until deadline: ContinuousClock.Instant, _ what: String, _ isMet: () async throws(Failure) -> Bool
    ) async throws(Failure) {
        while try await !isMet() {
            guard ContinuousClock.now < deadline else {
                throw Failure("copy-timeout", "waited in vain for \(what)")
            }
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    /// The names of all streams: acknowledgements of their groups are in no notification.
    func streams() async throws(Failure) -> [[UInt8]] {
        var found: [[UInt8]] = []
        var cursor = "0"
        repeat {
            let answer = try await source.send([
                RESPCommand("SCAN", cursor, "COUNT", "10000", "TYPE", "stream")
            ])[0]
            guard let parts = answer.elements, parts.count == 2, let next = parts[0].text else { break }
            cursor = next
            found += CopySource.names(parts[1])
        } while cursor != "0"
        return found
    }
}
