import Foundation
import Synchronization

/// A client that writes one key again and again, follows redirects, and tries again until a write is accepted.
final class Writer: Sendable {
    struct Report {
        /// Seconds from the first attempt of each write until it was accepted.
        var times: [Double] = []
        /// Attempts that were answered with an error other than a redirect, or not at all, by the first word of the error.
        var failures: [String: Int] = [:]
        fileprivate var isAsked = false
        fileprivate var hasEnded = false
    }

    private let report = Mutex(Report())

    /// The pause between two writes is in microseconds.
    init(to slot: Int, ports: [Int], pause: useconds_t) {
        let key = Slots.keys[slot]
        Thread.detachNewThread { [self] in
            var (times, failures) = ([Double](), [String: Int]())
            let nodes = ports.map(Node.init)
            var at = 0
            while !report.withLock({ $0.isAsked }) {
                let began = seconds()
                while !Self.write(key, to: nodes, at: &at, failures: &failures), !report.withLock({ $0.isAsked }) {}
                times.append(seconds() - began)
                if pause > 0 { usleep(pause) }
            }
            report.withLock {
                $0.times = times
                $0.failures = failures
                $0.hasEnded = true
            }
        }
    }

    private static func write(_ key: String, to nodes: [Node], at: inout Int, failures: inout [String: Int]) -> Bool {
        let reply = nodes[at].send("SET", key, "sixteen bytes ..")
        if reply == "+OK" { return true }
        if let reply, reply.hasPrefix("-MOVED"), let port = reply.split(separator: ":").last.flatMap({ Int($0) }),
            let other = nodes.firstIndex(where: { $0.port == port })
        {
            // A connection that is kept would be closed by a restart meanwhile, and its end counted as a failure.
            nodes[at].disconnect()
            at = other
        } else {
            failures[reply?.split(separator: " ").first.map { String($0.dropFirst()) } ?? "no answer", default: 0] += 1
            at = (at + 1) % nodes.count
            usleep(1000)
        }
        return false
    }

    /// Ends the writer, and returns what it saw.
    func finish() throws -> Report {
        report.withLock { $0.isAsked = true }
        try require("the end of the writer", within: 30, every: 1000) { report.withLock { $0.hasEnded } }
        return report.withLock { $0 }
    }
}

/// One writer for each shard, a write each millisecond.
struct Writers {
    private let writers: [Writer]

    init(_ cluster: Cluster) throws {
        writers = try cluster.shards().map { Writer(to: $0.slot, ports: cluster.ports, pause: 1000) }
        // Each has written before the clock runs.
        usleep(200_000)
    }

    /// The longest time that any write took, and all failures.
    func finish() throws -> (longest: Double, failures: [String: Int]) {
        let reports = try writers.map { try $0.finish() }
        let failures = reports.reduce(into: [:]) { $0.merge($1.failures, uniquingKeysWith: +) }
        return (reports.compactMap { $0.times.max() }.max() ?? .nan, failures)
    }
}
