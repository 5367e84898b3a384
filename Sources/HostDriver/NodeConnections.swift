import ClusterModel
import NIOPosix
import Planner
import RedisClient
import Synchronization

/// One open connection a node process, and which credentials it takes.
final class NodeConnections: Sendable {
    private struct Entry {
        var process: ProcessIdentity
        var connection: RedisConnection
    }

    private let entries = Mutex<[NodeName: Entry]>([:])

    func existing(_ node: NodeName, _ process: ProcessIdentity) -> RedisConnection? {
        entries.withLock { entries in
            guard let entry = entries[node], entry.process == process, entry.connection.isOpen else { return nil }
            return entry.connection
        }
    }

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

    /// A connection on which commands are allowed. With several possible credentials each is tried.
    func connect(_ contact: Effect.Contact) async throws(RedisClientError) -> RedisConnection {
        var refusal = RedisClientError.closed
        let current = Self.credentials(spec)
        let former = formerCredentials.withLock { $0 }.filter { !current.contains($0) }
        for credentials in current + former {
            do {
                return try await RedisConnection.connect(
                    host: contact.host, port: contact.port, credentials: credentials, on: group,
                    timeout: Self.connectLimit)
            } catch {
                guard case .authentication = error else { throw error }
                refusal = error
            }
        }
        throw refusal
    }

    func connection(_ node: NodeName, _ contact: Effect.Contact) async throws(RedisClientError) -> RedisConnection {
        if let open = connections.existing(node, contact.process) { return open }
        let connection = try await connect(contact)
        connections.keep(connection, node, contact.process)
        return connection
    }

    /// The passwords that nodes were started with: where they were changed while no clusterd ran, those that run know no others.
    func rememberCredentials(_ directories: [DirectoryFacts]) {
        let started = directories.compactMap(\.redisConf).filter(\.isGenerated).flatMap { file in
            Self.credentials { name in file.directives.last { $0.name == name }?.arguments.first }
        }
        formerCredentials.withLock { known in
            for credentials in started where !known.contains(credentials) { known.append(credentials) }
        }
    }

    /// Who clusterd can be: the default user by `requirepass`, else whom the replicas are to their masters. nil, last or
    /// alone: nobody in particular.
    static func credentials(_ spec: ClusterSpec) -> [RedisCredentials?] {
        credentials { name in spec.directives.last { $0.name == name }?.arguments.first }
    }

    private static func credentials(_ directive: (String) -> String?) -> [RedisCredentials?] {
        func value(_ name: String) -> String? { directive(name).flatMap { $0.isEmpty ? nil : $0 } }
        var found: [RedisCredentials?] = []
        if let password = value("requirepass") { found.append(RedisCredentials(password: password)) }
        if let password = value("masterauth") {
            if let user = value("masteruser") { found.append(RedisCredentials(user: user, password: password)) }
            if value("masteruser") == nil, value("requirepass") != password {
                found.append(RedisCredentials(password: password))
            }
        }
        return found.isEmpty ? [nil] : found
    }
}
