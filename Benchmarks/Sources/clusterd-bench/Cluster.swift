import Foundation

/// A cluster on ports of its own. The engine's settings are the same however it is supervised.
class Cluster {
    let bench: Bench
    let folder: String
    let masters: Int
    let ports: [Int]

    init(_ bench: Bench, _ name: String, base: Int, masters: Int) throws {
        self.bench = bench
        self.masters = masters
        folder = "\(bench.home)/\(name)"
        ports = (0..<masters * 2).map { base + $0 }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    var directives: [(String, String)] {
        [
            ("cluster-node-timeout", String(bench.options.nodeTimeout)), ("appendonly", "yes"),
            ("repl-diskless-sync-delay", "0"), ("repl-diskless-sync", "no"),
            ("cluster-allow-replica-migration", "no"),
        ]
    }

    /// Creates the cluster, or starts it over its data. It is ready when `awaitReady` returns.
    func start() throws {}
    /// Ends every node with its data kept.
    func stop() throws {}
    /// Brings a dead node back, where no supervisor does.
    func revive(_ port: Int) throws {}
    /// Ends whatever is left, without regard for data.
    func discard() {}

    /// Throws if what was started has ended, with its last words.
    func checkRuns() throws {}

    func awaitReady(within limit: Double = 120, every pause: useconds_t = 5000) throws {
        try awaitReady(Readiness(ports: ports, masters: masters), within: limit, every: pause)
    }

    /// Seconds from the start to the ready cluster.
    func timeToReady() throws -> Double {
        let readiness = Readiness(ports: ports, masters: masters)
        let began = seconds()
        try start()
        try awaitReady(readiness, within: 180, every: 5000)
        return seconds() - began
    }

    private func awaitReady(_ readiness: Readiness, within limit: Double, every pause: useconds_t) throws {
        try require("the \(ports.count) nodes from \(ports[0]) are ready", within: limit, every: pause) {
            try checkRuns()
            return readiness.isReached
        }
    }

    /// As the node at this port sees it; masters in the order of their slots.
    func shards(seenBy port: Int) -> [ClusterView.Shard] {
        ClusterView(Node(port).send("CLUSTER", "NODES"))?.shards ?? []
    }

    /// As the first node that answers sees it.
    func shards() throws -> [ClusterView.Shard] {
        guard let shards = ports.lazy.map({ self.shards(seenBy: $0) }).first(where: { $0.count == self.masters }) else {
            throw Trouble("none of the \(ports.count) nodes from \(ports[0]) knows \(masters) masters")
        }
        return shards
    }

    /// The processes of all nodes.
    func processes() throws -> [pid_t] {
        try ports.map { port in
            guard let pid = Node(port).pid else { throw Trouble("\(port) does not answer") }
            return pid
        }
    }
}
