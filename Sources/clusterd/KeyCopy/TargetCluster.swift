import ClusterModel
import ControlAPI
import ControlClient
import NIOPosix
import RESP
import RedisClient

/// The running cluster, into which keys are copied. It learns the owner of each slot from the daemon, and again whenever a node refuses a
/// key.
actor TargetCluster {
    private let client: ControlClient
    private var owners: [(slots: SlotSet, node: NodeName)] = []
    private var connections: [NodeName: RedisConnection] = [:]
    private(set) var engine: Engine?
    /// The server program with which the daemon runs the nodes.
    private(set) var server = ""
    /// The address of a master, for the last message.
    private(set) var address = ""

    /// How long a failover, or another reason for a refusal, may last.
    static let patience = Duration.seconds(60)
    static let connectLimit = Duration.seconds(5)

    init(_ client: ControlClient) { self.client = client }

    // MARK: the masters

    /// Learns the masters, and what they hold.
    func inspect() async throws(Failure) -> [TargetMaster] {
        let status = try client.get(.status, StatusDocument.self)
        if let operation = status.operations.first(where: { !$0.state.hasEnded }) {
            throw TargetRefusal.operationRuns(operation.title).failure
        }
        learnOwners(status)
        var masters: [TargetMaster] = []
        for owner in owners { masters.append(try await inspect(owner.node, owner.slots)) }
        return masters
    }

    private func inspect(_ node: NodeName, _ slots: SlotSet) async throws(Failure) -> TargetMaster {
        let answers = try await send([RESPCommand("INFO")], to: node)
        guard let text = answers.first?.text else { throw Failure("not-understood", "\(node) does not answer INFO") }
        let info = InfoReply(text)
        let databases = info.keysOfDatabases
        var master = TargetMaster(
            name: node, slots: slots, keys: databases[0] ?? 0, otherDatabases: databases.filter { $0.key != 0 },
            usedMemory: info.integer("used_memory") ?? 0, maxMemory: info.integer("maxmemory") ?? 0)
        if engine?.isSevenOrLater ?? false {
            let libraries = try await send([RESPCommand("FUNCTION", "LIST")], to: node)
            master.hasFunctions = !(libraries.first?.elements ?? []).isEmpty
        }
        return master
    }

    private func learnOwners(_ status: StatusDocument) {
        owners = status.nodes.compactMap { node in
            guard node.role == .master, let slots = SlotSet(texts: node.slots), !slots.isEmpty else { return nil }
            return (slots, node.name)
        }
        if engine == nil, let found = status.nodes.lazy.compactMap(\.engine).first,
            let name = Engine.Name(rawValue: found.name), let version = EngineVersion(found.version)
        {
            engine = Engine(name: name, version: version)
        }
        if let node = status.nodes.first(where: { $0.role == .master }) { address = "\(node.host):\(node.port)" }
    }

    /// The number of keys in all masters.
    func size() async throws(Failure) -> Int64 {
        var sum: Int64 = 0
        for node in owners.map(\.node) {
            if case .integer(let keys)? = try await send([RESPCommand("DBSIZE")], to: node).first { sum += keys }
        }
        return sum
    }

    /// Loads libraries of functions on every master.
    func load(functions payload: [UInt8]) async throws(Failure) {
        let words = [Array("FUNCTION".utf8), Array("RESTORE".utf8), payload, Array("REPLACE".utf8)]
        let command = RESPCommand(bytes: words)
        for node in owners.map(\.node) {
            let answers = try await send([command], to: node)
            if let words = answers.first?.errorText {
                throw Failure("functions-refused", "\(node) does not load the functions: \(words)")
            }
        }
    }

    // MARK: keys

    /// Stores keys at their owners. Returns when all are acknowledged. REPLACE, because SCAN may name a key twice.
    func store(_ keys: [DumpedKey]) async throws(Failure) {
        try await carryOut(
            keys.map { key in
                let words: [[UInt8]] = [
                    Array("RESTORE".utf8), key.name, Array(String(key.expiresAt).utf8), key.payload,
                    Array("REPLACE".utf8), Array("ABSTTL".utf8),
                ]
                return (key.name, RESPCommand(bytes: words))
            })
    }

    func delete(_ names: [[UInt8]]) async throws(Failure) {
        try await carryOut(names.map { ($0, RESPCommand(bytes: [Array("DEL".utf8), $0])) })
    }

    /// Those of the names that the cluster does not have.
    func missing(_ names: [[UInt8]]) async throws(Failure) -> [[UInt8]] {
        let answers = try await carryOut(names.map { ($0, RESPCommand(bytes: [Array("EXISTS".utf8), $0])) })
        return zip(names, answers).compactMap { $1 == .integer(0) ? $0 : nil }
    }

    var masters: [NodeName] { owners.map(\.node) }

    /// One step of SCAN on a master, as `CopySource.scan`.
    func scan(_ node: NodeName, from cursor: String) async throws(Failure) -> (cursor: String, names: [[UInt8]]) {
        let answers = try await send([RESPCommand("SCAN", cursor, "COUNT", CopySource.step)], to: node)
        guard let parts = answers.first?.elements, parts.count == 2, let next = parts[0].text else {
            throw Failure("not-understood", "\(node) does not answer SCAN")
        }
        return (next, CopySource.names(parts[1]))
    }

    private typealias Job = (name: [UInt8], command: RESPCommand)

    /// Sends each command to the owner of its key, and those that are refused for the moment again. Every reply is a success.
    @discardableResult
    private func carryOut(_ jobs: [Job]) async throws(Failure) -> [RESPValue] {
        var answers = [RESPValue](repeating: .null, count: jobs.count)
        var left = Array(jobs.indices)
        let deadline = ContinuousClock.now + Self.patience
        while !left.isEmpty {
            var refused: [Int] = []
            var why = ""
            let sent = await send(jobs, grouped(left, jobs))
            if let homeless = left.first(where: { owner(of: jobs[$0].name) == nil }) {
                why = "slot \(hashSlot(of: jobs[homeless].name)) has no master"
            }
            var seen = Set<Int>()
            for part in sent {
                for (index, answer) in zip(part.indices, part.answers) {
                    seen.insert(index)
                    guard let text = answer.errorText else {
                        answers[index] = answer
                        continue
                    }
                    let words = try temporary(CopyRefusal(text), at: part.node)
                    why = "\(part.node): \(words)"
                    refused.append(index)
                }
                if let error = part.error {
                    connections[part.node] = nil
                    why = "\(part.node): \(error.description)"
                }
            }
            left = refused + left.filter { !seen.contains($0) }
            guard !left.isEmpty else { break }
            guard ContinuousClock.now < deadline else {
                throw Failure(
                    "target-refused", "the cluster does not take a key for \(Self.patience.inWords): \(why)",
                    hint: "clusterd status")
            }
            try? await Task.sleep(for: .milliseconds(100))
            if let status = try? client.get(.status, StatusDocument.self) { learnOwners(status) }
        }
        return answers
    }

    /// The words of a refusal that may pass; throws for one that does not.
    private func temporary(_ refusal: CopyRefusal, at node: NodeName) throws(Failure) -> String {
        switch refusal {
        case .temporary(let words): return words
        case .full:
            throw Failure(
                "target-full", "\(node) is full (maxmemory)",
                hint: "raise redis.maxmemory, clusterd reload, and run the command again with --replace")
        case .unreadable:
            throw Failure(
                "payload-unreadable",
                "\(node) (\(engine?.description ?? "of an unknown version")) does not understand the data of a key: a later "
                    + "engine or a module wrote it")
        case .other(let words): throw Failure("target-refused", "\(node) replies: \(words)")
        }
    }

    private func owner(of name: [UInt8]) -> NodeName? {
        let slot = hashSlot(of: name)
        return owners.first { $0.slots.contains(slot) }?.node
    }

    private func grouped(_ indices: [Int], _ jobs: [Job]) -> [NodeName: [Int]] {
        var groups: [NodeName: [Int]] = [:]
        for index in indices {
            if let node = owner(of: jobs[index].name) { groups[node, default: []].append(index) }
        }
        return groups
    }

    private struct Part: Sendable {
        var node: NodeName
        var indices: [Int]
        var answers: [RESPValue] = []
        var error: RedisClientError?
    }

    /// All masters work at the same time.
    private func send(_ jobs: [Job], _ groups: [NodeName: [Int]]) async -> [Part] {
        var orders: [(part: Part, connection: RedisConnection, commands: [RESPCommand])] = []
        var parts: [Part] = []
        for (node, indices) in groups {
            do throws(Failure) {
                let connection = try await connection(to: node)
                orders.append((Part(node: node, indices: indices), connection, indices.map { jobs[$0].command }))
            } catch {
                parts.append(Part(node: node, indices: indices, error: .refused(error.message)))
            }
        }
        let done = await withTaskGroup(of: Part.self) { group in
            for order in orders {
                let (part, connection, commands) = order
                group.addTask {
                    var part = part
                    do throws(RedisClientError) {
                        part.answers = try await connection.pipeline(commands, timeout: CopySource.patience)
                    } catch {
                        part.error = error
                    }
                    return part
                }
            }
            var found: [Part] = []
            for await part in group { found.append(part) }
            return found
        }
        return parts + done
    }

    // MARK: connections

    private func send(_ commands: [RESPCommand], to node: NodeName) async throws(Failure) -> [RESPValue] {
        let connection = try await connection(to: node)
        do throws(RedisClientError) {
            return try await connection.pipeline(commands, timeout: CopySource.patience)
        } catch {
            connections[node] = nil
            throw Failure("node-silent", "\(node): \(error.description)", hint: "clusterd status")
        }
    }

    private func connection(to node: NodeName) async throws(Failure) -> RedisConnection {
        if let open = connections[node], open.isOpen { return open }
        let login = try client.get(.login(node.text), LoginDocument.self)
        server = login.server
        do throws(RedisClientError) {
            let made = try await RedisConnection.connect(
                host: login.host, port: login.port,
                credentials: login.password.map { RedisCredentials(user: login.user, password: $0) },
                security: try login.security, limits: .forCopies, on: MultiThreadedEventLoopGroup.singleton,
                timeout: Self.connectLimit)
            connections[node] = made
            return made
        } catch {
            throw Failure("node-silent", "\(node): \(error.description)", hint: "clusterd status")
        }
    }
}

extension LoginDocument {
    /// nil: the node does not use TLS. The files are read with the permissions of the calling user.
    fileprivate var security: TransportSecurity? {
        get throws(RedisClientError) {
            guard let tls else { return nil }
            let files = ClusterSpec.Certificates { name in
                switch name {
                case "tls-cert-file": tls.certificate
                case "tls-key-file": tls.key
                case "tls-ca-cert-file": tls.authorityFile
                case "tls-ca-cert-dir": tls.authorityFolder
                default: nil
                }
            }
            guard let files else { return nil }
            do throws(CertificateError) {
                return try TransportSecurity(files)
            } catch {
                throw .insecure(error.description)
            }
        }
    }
}
