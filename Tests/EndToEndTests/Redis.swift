import NIOPosix
import RESP
import RedisClient

/// Sends one command to one node, to inspect it from outside.
enum Redis {
    static func send(
        _ port: Int, _ words: String..., host: String = "127.0.0.1", user: String? = nil, password: String? = nil,
        within limit: Duration = .seconds(10)
    ) async throws -> RESPValue {
        try await send(port, words, host: host, user: user, password: password, within: limit)
    }

    static func send(
        _ port: Int, _ words: [String], host: String = "127.0.0.1", user: String? = nil, password: String? = nil,
        security: TransportSecurity? = nil, within limit: Duration = .seconds(10)
    ) async throws -> RESPValue {
        let credentials = password.map { RedisCredentials(user: user, password: $0) }
        let connection = try await RedisConnection.connect(
            host: host, port: port, credentials: credentials, security: security,
            on: MultiThreadedEventLoopGroup.singleton, timeout: .seconds(5))
        let answer = try await connection.send(RESPCommand(words), timeout: limit)
        await connection.close()
        return answer
    }

    /// Like a client that was redirected there (`-ASK`).
    static func asking(_ port: Int, _ words: String...) async throws -> RESPValue? {
        let connection = try await RedisConnection.connect(
            host: "127.0.0.1", port: port, credentials: nil, on: MultiThreadedEventLoopGroup.singleton,
            timeout: .seconds(5))
        let answers = try await connection.pipeline([RESPCommand("ASKING"), RESPCommand(words)], timeout: .seconds(10))
        await connection.close()
        return answers.last
    }

    /// Sets `count` keys on their masters; returns the acknowledged ones.
    static func fill(
        _ ports: [Int], _ count: Int, prefix: String = "key", password: String? = nil
    ) async throws -> [String] {
        var kept: [String] = []
        for port in ports {
            let connection = try await RedisConnection.connect(
                host: "127.0.0.1", port: port, credentials: password.map { RedisCredentials(password: $0) },
                on: MultiThreadedEventLoopGroup.singleton, timeout: .seconds(5))
            let commands = (0..<count).map { RESPCommand("SET", "\(prefix)\($0)", "value") }
            let answers = try await connection.pipeline(commands, timeout: .seconds(20))
            for (index, answer) in answers.enumerated() where answer == .simple("OK") {
                kept.append("\(prefix)\(index)")
            }
            await connection.close()
        }
        return kept
    }

    /// The number of these keys that are on none of these nodes.
    static func missing(_ keys: [String], on ports: [Int], password: String? = nil) async throws -> Int {
        var left = Set(keys)
        for port in ports where !left.isEmpty {
            let connection = try await RedisConnection.connect(
                host: "127.0.0.1", port: port, credentials: password.map { RedisCredentials(password: $0) },
                on: MultiThreadedEventLoopGroup.singleton, timeout: .seconds(5))
            let ordered = left.sorted()
            let answers = try await connection.pipeline(ordered.map { RESPCommand("GET", $0) }, timeout: .seconds(20))
            for (key, answer) in zip(ordered, answers) where answer.text == "value" { left.remove(key) }
            await connection.close()
        }
        return left.count
    }
}
