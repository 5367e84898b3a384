import Foundation

/// The same slots with the same small keys move from one master to another and back, by clusterd and by redis-cli with its defaults:
/// the same nodes, first with clusterd, then without.
struct Reshard: Part {
    let name = "reshard"
    let title = "1000 slots with small keys from one master to another, under clients that read and write"
    /// redis-cli takes the lowest slots of the source, and has no option to choose others.
    private static let slots = 0..<1000

    func measure(_ bench: Bench) throws -> [Figure] {
        let cluster = try SupervisedCluster(bench)
        defer { cluster.discard() }
        try cluster.start()
        try cluster.awaitReady()
        let keys = Keys("key", count: bench.trials(200_000, quick: 20_000), in: Self.slots)
        let others = Keys("other", count: 10_000)
        for set in [keys, others] { try cluster.fill(set) { _ in Keys.value } }
        let pair = try cluster.shards().prefix(2).map(\.master)
        let rest = try (0..<bench.trials(5, quick: 1)).map { _ in
            try ClientTrial(cluster, [keys, others]) { usleep(2_000_000) }
        }
        let range = "\(Self.slots.lowerBound)-\(Self.slots.upperBound - 1)"
        let ours = try moves(bench.trials(6, quick: 2), on: cluster, [keys, others], between: pair) { source, target in
            try cluster.command(
                "reshard", "--from", String(source), "--to", String(target), "--slot-range", range)
        }
        try cluster.detach()
        let theirs = try moves(bench.trials(4, quick: 2), on: cluster, [keys, others], between: pair) {
            source, target in
            try Child.run(
                bench.options.cli,
                [
                    "--cluster", "reshard", "127.0.0.1:\(source)", "--cluster-from", try id(of: source),
                    "--cluster-to", try id(of: target), "--cluster-slots", String(Self.slots.count), "--cluster-yes",
                ], output: cluster.folder + "/reshard.log")
        }
        return ClientTrial.figures(
            "reshard \(Self.slots.count) slots of \(keys.names.count) keys", ours: ("clusterd reshard", ours),
            theirs: ("redis-cli", theirs), rest: rest)
    }

    /// There and back in turns. Throws unless each trial moved the slots, and every key is there at the end.
    private func moves(
        _ count: Int, on cluster: Cluster, _ sets: [Keys], between pair: [Int], by tool: (Int, Int) throws -> Void
    ) throws -> [ClientTrial] {
        var trials: [ClientTrial] = []
        for round in 0..<count {
            let (source, target) = (pair[round % 2], pair[1 - round % 2])
            try cluster.awaitReady()
            trials.append(try ClientTrial(cluster, sets) { try tool(source, target) })
            try cluster.awaitReady()
            let moved = try cluster.owners()[Self.slots].filter { $0 == target }.count
            guard moved == Self.slots.count else {
                throw Trouble("\(target) owns \(moved) of slots \(Self.slots) after they were moved to it")
            }
        }
        for keys in sets { try cluster.checkPresence(of: keys) }
        return trials
    }

    private func id(of port: Int) throws -> String {
        guard let id = Node(port).send("CLUSTER", "MYID") else { throw Trouble("\(port) does not answer") }
        return id
    }
}
