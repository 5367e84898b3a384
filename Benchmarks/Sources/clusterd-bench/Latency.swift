import Foundation

/// A plain writer on one connection, with and without clusterd: the same nodes, in turns.
struct Latency: Part {
    let name = "latency"
    let title = "latency of a plain writer on one connection, with and without clusterd"

    func measure(_ bench: Bench) throws -> [Figure] {
        let cluster = try SupervisedCluster(bench)
        defer { cluster.discard() }
        try cluster.start()
        var (supervised, alone) = ([Samples](), [Samples]())
        for _ in 0..<bench.trials(10, quick: 2) {
            try cluster.awaitReady()
            supervised.append(try write(to: cluster, bench))
            try cluster.detach()
            alone.append(try write(to: cluster, bench))
            // The next daemon adopts the nodes.
            try cluster.start()
            try cluster.awaitTakeover()
        }
        return [("p50", 0.5), ("p99", 0.99)].map { label, share in
            // The 99th percentile of a busy host differs by more than 20 % from run to run.
            Figure(
                name: "latency, \(label)", unit: .seconds,
                subject: Series("with clusterd", supervised.map { $0.quantile(share) }),
                peer: Series("without clusterd", alone.map { $0.quantile(share) }),
                hasBaseline: share < 0.9)
        }
    }

    private func write(to cluster: Cluster, _ bench: Bench) throws -> Samples {
        usleep(500_000)
        let shard = try cluster.shards()[0]
        let writer = Writer(to: shard.slot, ports: [shard.master], pause: 0)
        usleep(bench.options.quick ? 1_000_000 : 3_000_000)
        let report = try writer.finish()
        guard report.failures.isEmpty else { throw Trouble("\(shard.master): writes failed: \(report.failures)") }
        return Samples(report.times)
    }
}
