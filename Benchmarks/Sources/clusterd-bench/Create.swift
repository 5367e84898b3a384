/// From the command to a cluster in which all nodes agree and every master has accepted a write.
struct Create: Part {
    let name = "create"
    let title = "from the command until all nodes agree and every master has accepted a write"

    func measure(_ bench: Bench) throws -> [Figure] {
        var figures = [
            try create(bench, masters: 3, trials: bench.trials(10, quick: 3), stock: bench.trials(5, quick: 1))
        ]
        if !bench.options.quick { figures.append(try create(bench, masters: 15, trials: 5, stock: 3)) }
        return figures
    }

    private func create(_ bench: Bench, masters: Int, trials: Int, stock: Int) throws -> Figure {
        let ours = try (0..<trials).map { _ in
            let cluster = try SupervisedCluster(bench, masters: masters)
            defer { cluster.discard() }
            return try cluster.timeToReady()
        }
        var commands: [Double] = []
        let theirs = try (0..<stock).map { _ in
            let cluster = try StockCluster(bench, masters: masters)
            defer { cluster.discard() }
            let time = try cluster.timeToReady()
            commands.append(cluster.scriptTime)
            return time
        }
        let limit = try (0..<trials).map { _ in
            let cluster = try StockCluster(bench, masters: masters)
            defer { cluster.discard() }
            return try cluster.timeToServers()
        }
        var figure = Figure(
            name: "create \(masters * 2) nodes", unit: .seconds, subject: Series("clusterd up", ours),
            peer: Series("redis-cli", theirs), limit: Series("servers alone", limit))
        // Its own condition is weaker: not every node knows every replica by then.
        figure.remarks = ["redis-cli itself returned after \(decimal(Samples(commands).median)) s"]
        return figure
    }
}
