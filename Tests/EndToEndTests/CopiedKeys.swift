import NIOPosix
import RESP
import RedisClient
import Testing

/// Keys of every type, for tests that copy them into another cluster.
enum CopiedKeys {
    /// One command in each line.
    static let commands = [
        "SET text:1 value", "SET text:2 value PX 3600000", "HSET hash:1 a 1 b 2",
        "RPUSH list:1 a b c",
        "SADD set:1 a b c", "SADD numbers:1 1 2 3", "ZADD sorted:1 1 a 2.5 b", "PFADD distinct:1 a b c",
        "SETBIT bits:1 100 1",
        "GEOADD places:1 13.4 52.5 berlin", "XADD stream:1 1-1 field value", "XADD stream:1 2-1 field value",
        "XGROUP CREATE stream:1 group 0", "XREADGROUP GROUP group consumer COUNT 1 STREAMS stream:1 >",
    ]
    static let library = "#!lua name=copied\nredis.register_function('copied', function() return 7 end)"

    /// Sends each command to the node that accepts it.
    static func fill(_ ports: [Int], plain count: Int = 300) async throws {
        for line in commands {
            let words = line.split(separator: " ").map(String.init)
            var isDone = false
            for port in ports where !isDone {
                isDone = try await Redis.send(port, words).errorText == nil
            }
            #expect(isDone, "\(line)")
        }
        _ = try await Redis.fill(ports, count)
    }

    static func loadLibrary(_ ports: [Int]) async throws {
        for port in ports {
            let answer = try await Redis.send(port, "FUNCTION", "LOAD", library)
            #expect(answer.errorText == nil, "\(answer)")
        }
    }

    struct Content: Hashable {
        var payload: RESPValue
        var expiresAt: RESPValue
    }

    /// Everything that these nodes hold: payloads with consumer groups, and moments of expiry.
    static func contents(_ ports: [Int]) async throws -> [String: Content] {
        var found: [String: Content] = [:]
        for port in ports {
            let names = try await Redis.send(port, "KEYS", "*").elements?.compactMap(\.text) ?? []
            // The order in a set of strings depends on a seed of the process. SORT counts as a write: CLIENT PAUSE blocks it.
            let questions = names.flatMap { name in
                [
                    name.hasPrefix("set:") ? RESPCommand("SORT_RO", name, "ALPHA") : RESPCommand("DUMP", name),
                    RESPCommand("PEXPIRETIME", name),
                ]
            }
            guard !questions.isEmpty else { continue }
            let connection = try await RedisConnection.connect(
                host: "127.0.0.1", port: port, credentials: nil, on: MultiThreadedEventLoopGroup.singleton,
                timeout: .seconds(5))
            let answers = try await connection.pipeline(questions, timeout: .seconds(60))
            await connection.close()
            for (index, name) in names.enumerated() {
                found[name] = Content(payload: answers[2 * index], expiresAt: answers[2 * index + 1])
            }
        }
        return found
    }

    /// The names of the keys in these nodes, for engines whose payloads differ.
    static func names(_ ports: [Int]) async throws -> Set<String> {
        var found: Set<String> = []
        for port in ports {
            for name in try await Redis.send(port, "KEYS", "*").elements ?? [] { found.insert(name.text ?? "") }
        }
        return found
    }
}

extension Daemon {
    /// The ports of its masters.
    func masterPorts() throws -> [Int] { try status().nodes.filter { $0.role == .master }.map(\.port) }
}
