import Foundation
import Synchronization

/// A client of the whole cluster: it reads and writes keys at random in turns, follows redirects, and remembers the owners of slots, as
/// client libraries do.
///
/// A request is due each millisecond, and its time runs from then: a node that does not answer for a while delays all requests that
/// are due meanwhile, not one.
final class Client: Sendable {
    struct Report {
        /// Seconds from the moment at which each request was due until it was accepted.
        var times: [Double] = []
        /// Attempts that were answered with an error other than a redirect, without the key, or not at all.
        var failures: [String: Int] = [:]
    }

    private struct State {
        var isCounting = false
        var isAsked = false
        var hasEnded = false
        var report = Report()
    }

    private let state = Mutex(State())

    init(of cluster: Cluster, _ keys: Keys, seed: UInt64) throws {
        let (owners, ports) = (try cluster.owners(), cluster.ports)
        Thread.detachNewThread { [self] in
            var session = Session(keys, owners: owners, ports: ports, seed: seed)
            var times: [Double] = []
            var due = seconds()
            while !isAsked {
                let early = due - seconds()
                if early > 0 { usleep(useconds_t(early * 1e6)) }
                let began = early > 0 ? seconds() : due
                let counts = state.withLock { $0.isCounting }
                session.request { !isAsked }
                if counts { times.append(seconds() - began) } else { session.failures = [:] }
                due += 0.001
            }
            let report = Report(times: times, failures: session.failures)
            state.withLock {
                $0.report = report
                $0.hasEnded = true
            }
        }
    }

    private var isAsked: Bool { state.withLock { $0.isAsked } }

    /// From now on requests count.
    func beginCounting() { state.withLock { $0.isCounting = true } }

    /// Ends the client, and returns what it saw.
    func finish() throws -> Report {
        state.withLock { $0.isAsked = true }
        try require("the end of the client", within: 30, every: 1000) { state.withLock { $0.hasEnded } }
        return state.withLock { $0.report }
    }
}

/// What the client knows, and its connections. It stays in the thread of the client.
private struct Session {
    private let keys: Keys
    private let nodes: [Int: Node]
    private var owners: [Int]
    private var random: UInt64
    private var isWrite = false
    var failures: [String: Int] = [:]

    init(_ keys: Keys, owners: [Int], ports: [Int], seed: UInt64) {
        self.keys = keys
        self.owners = owners
        nodes = Dictionary(uniqueKeysWithValues: ports.map { ($0, Node($0)) })
        random = seed &* 0x9E37_79B9_7F4A_7C15
        for node in nodes.values { _ = node.send("PING") }
    }

    /// The next request, again and again until it is accepted, or until it goes on no more.
    mutating func request(while goesOn: () -> Bool) {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        let number = Int(random % UInt64(keys.names.count))
        let (key, slot) = (keys.names[number], keys.slots[number])
        let command = isWrite ? ["SET", key, Keys.value] : ["GET", key]
        isWrite.toggle()
        var asked: Int?
        repeat {
            let port = asked ?? owners[slot]
            let commands = asked == nil ? [command] : [["ASKING"], command]
            asked = nil
            let reply = nodes[port]?.pipeline(commands)?.last
            if reply == "+OK" || reply == Keys.value { return }
            let words = (reply ?? "-no-answer").split(separator: " ").map(String.init)
            let other = words.last?.split(separator: ":").last.flatMap { Int($0) }
            if words.first == "-MOVED", let other {
                owners[slot] = other
            } else if words.first == "-ASK", let other {
                asked = other
            } else {
                let failure = words.first.map { String($0.dropFirst()) } ?? "missing"
                failures[failure, default: 0] += 1
                usleep(1000)
            }
        } while goesOn()
    }
}
