import ClusterModel
import Planner
import RESP
import RedisClient

/// The commands of one poll of a node, and the parsing of its answers.
enum NodeQuestion {
    static let commands = [
        RESPCommand("INFO"), RESPCommand("CLUSTER", "INFO"), RESPCommand("CLUSTER", "NODES"),
        RESPCommand("CONFIG", "GET", "appendonly"), RESPCommand("CONFIG", "GET", "appendfsync"),
        RESPCommand("CONFIG", "GET", "cluster-replica-no-failover"),
        RESPCommand("CONFIG", "GET", "min-replicas-to-write"),
    ]

    static let slotsCounted = 16

    /// What is read of INFO.
    private static let infoFields = InfoReply.Selection([
        "process_id", "loading", "rdb_bgsave_in_progress", "rdb_last_bgsave_status", "aof_last_write_status",
        "aof_current_size", "aof_rewrite_in_progress", "aof_rewrite_scheduled", "paused_reason", "paused_actions",
        "role", "master_link_status", "master_sync_in_progress", "master_replid", "slave_repl_offset",
        "master_repl_offset", "connected_slaves", "min_slaves_good_slaves", "sync_full",
        "master_link_down_since_seconds", "uptime_in_seconds", "valkey_version", "redis_version", "maxmemory",
        "used_memory", "connected_clients", "instantaneous_ops_per_sec", "number_of_libraries",
    ])
    /// What is read of CLUSTER INFO.
    private static let clusterFields = InfoReply.Selection(["cluster_state", "cluster_current_epoch"])

    /// - Parameter nodes: the node's last answer to CLUSTER NODES, which this one takes the place of.
    static func read(_ answers: [RESPValue], _ nodes: inout NodesReply?) -> NodeReply.Outcome {
        if let words = answers.lazy.compactMap(\.errorText).first { return .answered(words) }
        guard answers.count == commands.count, let info = InfoReply(answers[0], only: infoFields),
            let cluster = InfoReply(answers[1], only: clusterFields), case .bulk(let lines) = answers[2]
        else { return .answered("its answer has an unexpected format") }
        let reply = NodesReply(lines, after: nodes)
        nodes = reply
        let view = reply.view
        guard let pid = info.integer("process_id"), let myself = view.myself,
            let replication = replication(info, myself)
        else { return .answered("its answer has an unexpected format") }
        var report = NodeReport(
            processID: Int32(clamping: pid), id: myself.id, engine: engine(info), loading: info["loading"] == "1",
            replication: replication, clusterStateOK: cluster["cluster_state"] == "ok",
            currentEpoch: UInt64(clamping: cluster.integer("cluster_current_epoch") ?? 0), view: view,
            persistence: .init(
                appendOnly: answers[3].elements?.last?.text == "yes", saving: info["rdb_bgsave_in_progress"] == "1",
                lastSaveOK: info["rdb_last_bgsave_status"] != "err",
                lastAppendOK: info["aof_last_write_status"] != "err",
                appendFsync: answers[4].elements?.last?.text, appendOnlyBytes: info.integer("aof_current_size")),
            load: load(info), settings: settings(answers.suffix(4)))
        report.persistence.rewritesAppendOnly =
            info["aof_rewrite_in_progress"] == "1" || info["aof_rewrite_scheduled"] == "1"
        // A planned failover pauses the master's clients too, with another reason.
        report.holdsWrites = info["paused_reason"] == "client_pause" && info["paused_actions"] != "none"
        return .report(report)
    }

    /// The answers to CONFIG GET, each for one directive.
    private static func settings(_ answers: ArraySlice<RESPValue>) -> [String: String] {
        var found: [String: String] = [:]
        for answer in answers {
            if let elements = answer.elements, elements.count == 2, let name = elements[0].text {
                found[name] = elements[1].text
            }
        }
        return found
    }

    private static func replication(_ info: InfoReply, _ myself: NodeEntry) -> NodeReport.Replication? {
        guard let role = info["role"] else { return nil }
        let isReplica = role == "slave"
        var found = NodeReport.Replication(
            role: isReplica ? .replica : .master, linkUp: isReplica && info["master_link_status"] == "up",
            syncInProgress: info["master_sync_in_progress"] == "1", replicationID: info["master_replid"] ?? "",
            offset: info.integer(isReplica ? "slave_repl_offset" : "master_repl_offset") ?? 0,
            connectedReplicas: Int(info.integer("connected_slaves") ?? 0), linkDownFor: linkDownFor(info))
        found.goodReplicas = info.integer("min_slaves_good_slaves").map { Int(clamping: $0) }
        found.fullSyncs = info.integer("sync_full")
        return found
    }

