import ClusterModel
import RESP
import RedisClient
import Synchronization

/// Copies the keys of a standalone server into the running cluster while clients write to it.
struct LiveImport {
    let replica: TemporaryReplica
    let target: TargetCluster
    private(set) var count = CopyCount()
    private var copy: KeyCopy

    /// How often everything is copied again after the source dropped all its data, or the replica lost the stream.
    private static let attempts = 3
    /// Changed keys that are few enough for a pause of the writes, or for the end of a copy.
    private static let few = 200
    private static let roundsAtMost = 50
    /// How long the link to the source may be down.
    private static let linkPatience = Duration.seconds(60)

    init(_ replica: TemporaryReplica, _ target: TargetCluster) {
        self.replica = replica
        self.target = target
        copy = KeyCopy(replica.source, target)
    }

    /// Copies all keys, then those that changed meanwhile, until few are left.
    mutating func copyAll() async throws(Failure) {
        for attempt in 1... {
            try await replica.setMark()
            var progress = CopyProgress(total: try await replica.source.size())
            var count = CopyCount()
            do throws(Failure) {
                try await copy.copyAll(&count, &progress)
            } catch {
                progress.finish()
                var error = error
                error.message += "; \(count.copied == 0 ? "nothing was" : "\(count.copied) keys were") copied"
                throw error
            }
            progress.finish()
            self.count = count
            for _ in 0..<Self.roundsAtMost {
                if try await copyChanged() < Self.few { break }
            }
            if attempt > 1 { try await removeSurplus() }
            if try await replica.hasMark() { return }
            guard attempt < Self.attempts else { throw Self.lost }
            Output.note(
                "          the source dropped all its data, or the replication began again: copying all keys again")
        }
    }

    /// Copies the keys that changed since the last call.
    /// - Returns: their number.
    mutating func copyChanged(and others: [[UInt8]] = []) async throws(Failure) -> Int {
        let names = replica.changed.take()
        let all = others.isEmpty ? names : Array(Set(names).union(others))
        _ = try await copy.copy(all, deletingMissing: true)
        return names.count
    }

    /// Copies the changes up to an offset of the source: a new replica gets its first writes up to a second late.
    mutating func catchUp(to offset: Int64) async throws(Failure) {
        try await replica.applied(offset, until: ContinuousClock.now + Self.linkPatience)
        _ = try await copyChanged()
    }

    /// Copies changes until `isOver`.
    mutating func follow(_ isOver: () -> Bool) async throws(Failure) {
        var unlinkedSince: ContinuousClock.Instant?
        while !isOver() {
            let changed = try await copyChanged()
            guard try await replica.hasMark() else {
                try await copyAll()
                try await removeSurplus()
                continue
            }
            if try await replica.isLinked() {
                unlinkedSince = nil
            } else {
                let since = unlinkedSince ?? .now
                unlinkedSince = since
                guard ContinuousClock.now - since < Self.linkPatience else {
                    throw Failure("source-lost", "the source has not answered for \(Self.linkPatience.inWords)")
                }
            }
            if changed < Self.few { try? await Task.sleep(for: .milliseconds(100)) }
        }
        _ = try await copyChanged(and: try await replica.streams())
    }

    /// With the writes at the source paused: copies the last changes, and makes sure that both sides hold the same keys.
    /// - Parameters:
    ///   - offset: the replication offset of the source, queried after the pause began.
    ///   - deadline: the end of the pause.
    mutating func finish(at offset: Int64, until deadline: ContinuousClock.Instant) async throws(Failure) {
        try await replica.applied(offset, until: deadline)
        _ = try await copyChanged(and: try await replica.streams())
        if let functions = try await replica.source.functions() { try await target.load(functions: functions) }
        // Each key of the source was in the copy or has changed since. As many keys at the target are then the same keys.
        if try await replica.source.size() != target.size() {
            try await removeSurplus()
            try await addMissing()
        }
        guard try await replica.hasMark() else { throw Self.lost }
        let others = try await replica.otherDatabases()
        if let other = others.keys.min() {
            throw Failure("other-databases", "keys appeared in database \(other) of the source, and were not copied")
        }
        guard ContinuousClock.now < deadline else {
            throw Failure(
                "pause-too-short", "the last changes took longer than the pause",
                hint: "run it again with a longer --pause")
        }
    }

    private static let lost = Failure(
        "source-changed", "the source dropped all its data during the import, or the replication began again",
        hint: "run the import again with --replace")

    /// Deletes keys of the cluster that the source does not have: FLUSHDB names none.
    private mutating func removeSurplus() async throws(Failure) {
        for node in await target.masters {
            var cursor = "0"
            repeat {
                let page = try await target.scan(node, from: cursor)
                cursor = page.cursor
                try await target.delete(try await absent(page.names))
            } while cursor != "0"
        }
    }

    private func absent(_ names: [[UInt8]]) async throws(Failure) -> [[UInt8]] {
        guard !names.isEmpty else { return [] }
        let answers = try await replica.source.send(
            names.map { RESPCommand(bytes: [Array("EXISTS".utf8), $0]) })
        return zip(names, answers).compactMap { name, answer in answer == .integer(0) ? name : nil }
    }

    private mutating func addMissing() async throws(Failure) {
        var cursor = "0"
        repeat {
            let page = try await replica.source.scan(from: cursor)
            cursor = page.cursor
            let missing = try await target.missing(page.names)
            count += try await copy.copy(missing, deletingMissing: false)
        } while cursor != "0"
    }
}

/// Writes at the source of an import, paused for a limited time.
struct WritePause {
    let connection: RedisConnection
    let address: ImportAddress
    let limit: Duration
    private(set) var deadline = ContinuousClock.now

    init(_ connection: RedisConnection, _ address: ImportAddress, limit: Duration) {
        self.connection = connection
        self.address = address
        self.limit = limit
    }

    /// - Returns: the replication offset, after which the source takes no write until the pause ends.
    mutating func begin() async throws(Failure) -> Int64 {
        deadline = ContinuousClock.now + limit
        let answers = try await send([RESPCommand("CLIENT", "PAUSE", String(limit.inMilliseconds), "WRITE")])
        if let words = answers.first?.errorText {
            throw Failure("cannot-pause", "\(address) does not pause writes: \(words)")
        }
        return try await offset()
    }

    /// The replication offset of the source now.
    func offset() async throws(Failure) -> Int64 {
        let answers = try await send([RESPCommand("INFO", "replication")])
        guard let offset = answers.first?.text.flatMap({ InfoReply($0).integer("master_repl_offset") }) else {
            throw Failure("source-refused", "\(address) does not report its replication offset")
        }
        return offset
    }

    func end() async { _ = try? await send([RESPCommand("CLIENT", "UNPAUSE")]) }

    private func send(_ commands: [RESPCommand]) async throws(Failure) -> [RESPValue] {
        do throws(RedisClientError) {
            return try await connection.pipeline(commands, timeout: .seconds(20))
        } catch {
            throw Failure("source-lost", "\(address): \(error.description)")
        }
    }
}
