import Foundation

/// What a restart under writers costs: the peer's is SIGTERM, and a start of the same once it has ended, as supervisord does.
struct RestartTrial {
    var time: Double
    var longest: Double
    /// By their first word.
    var failures: [String: Int]

    init(_ cluster: Cluster, _ restart: () throws -> Void) throws {
        try cluster.awaitReady()
        let writers = try Writers(cluster)
        let began = seconds()
        try restart()
        try cluster.awaitReady()
        time = seconds() - began
        (longest, failures) = try writers.finish()
    }

    static func figures(_ name: String, ours: [RestartTrial], theirs: [RestartTrial]) -> [Figure] {
        func figure(_ what: String, _ unit: Unit, _ value: (RestartTrial) -> Double) -> Figure {
            Figure(
                name: "\(name), \(what)", unit: unit, subject: Series("clusterd \(name)", ours.map(value)),
                peer: Series("SIGTERM and start", theirs.map(value)))
        }
        var failures = figure("failed writes", .failures) { Double($0.failures.values.reduce(0, +)) }
        for (series, trials) in zip(failures.series, [ours, theirs]) {
            let all = trials.reduce(into: [:]) { $0.merge($1.failures, uniquingKeysWith: +) }
            let words = all.sorted { $0.value > $1.value }.map { "\($0.key) \($0.value)" }
            if !words.isEmpty {
                failures.remarks.append("\(series.name), in all trials: \(words.joined(separator: ", "))")
            }
        }
        return [
            figure("until ready", .seconds) { $0.time }, figure("longest write", .seconds) { $0.longest },
            failures,
        ]
    }
}

/// One master, and then all nodes one after the other.
struct Restart: Part {
    let name = "restart"
    let title = "restart of a master, and of all nodes in turn, under a writer to each shard"

    func measure(_ bench: Bench) throws -> [Figure] {
        let cluster = try SupervisedCluster(bench)
        defer { cluster.discard() }
        try cluster.start()
        try cluster.awaitReady()
        let ours = try (0..<bench.trials(10, quick: 3)).map { round in
            let master = try cluster.shards()[round % cluster.masters].master
            return try RestartTrial(cluster) { try cluster.command("restart-node", String(master)) }
        }
        let oursRolling = try (0..<bench.trials(5, quick: 1)).map { _ in
            try RestartTrial(cluster) { try cluster.command("rolling-restart") }
        }
        let stock = try StockCluster(bench)
        defer { stock.discard() }
        try stock.start()
        try stock.awaitReady()
        let theirs = try (0..<bench.trials(5, quick: 1)).map { round in
            let master = try stock.shards()[round % stock.masters].master
            return try RestartTrial(stock) { try stock.restart(master) }
        }
        // As a careful script does: the next node when the cluster is ready again.
        let theirsRolling = try (0..<bench.trials(3, quick: 1)).map { _ in
            try RestartTrial(stock) {
                for port in stock.ports {
                    try stock.restart(port)
                    try stock.awaitReady()
                }
            }
        }
        return RestartTrial.figures("restart-node", ours: ours, theirs: theirs)
            + RestartTrial.figures("rolling-restart", ours: oursRolling, theirs: theirsRolling)
    }
}
