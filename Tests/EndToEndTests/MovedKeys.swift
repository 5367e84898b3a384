import ClusterModel
import NIOPosix
import RESP
import RedisClient

/// Keys of the slots that a test moves: strings, some of which expire, hashes and streams. They are counted one by one afterwards.
struct MovedKeys {
    /// The value of each string.
    let strings: [String: String]
    let hashes: [String]
    let streams: [String]
    private static let lifetime = 3600
    private static let fields = 20

    /// - Parameters:
    ///   - slots: the slots to which the keys belong.
    ///   - share: how many strings have the same tag.
    init(_ slots: ClosedRange<Int>, tags count: Int = 300, each share: Int = 10) {
        let tags = Self.tags(count, in: slots, prefix: "moved")
        let names = tags.flatMap { tag in (0..<share).map { "{\(tag)}:\($0)" } }
        strings = Dictionary(uniqueKeysWithValues: names.map { ($0, "value of \($0)") })
        hashes = tags.prefix(5).map { "{\($0)}:hash" }
        streams = tags.prefix(5).map { "{\($0)}:stream" }
    }

    var count: Int { strings.count + hashes.count + streams.count }

    /// Different names that hash to these slots.
    static func tags(_ count: Int, in slots: ClosedRange<Int>, prefix: String) -> [String] {
        var tags: [String] = []
        var number = 0
        while tags.count < count {
            let tag = "\(prefix)\(number)"
            if slots.contains(hashSlot(of: Array(tag.utf8))) { tags.append(tag) }
            number += 1
        }
        return tags
    }

    private func expires(_ name: String) -> Bool { name.hasSuffix(":7") }

    /// Writes them at the master that owns all of them.
    /// - Returns: the replies that reject a write.
    func fill(_ port: Int) async throws -> [String] {
        var commands: [[String]] = []
        for (name, value) in strings {
            commands.append(["SET", name, value] + (expires(name) ? ["EX", String(Self.lifetime)] : []))
        }
        for name in hashes {
            commands.append(["HSET", name] + (0..<Self.fields).flatMap { ["field\($0)", "value\($0)"] })
        }
        for name in streams {
            for number in 1...Self.fields { commands.append(["XADD", name, "1-\(number)", "field", "value\(number)"]) }
        }
        return try await Self.pipeline(port, commands).compactMap(\.errorText)
    }

    /// The keys that are gone or have another value, as a client reads them that follows redirections.
    func wrong(from seed: Int) async throws -> [String] {
        var wrong: [String] = []
        let names = strings.keys.sorted()
        let values = try await Self.read(names.map { ["GET", $0] }, from: seed)
        for (name, value) in zip(names, values) where value.text != strings[name] { wrong.append("\(name): \(value)") }
        let mortal = names.filter(expires)
        let times = try await Self.read(mortal.map { ["TTL", $0] }, from: seed)
        for (name, time) in zip(mortal, times) {
            if case .integer(let seconds) = time, seconds > 0, seconds <= Int64(Self.lifetime) { continue }
            wrong.append("\(name) does not expire: \(time)")
        }
        let lengths = try await Self.read(hashes.map { ["HLEN", $0] } + streams.map { ["XLEN", $0] }, from: seed)
        for (name, length) in zip(hashes + streams, lengths) where length != .integer(Int64(Self.fields)) {
            wrong.append("\(name) has length \(length)")
        }
        return wrong
    }

    // MARK: clients

    /// Each command is sent to the node to which the first one redirects it.
    static func read(_ commands: [[String]], from seed: Int) async throws -> [RESPValue] {
        var answers = try await pipeline(seed, commands)
        var redirected: [Int: [Int]] = [:]
        for (index, answer) in answers.enumerated() {
            guard let text = answer.errorText, text.hasPrefix("MOVED "),
                let port = text.split(separator: ":").last.flatMap({ Int($0) })
            else { continue }
            redirected[port, default: []].append(index)
        }
        for (port, indices) in redirected {
            let again = try await pipeline(port, indices.map { commands[$0] })
            for (index, answer) in zip(indices, again) { answers[index] = answer }
        }
        return answers
    }