    /// For a link that was never up, some engines report -1, others a link that is down since 1970.
    private static func linkDownFor(_ info: InfoReply) -> Duration? {
        guard let seconds = info.integer("master_link_down_since_seconds"), seconds >= 0,
            seconds <= info.integer("uptime_in_seconds") ?? 0
        else { return nil }
        return .seconds(seconds)
    }

    private static func engine(_ info: InfoReply) -> Engine {
        let none = EngineVersion(0, 0, 0)
        if let text = info["valkey_version"] { return Engine(name: .valkey, version: EngineVersion(text) ?? none) }
        return Engine(name: .redis, version: info["redis_version"].flatMap { EngineVersion($0) } ?? none)
    }

    private static func load(_ info: InfoReply) -> NodeReport.Load {
        let keys = info.keysOfDatabases
        let limit = info.integer("maxmemory") ?? 0
        var load = NodeReport.Load(
            keys: keys.values.reduce(0, +), memoryBytes: info.integer("used_memory") ?? 0,
            maxMemoryBytes: limit > 0 ? limit : nil,
            clients: Int(info.integer("connected_clients") ?? 0),
            operationsPerSecond: info.integer("instantaneous_ops_per_sec") ?? 0)
        // Redis before 7.0 has no functions, and does not report them.
        load.libraries = info.integer("number_of_libraries") ?? 0
        load.otherDatabases = keys.keys.filter { $0 != 0 }.sorted()
        return load
    }

    /// CLUSTER COUNTKEYSINSLOT counts only in the selected database, so each database with keys is selected in turn.
    static func counts(of slots: [Int], otherDatabases: [Int]) -> [RESPCommand] {
        let counts = slots.map { RESPCommand("CLUSTER", "COUNTKEYSINSLOT", String($0)) }
        guard !otherDatabases.isEmpty else { return counts }
        return counts + otherDatabases.flatMap { [RESPCommand("SELECT", String($0))] + counts }
            + [RESPCommand("SELECT", "0")]
    }

    /// Keys of these slots in all databases, from the answers to `counts`; nil: one of the answers is an error.
    static func keys(of slots: [Int], in answers: [RESPValue]) -> [Int: Int64]? {
        var counts: [Int64] = []
        for answer in answers {
            switch answer {
            case .integer(let count): counts.append(count)
            case .simple: continue
            default: return nil
            }
        }
        guard !slots.isEmpty, counts.count.isMultiple(of: slots.count), counts.count >= slots.count else { return nil }
        var keys: [Int: Int64] = [:]
        for (index, count) in counts.enumerated() { keys[slots[index % slots.count], default: 0] += count }
        return keys
    }
}

extension HostDriver {
    static let answerLimit = Duration.seconds(1)

    func ask(_ node: NodeName, _ contact: Effect.Contact) async -> NodeReply.Outcome {
        do {
            let connection = try await connection(node, contact)
            var nodes = connections.lastNodes(node, contact.process)
            let outcome = try await question(connection, &nodes)
            if let nodes { connections.note(nodes, node, contact.process) }
            return outcome
        } catch {
            return Self.noAnswer(error)
        }
    }

    /// Uses a new connection, because a kept connection may belong to another process.
    func identify(_ contact: Effect.Contact) async -> NodeReply.Outcome {
        do {
            let connection = try await connect(contact)
            let answer: NodeReply.Outcome
            var nodes: NodesReply?
            do throws(RedisClientError) { answer = try await question(connection, &nodes) } catch {
                answer = Self.noAnswer(error)
            }
            await connection.close()
            return answer
        } catch {
            return Self.noAnswer(error)
        }
    }

    private func question(
        _ connection: RedisConnection, _ nodes: inout NodesReply?
    ) async throws(RedisClientError) -> NodeReply.Outcome {
        let answers = try await connection.pipeline(NodeQuestion.commands, timeout: Self.answerLimit)
        let outcome = NodeQuestion.read(answers, &nodes)
        guard case .report(var report) = outcome, let importing = report.view.myself?.importing, !importing.isEmpty
        else {
            return outcome
        }
        let slots = Array(importing.map(\.slot).prefix(NodeQuestion.slotsCounted))
        let counts = try await connection.pipeline(
            NodeQuestion.counts(of: slots, otherDatabases: report.load.otherDatabases), timeout: Self.answerLimit)
        // Without a count from every database the number is unknown, and the slot stays unchanged.
        report.keysOfImportedSlots = NodeQuestion.keys(of: slots, in: counts) ?? [:]
        return .report(report)
    }

    private static func noAnswer(_ error: RedisClientError) -> NodeReply.Outcome {
        switch error {
        case .refused, .closed: .refused
        case .timedOut: .silent
        case .authentication(let words), .turnedAway(let words): .answered(words)
        case .insecure(let what): .answered("TLS: \(what)")
        case .protocolViolation(let what): .answered(what)
        }
    }
}
