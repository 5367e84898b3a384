import ClusterModel
import NIOPosix
import RESP
import RedisClient
import Testing

/// A client of the entire cluster that writes continuously, as an application's would: it learns the owner of each
/// slot, follows MOVED, and retries rejected writes for a limited time. It keeps a ledger of the acknowledged writes.
actor ClusterWriter {
    /// A node's reply to one write.
    private struct Answer {
        /// WAIT was requested, and a replica has the write.
        var isConfirmed: Bool
        var port: Int
    }

    private let seeds: [Int]
    /// How long one write may be rejected before the application would see an error.
    private let patience: Duration
    /// Keys of one slot that are written at once.
    private let batch: Int
    private var connections: [String: RedisConnection] = [:]
    private var owners: [Int: Int] = [:]
    private var isEnded = false
    private var lanes: [Task<Void, Never>] = []
    private(set) var acknowledged: [String: Int] = [:]
    private(set) var confirmed: [String: Int] = [:]
    private(set) var writes = 0
    private(set) var failures: [String] = []

    init(_ seeds: [Int], patience: Duration = .seconds(5), batch: Int = 1) {
        self.seeds = seeds
        self.patience = patience
        self.batch = batch
    }

    /// - Parameter confirming: every how many writes one is followed by WAIT for a replica; 0 for none.
    func start(lanes count: Int = 1, confirming: Int = 0) {
        for lane in 0..<count {
            lanes.append(
                Task { [self] in
                    var number = 0
                    while !isEnded {
                        number += 1
                        let isToBeConfirmed = confirming > 0 && number % confirming == 0
                        await write(lane, "{ledger\(lane):\(number % 61)}", number, isToBeConfirmed)
                    }
                })
        }
    }

    func end() async {
        isEnded = true
        for lane in lanes { await lane.value }
        lanes = []
    }

    private func write(_ lane: Int, _ tag: String, _ value: Int, _ isToBeConfirmed: Bool) async {
        let slot = hashSlot(of: Array(tag.utf8))
        let keys = (0..<batch).map { "\(tag)\($0)" }
        var reason = ""
        var target = owners[slot] ?? seeds[0]
        var answer: Answer?
        let isDone = await eventually(within: patience) {
            do {
                while true {
                    let commands =
                        keys.map { RESPCommand("SET", $0, String(value)) }
                        + (isToBeConfirmed ? [RESPCommand("WAIT", "1", "200")] : [])
                    let replies = try await connection(lane, target).pipeline(commands, timeout: .seconds(1))
                    guard let refusal = replies.prefix(batch).first(where: { $0 != .simple("OK") }) else {
                        answer = Answer(isConfirmed: isToBeConfirmed && replies.last == .integer(1), port: target)
                        return true
                    }
                    reason = refusal.errorText ?? "\(refusal)"
                    guard reason.hasPrefix("MOVED "), let port = reason.split(separator: ":").last.flatMap({ Int($0) })
                    else { break }
                    target = port
                }
            } catch {
                reason = "\(error)"
                connections["\(lane):\(target)"] = nil
            }
            // The write was rejected, or the connection refused: another node knows the owner.
            target = seeds[((seeds.firstIndex(of: target) ?? 0) + 1) % seeds.count]
            return false
        }
        guard isDone, let answer else { return failures.append("\(tag): \(reason)") }
        owners[slot] = answer.port
        for key in keys { acknowledged[key] = value }
        writes += batch
        guard answer.isConfirmed else { return }
        for key in keys { confirmed[key] = value }
    }

    private func connection(_ lane: Int, _ port: Int) async throws -> RedisConnection {
        if let known = connections["\(lane):\(port)"], known.isOpen { return known }
        let made = try await RedisConnection.connect(
            host: "127.0.0.1", port: port, credentials: nil, on: MultiThreadedEventLoopGroup.singleton,
            timeout: .seconds(1))
        connections["\(lane):\(port)"] = made
        return made
    }

    /// Keys whose acknowledged, and whose confirmed, value the masters no longer have, nor a later one.
    func lost(on masters: [Int]) async throws -> (acknowledged: [String], confirmed: [String]) {
        // The ledger at this moment: the writer continues while the nodes are queried.
        let (wanted, certain) = (acknowledged, confirmed)
        var found: [String: Int] = [:]
        let keys = wanted.keys.sorted()
        for port in masters {
            // A cached connection may lead to a process that is gone.
            connections["-1:\(port)"] = nil
            for first in stride(from: 0, to: keys.count, by: 500) {
                let some = keys[first..<min(first + 500, keys.count)]
                let answers = try await connection(-1, port).pipeline(
                    some.map { RESPCommand("GET", $0) }, timeout: .seconds(20))
                for (key, answer) in zip(some, answers) { found[key] = answer.text.flatMap { Int($0) } ?? found[key] }
            }
        }
        func missing(_ ledger: [String: Int]) -> [String] {
            ledger.filter { found[$0.key, default: 0] < $0.value }.keys.sorted()
        }
        return (missing(wanted), missing(certain))
    }

    /// Each loss is counted once.
    func forget(_ keys: [String]) {
        for key in keys { (acknowledged[key], confirmed[key]) = (nil, nil) }
    }
}
