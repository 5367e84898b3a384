import Foundation

/// The dumps of all masters in one folder, by clusterd and by redis-cli: the same nodes, first with clusterd, then without.
struct Backup: Part {
    let name = "backup"
    let title = "from the command until the dumps of all masters are in one folder, under clients that read and write"

    func measure(_ bench: Bench) throws -> [Figure] {
        let cluster = try SupervisedCluster(bench)
        defer { cluster.discard() }
        try cluster.start()
        try cluster.awaitReady()
        try cluster.fill(megabytes: bench.options.data)
        // The clients have keys of their own: they would replace the large values.
        let keys = Keys("client", count: 10_000)
        try cluster.fill(keys) { _ in Keys.value }
        let rest = try (0..<bench.trials(5, quick: 1)).map { _ in
            try ClientTrial(cluster, [keys, keys]) { usleep(2_000_000) }
        }
        var verifications: [Double] = []
        let ours = try (0..<bench.trials(5, quick: 1)).map { _ in
            try trial(on: cluster, keys) { folder in
                try cluster.command("backup", folder)
            } check: { folder in
                let began = seconds()
                try Child.run(
                    bench.options.program, ["backup", "verify", folder], output: cluster.folder + "/verify.log")
                verifications.append(seconds() - began)
            }
        }
        try cluster.detach()
        let theirs = try (0..<bench.trials(5, quick: 1)).map { _ in
            try trial(on: cluster, keys) { folder in
                try Child.run(
                    bench.options.cli, ["--cluster", "backup", "127.0.0.1:\(cluster.ports[0])", folder],
                    output: cluster.folder + "/backup.log")
            } check: { _ in
            }
        }
        let size = "\(bench.options.data) MB"
        return ClientTrial.figures(
            "backup \(size)", ours: ("clusterd backup", ours), theirs: ("redis-cli", theirs), rest: rest)
            + [
                Figure(
                    name: "backup verify \(size), time", unit: .seconds,
                    subject: Series("clusterd backup verify", verifications))
            ]
    }

    /// Throws unless the dumps are about as large as the data.
    private func trial(
        on cluster: Cluster, _ keys: Keys, by tool: (String) throws -> Void, check: (String) throws -> Void
    ) throws -> ClientTrial {
        let folder = cluster.folder + "/backup"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let trial = try ClientTrial(cluster, [keys, keys]) { try tool(folder) }
        let megabytes = try bytes(in: folder) / 1_000_000
        guard megabytes >= cluster.bench.options.data * 9 / 10 else {
            throw Trouble("the dumps have \(megabytes) MB instead of \(cluster.bench.options.data)")
        }
        try check(folder)
        return trial
    }

    /// Of the dumps in this folder and below it.
    private func bytes(in folder: String) throws -> Int {
        var sum = 0
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder) where path.hasSuffix(".rdb") {
            var facts = stat()
            if stat(folder + "/" + path, &facts) == 0 { sum += Int(facts.st_size) }
        }
        return sum
    }
}
