import Foundation

/// From `kill -9` of a master until a write to its slots is accepted.
struct Failover: Part {
    let name = "failover"
    let title = "from kill -9 of a master until a write to its slots is accepted"

    func measure(_ bench: Bench) throws -> [Figure] {
        let ours = try kills(bench.options.kills, of: SupervisedCluster(bench), limit: 60)
        guard bench.options.stockKills > 0 else { throw Trouble("no kill of a stock master: nothing to compare with") }
        let limit = Double(bench.options.nodeTimeout) / 1000 * 4 + 10
        let theirs = try kills(bench.options.stockKills, of: StockCluster(bench), limit: limit)
        let stock = "stock Redis Cluster"
        var figure = Figure(
            name: "failover", unit: .seconds, subject: Series("clusterd", ours.times),
            peer: Series(stock, theirs.times))
        for (name, failures, limit) in [("clusterd", ours.failures, 60), (stock, theirs.failures, limit)]
        where failures > 0 {
            figure.remarks.append("\(name): \(failures) kills without an accepted write within \(decimal(limit)) s")
        }
        return [figure]
    }

    private func kills(
        _ count: Int, of cluster: Cluster, limit: Double
    ) throws -> (times: [Double], failures: Int) {
        defer { cluster.discard() }
        try cluster.start()
        var (times, failures) = ([Double](), 0)
        for round in 0..<count {
            try cluster.awaitReady(every: 50_000)
            let shards = try cluster.shards()
            let shard = shards[round % shards.count]
            if let time = try kill(shard, within: limit) { times.append(time) } else { failures += 1 }
            try cluster.revive(shard.master)
        }
        return (times, failures)
    }

    /// Nil if no write was accepted in time.
    private func kill(_ shard: ClusterView.Shard, within limit: Double) throws -> Double? {
        let key = Slots.keys[shard.slot]
        // Connections exist before the kill, as those of a client do.
        let heirs = shard.replicas.map(Node.init)
        for heir in heirs { _ = heir.send("PING") }
        guard let pid = Node(shard.master).pid else { throw Trouble("\(shard.master) does not answer") }
        let began = seconds()
        Glibc.kill(pid, SIGKILL)
        let isAccepted = eventually(within: limit, every: 200) { heirs.contains { $0.send("SET", key, "x") == "+OK" } }
        return isAccepted ? seconds() - began : nil
    }
}
