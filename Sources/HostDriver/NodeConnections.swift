import ClusterModel
import NIOPosix
import NodeFiles
import Planner
import RedisClient
import Synchronization

/// One open connection for each node process, with the credentials that it accepts.
final class NodeConnections: Sendable {
    private struct Entry {
        var process: ProcessIdentity
        var connection: RedisConnection
        /// Its last answer to CLUSTER NODES.
        var nodes: NodesReply?
    }

    private let entries = Mutex<[NodeName: Entry]>([:])

    func existing(_ node: NodeName, _ process: ProcessIdentity) -> RedisConnection? {
        entries.withLock { entries in
            guard let entry = entries[node], entry.process == process, entry.connection.isOpen else { return nil }
            return entry.connection
        }
    }

    func lastNodes(_ node: NodeName, _ process: ProcessIdentity) -> NodesReply? {
        entries.withLock { entries in entries[node].flatMap { $0.process == process ? $0.nodes : nil } }
    }

    func note(_ nodes: NodesReply, _ node: NodeName, _ process: ProcessIdentity) {
        entries.withLock { entries in
            if entries[node]?.process == process { entries[node]?.nodes = nodes }
        }
    }

    /// Current requests keep their connection; later ones use a new connection.
    func renew() {
        let old = entries.withLock { entries in
            defer { entries.removeAll() }
            return entries.values.map(\.connection)
        }
        Task {
            try? await Task.sleep(for: Self.renewalLimit)
            for connection in old { await connection.close() }
        }
    }

    private static let renewalLimit = Duration.seconds(30)

    func keep(_ connection: RedisConnection, _ node: NodeName, _ process: ProcessIdentity) {
        let old = entries.withLock { entries in
            defer { entries[node] = Entry(process: process, connection: connection) }
            return entries[node]?.connection
        }
        if let old, old !== connection { Task { await old.close() } }
    }
}

extension HostDriver {
    static let connectLimit = Duration.seconds(1)

    /// A connection on which commands are allowed. Tries each of the possible credentials.
    func connect(
        _ contact: Effect.Contact, as who: Caller = .clusterd, on loop: ConnectionLoops? = nil
    ) async throws(RedisClientError) -> RedisConnection {
        let loops: ConnectionLoops = if let loop { loop } else { group }
        var refusal = RedisClientError.closed
        let current = Self.credentials(spec, of: who)
        let security = try await security(port: contact.port)
        let former = formerCredentials.withLock { $0 }.filter { !current.contains($0) }
        // A connection without credentials is always accepted, even if every command is then rejected.
        let known = current + former
        for credentials in known.filter({ $0 != nil }) + known.filter({ $0 == nil }) {
            do {
                return try await RedisConnection.connect(
                    host: contact.host, port: contact.port, credentials: credentials, security: security,
                    on: loops, timeout: Self.connectLimit)
            } catch {
                guard case .authentication = error else { throw error }
                refusal = error
            }
        }
        throw refusal
    }

    /// nil: without TLS.
    private func security(port: Int) async throws(RedisClientError) -> TransportSecurity? {
        guard let certificates = transports.certificates(port: port) else { return nil }
        var found = transports.known(certificates)
        if found == nil {
            found = await files.run(
                .init("certificates", "reading", certificates.certificate), limit: Self.connectLimit
            ) { [transports] in
                transports.read(certificates)
            }
        }
        switch found {
        case nil: throw .timedOut("the disk of \(certificates.certificate) does not answer")
        case .success(let security): return security
        case .failure(let error): throw .insecure(error.description)
        }
    }

    func connection(_ node: NodeName, _ contact: Effect.Contact) async throws(RedisClientError) -> RedisConnection {
        if let open = connections.existing(node, contact.process) { return open }
        let connection = try await connect(contact)
        connections.keep(connection, node, contact.process)
        return connection
    }

    /// The passwords with which nodes were started: if passwords changed while no clusterd ran, running nodes still use these.
    func rememberCredentials(_ directories: [DirectoryFacts]) {
        let login = spec.login
        let started = directories.compactMap(\.redisConf).filter(\.isGenerated).flatMap { file in
            Self.credentials(login, of: .clusterd) { name in
                file.directives.last { $0.name == name }?.arguments.first
            }
        }
        formerCredentials.withLock { known in
            for credentials in started where !known.contains(credentials) { known.append(credentials) }
        }
    }

    /// The sender of a command to a node.
    enum Caller { case clusterd, person }

    /// The possible credentials of clusterd: its own ACL user, the default user with `requirepass`, else the user with which replicas
    /// authenticate. nil, last or alone: no credentials. Commands of the operator use the default user if it has a password.
    static func credentials(_ spec: ClusterSpec, of who: Caller = .clusterd) -> [RedisCredentials?] {
        credentials(spec.login, of: who) { name in spec.directives.last { $0.name == name }?.arguments.first }
    }

    private static func credentials(
        _ login: ClusterSpec.Login?, of who: Caller, _ directive: (String) -> String?
    ) -> [RedisCredentials?] {
        func value(_ name: String) -> String? { directive(name).flatMap { $0.isEmpty ? nil : $0 } }
        let own = login.map { RedisCredentials(user: $0.user, password: $0.password) }
        var found: [RedisCredentials?] = []
        if let password = value("requirepass") { found.append(RedisCredentials(password: password)) }
        if let own {
            // The user of the replicas may have fewer permissions than clusterd needs.
            found.insert(own, at: who == .clusterd ? 0 : found.count)
        } else if let password = value("masterauth") {
            if let user = value("masteruser") { found.append(RedisCredentials(user: user, password: password)) }
            if value("masteruser") == nil, value("requirepass") != password {
                found.append(RedisCredentials(password: password))
            }
        }
        return found.isEmpty ? [nil] : found
    }
}