    static func pipeline(_ port: Int, _ commands: [[String]]) async throws -> [RESPValue] {
        let connection = try await RedisConnection.connect(
            host: "127.0.0.1", port: port, credentials: nil, on: MultiThreadedEventLoopGroup.singleton,
            timeout: .seconds(5))
        var answers: [RESPValue] = []
        // The limit is for a part: all commands take longer on a busy host.
        for first in stride(from: 0, to: commands.count, by: 1000) {
            let part = commands[first..<min(first + 1000, commands.count)].map { RESPCommand($0) }
            answers += try await connection.pipeline(part, timeout: .seconds(20))
        }
        await connection.close()
        return answers
    }

    /// Every key that these masters have, and those that more than one has.
    static func places(on masters: [Int]) async throws -> (all: Set<String>, twice: [String], sizes: Int) {
        var all: Set<String> = []
        var twice: [String] = []
        var sizes = 0
        for port in masters {
            let answers = try await pipeline(port, [["KEYS", "*"], ["DBSIZE"]])
            for element in answers.first?.elements ?? [] {
                guard let name = element.text else { continue }
                if !all.insert(name).inserted { twice.append(name) }
            }
            if case .integer(let size)? = answers.last { sizes += Int(size) }
        }
        return (all, twice.sorted(), sizes)
    }
}

/// A client that writes to slots that move: it follows MOVED and ASK, and retries rejected writes for a limited time.
actor RedirectedWriter {
    private let keys: [String]
    private let seeds: [Int]
    private let patience: Duration
    private var connections: [Int: RedisConnection] = [:]
    private var owner: Int
    private var isEnded = false
    private var task: Task<Void, Never>?
    private(set) var acknowledged: [String: Int] = [:]
    private(set) var writes = 0
    private(set) var failures: [String] = []

    init(_ keys: [String], _ seeds: [Int], patience: Duration = .seconds(30)) {
        self.keys = keys
        self.seeds = seeds
        self.patience = patience
        owner = seeds[0]
    }

    func start() {
        task = Task { [self] in
            var number = 0
            while !isEnded {
                number += 1
                await write(keys[number % keys.count], number)
            }
        }
    }

    func end() async {
        isEnded = true
        await task?.value
        task = nil
    }

    private func write(_ key: String, _ value: Int) async {
        var reason = ""
        let isDone = await eventually(within: patience) {
            var target = owner
            do {
                var isAsking = false
                // A redirection to a node that redirects as well: after a few of them the client pauses.
                for _ in 0..<5 {
                    let set = RESPCommand("SET", key, String(value))
                    let commands = isAsking ? [RESPCommand("ASKING"), set] : [set]
                    let replies = try await connection(target).pipeline(commands, timeout: .seconds(1))
                    guard let reply = replies.last else { break }
                    if reply == .simple("OK") { return true }
                    reason = reply.errorText ?? "\(reply)"
                    isAsking = reason.hasPrefix("ASK ")
                    guard isAsking || reason.hasPrefix("MOVED "),
                        let port = reason.split(separator: ":").last.flatMap({ Int($0) })
                    else { break }
                    target = port
                    if !isAsking { owner = port }
                }
            } catch {
                reason = "\(error)"
                connections[target] = nil
            }
            // The write was rejected, or the connection refused: another node knows the owner.
            owner = seeds[((seeds.firstIndex(of: target) ?? 0) + 1) % seeds.count]
            return false
        }
        guard isDone else { return failures.append("\(key): \(reason)") }
        acknowledged[key] = value
        writes += 1
    }

    private func connection(_ port: Int) async throws -> RedisConnection {
        if let known = connections[port], known.isOpen { return known }
        let made = try await RedisConnection.connect(
            host: "127.0.0.1", port: port, credentials: nil, on: MultiThreadedEventLoopGroup.singleton,
            timeout: .seconds(1))
        connections[port] = made
        return made
    }

    /// Keys whose acknowledged value is gone.
    func lost(from seed: Int) async throws -> [String] {
        let names = acknowledged.keys.sorted()
        let values = try await MovedKeys.read(names.map { ["GET", $0] }, from: seed)
        return zip(names, values).filter { name, value in
            (value.text.flatMap { Int($0) } ?? 0) < (acknowledged[name] ?? 0)
        }.map(\.0)
    }
}
