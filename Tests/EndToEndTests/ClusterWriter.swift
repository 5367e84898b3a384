import ClusterModel
import ControlAPI
import NIOPosix
import RESP
import RedisClient
import Testing

/// A client of the whole cluster that writes all the time, as an application's would: it learns who owns which slot, follows
/// MOVED, and tries again for a while where it is refused. It keeps a ledger of what was acknowledged.
actor ClusterWriter {
    private let seeds: [Int]
    /// How long one write may be refused before the application would see an error.
    private let patience: Duration
    private var connections: [Int: RedisConnection] = [:]
    private var owners: [Int: Int] = [:]
    private var isEnded = false
    private var task: Task<Void, Never>?
    private(set) var acknowledged: [String: Int] = [:]
    private(set) var writes = 0
    private(set) var failures: [String] = []

    init(_ seeds: [Int], patience: Duration = .seconds(5)) {
        self.seeds = seeds
        self.patience = patience
    }

    func start() {
        task = Task { [self] in
            var number = 0
            while !isEnded {
                number += 1
                await write("ledger\(number % 700)", number)
            }
        }
    }

    func end() async {
        isEnded = true
        await task?.value
    }

    private func write(_ key: String, _ value: Int) async {
        let slot = hashSlot(of: Array(key.utf8))
        var reason = ""
        var target = owners[slot] ?? seeds[0]
        let isDone = await eventually(within: patience) {
            do {
                while true {
                    let answer = try await connection(target).send(
                        RESPCommand("SET", key, String(value)), timeout: .seconds(1))
                    if answer == .simple("OK") { return true }
                    reason = answer.errorText ?? "\(answer)"
                    guard reason.hasPrefix("MOVED "), let port = reason.split(separator: ":").last.flatMap({ Int($0) })
                    else { break }
                    target = port
                }
            } catch {
                reason = "\(error)"
                connections[target] = nil
            }
            // Refused, or nobody there: another node knows the owner.
            target = seeds[((seeds.firstIndex(of: target) ?? 0) + 1) % seeds.count]
            return false
        }
        guard isDone else { return failures.append("\(key): \(reason)") }
        owners[slot] = target
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

    /// Acknowledged writes that the masters no longer have: the key, or a later value of it, is gone.
    func lost(on masters: [Int]) async throws -> [String] {
        var left = acknowledged
        for port in masters {
            let keys = left.keys.sorted()
            let answers = try await connection(port).pipeline(
                keys.map { RESPCommand("GET", $0) }, timeout: .seconds(20))
            for (key, answer) in zip(keys, answers) {
                guard let value = answer.text.flatMap({ Int($0) }), let wanted = left[key], value >= wanted else {
                    continue
                }
                left[key] = nil
            }
        }
        return left.keys.sorted()
    }
}
