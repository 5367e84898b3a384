import ClusterModel
import NodeFiles
import RESP
import RedisClient

/// One key as DUMP describes it.
struct DumpedKey: Hashable, Sendable {
    var name: [UInt8]
    var payload: [UInt8]
    /// Milliseconds since 1970; 0: it does not expire.
    var expiresAt: Int64
}

/// A running engine whose keys are copied.
struct CopySource: Sendable {
    let connection: RedisConnection
    let engine: Engine
    /// How long one reply may take.
    static let patience = Duration.seconds(120)
    /// Names in one step of SCAN.
    static let step = "512"

    /// - Parameter cursor: "0" at the beginning.
    /// - Returns: the next cursor, "0" at the end, and names, of which some may be repeated.
    func scan(from cursor: String) async throws(Failure) -> (cursor: String, names: [[UInt8]]) {
        let answer = try await send([RESPCommand("SCAN", cursor, "COUNT", Self.step)])[0]
        guard let parts = answer.elements, parts.count == 2, let next = parts[0].text else {
            throw misunderstood("SCAN")
        }
        return (next, Self.names(parts[1]))
    }

    static func names(_ value: RESPValue) -> [[UInt8]] {
        (value.elements ?? []).compactMap { element in
            guard case .bulk(let name) = element else { return nil }
            return name
        }
    }

    /// The values of keys; those that do not exist are missing in the result.
    func read(_ names: [[UInt8]]) async throws(Failure) -> [DumpedKey] {
        let question = engine.isSevenOrLater ? "PEXPIRETIME" : "PTTL"
        let commands = names.flatMap { name in
            [
                RESPCommand(bytes: [Array(question.utf8), name]), RESPCommand(bytes: [Array("DUMP".utf8), name]),
            ]
        }
        let answers = try await send(commands)
        guard answers.count == commands.count else { throw misunderstood("DUMP") }
        var found: [DumpedKey] = []
        for (index, name) in names.enumerated() {
            guard case .integer(let time) = answers[2 * index] else { throw misunderstood(question) }
            if case .bulk(let payload) = answers[2 * index + 1] {
                found.append(DumpedKey(name: name, payload: payload, expiresAt: expiry(time)))
            }
        }
        return found
    }

    /// Negative: the key does not expire, or does not exist.
    private func expiry(_ time: Int64) -> Int64 {
        guard time >= 0 else { return 0 }
        return max(1, engine.isSevenOrLater ? time : WallTime.now.milliseconds + time)
    }

    func size() async throws(Failure) -> Int64 {
        guard case .integer(let keys) = try await send([RESPCommand("DBSIZE")])[0] else {
            throw misunderstood("DBSIZE")
        }
        return keys
    }

    func info(_ section: String) async throws(Failure) -> InfoReply {
        guard let text = try await send([RESPCommand("INFO", section)])[0].text else { throw misunderstood("INFO") }
        return InfoReply(text)
    }

    /// The libraries of functions as one payload; nil: there are none.
    func functions() async throws(Failure) -> [UInt8]? {
        guard engine.isSevenOrLater else { return nil }
        let answers = try await send([RESPCommand("FUNCTION", "LIST"), RESPCommand("FUNCTION", "DUMP")])
        guard case .bulk(let payload) = answers[1] else { throw misunderstood("FUNCTION DUMP") }
        return answers[0].elements?.isEmpty == true ? nil : payload
    }

    /// An error reply ends the copy.
    func send(_ commands: [RESPCommand]) async throws(Failure) -> [RESPValue] {
        let answers: [RESPValue]
        do throws(RedisClientError) {
            answers = try await connection.pipeline(commands, timeout: Self.patience)
        } catch {
            throw Failure("source-lost", "the server whose keys are copied: \(error.description)")
        }
        for answer in answers {
            if let words = answer.errorText {
                throw Failure("source-refused", "the server whose keys are copied replies: \(words)")
            }
        }
        guard !answers.isEmpty else { throw misunderstood(commands.first?.name ?? "") }
        return answers
    }

    private func misunderstood(_ command: String) -> Failure {
        Failure("source-refused", "the server whose keys are copied gave an unexpected reply to \(command)")
    }
}

extension RESPParser.Limits {
    /// For copies: a string of an engine may have 512 MB (`proto-max-bulk-len`), and a payload more than its longest string.
    static var forCopies: RESPParser.Limits {
        var limits = RESPParser.Limits()
        limits.bulkBytes = 2 << 30
        return limits
    }
}
