import Foundation

/// A cluster with data is stopped and started again, so often that both have enough trials.
struct StopsAndStarts {
    var stops: [Double] = []
    var starts: [Double] = []

    static func measure(_ bench: Bench) throws -> (ours: StopsAndStarts, theirs: StopsAndStarts) {
        let trials = bench.trials(5, quick: 1)
        let ours = try StopsAndStarts(SupervisedCluster(bench), trials: trials)
        return (ours, try StopsAndStarts(StockCluster(bench), trials: trials))
    }

    private init(_ cluster: Cluster, trials: Int) throws {
        defer { cluster.discard() }
        try cluster.start()
        try cluster.awaitReady()
        try cluster.fill(megabytes: cluster.bench.options.data)
        for _ in 0..<trials {
            try cluster.awaitReady()
            let pids = try cluster.processes()
            let began = seconds()
            try cluster.stop()
            stops.append(seconds() - began)
            guard !pids.contains(where: ProcessFacts.isAlive) else { throw Trouble("a node runs after the stop") }
            starts.append(try cluster.timeToReady())
        }
    }
}

struct Stop: Part {
    let name = "stop"
    let title = "from the command until every node of a cluster with data has ended"

    func measure(_ bench: Bench) throws -> [Figure] {
        let (ours, theirs) = try bench.stopsAndStarts.get()
        return [
            Figure(
                name: "stop, \(bench.options.data) MB", unit: .seconds, subject: Series("clusterd stop", ours.stops),
                peer: Series("SIGTERM to all", theirs.stops))
        ]
    }
}

struct Start: Part {
    let name = "start"
    let title = "from the command until the cluster is ready with the data that it had"

    func measure(_ bench: Bench) throws -> [Figure] {
        let (ours, theirs) = try bench.stopsAndStarts.get()
        return [
            Figure(
                name: "start, \(bench.options.data) MB", unit: .seconds, subject: Series("clusterd up", ours.starts),
                peer: Series("start of all servers", theirs.starts))
        ]
    }
}
