import Foundation

/// Slots with small keys move from one master to another and back, by clusterd and by redis-cli with its defaults: the same nodes,
/// first with clusterd, then without.
struct Reshard: Part {
    let name = "reshard"
    let title = "1000 slots with small keys from one master to another, under clients that read and write"
    private static let slots = 1000

    func measure(_ bench: Bench) throws -> [Figure] {
        let cluster = try SupervisedCluster(bench)
        defer { cluster.discard() }
        try cluster.start()
        try cluster.awaitReady()
        let keys = Keys("key", count: bench.trials(200_000, quick: 20_000))
        try cluster.fill(keys) { _ in Keys.value }
        let pair = try cluster.shards().prefix(2).map(\.master)
        let rest = try (0..<bench.trials(5, quick: 1)).map { _ in
            try ClientTrial(cluster, keys) { usleep(2_000_000) }
        }
        let ours = try moves(bench.trials(6, quick: 2), on: cluster, keys, between: pair) { source, target in
            try cluster.command(
                "reshard", "--from", String(source), "--to", String(target), "--slots", String(Self.slots))
        }
        try cluster.detach()
        let theirs = try moves(bench.trials(4, quick: 2), on: cluster, keys, between: pair) { source, target in
            try Child.run(
                bench.options.cli,
                [
                    "--cluster", "reshard", "127.0.0.1:\(source)", "--cluster-from", try id(of: source),
                    "--cluster-to", try id(of: target), "--cluster-slots", String(Self.slots), "--cluster-yes",
                ], output: cluster.folder + "/reshard.log")
        }
        return ClientTrial.figures(
            "reshard \(Self.slots) slots of \(keys.names.count) keys", ours: ("clusterd reshard", ours),
            theirs: ("redis-cli", theirs), rest: rest)
    }

    /// There and back in turns. Throws unless each trial moved the slots, and every key is there at the end.
    private func moves(
        _ count: Int, on cluster: Cluster, _ keys: Keys, between pair: [Int], by tool: (Int, Int) throws -> Void
    ) throws -> [ClientTrial] {
        var trials: [ClientTrial] = []
        for round in 0..<count {
            let (source, target) = (pair[round % 2], pair[1 - round % 2])
            try cluster.awaitReady()
            let before = try cluster.owners().filter { $0 == target }.count
            trials.append(try ClientTrial(cluster, keys) { try tool(source, target) })
            try cluster.awaitReady()
            let moved = try cluster.owners().filter { $0 == target }.count - before
            guard moved == Self.slots else { throw Trouble("\(moved) slots were moved instead of \(Self.slots)") }
        }
        try cluster.checkPresence(of: keys)
        return trials
    }

    private func id(of port: Int) throws -> String {
        guard let id = Node(port).send("CLUSTER", "MYID") else { throw Trouble("\(port) does not answer") }
        return id
    }
}
