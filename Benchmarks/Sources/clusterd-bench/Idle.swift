import Foundation

/// What a cluster without clients costs: clusterd itself, and the nodes with and without clusterd. The nodes are the same
/// processes both times: clusterd detaches in between.
struct Idle: Part {
    let name = "idle"
    let title = "processor time and resident memory of a cluster without clients"

    func measure(_ bench: Bench) throws -> [Figure] {
        let sizes = bench.options.quick ? [3, 15] : [3, 15, 50]
        return try sizes.flatMap { try idle(bench, masters: $0) }
    }

    private func idle(_ bench: Bench, masters: Int) throws -> [Figure] {
        let cluster = try SupervisedCluster(bench, masters: masters)
        defer { cluster.discard() }
        try cluster.start()
        try cluster.awaitReady()
        let nodes = try cluster.processes()
        // What a start leaves to do is over by then.
        let settling = bench.options.quick ? 1.0 : 10
        usleep(useconds_t(settling * 1e6))
        let windows = bench.trials(5, quick: 2)
        var (daemon, supervised, alone) = ([Double](), [Double](), [Double]())
        for _ in 0..<windows {
            let loads = try load(of: [[cluster.pid], nodes], bench)
            daemon.append(loads[0])
            supervised.append(loads[1])
        }
        let memory = ProcessFacts.residentMemory(cluster.pid) ?? .nan
        let nodesMemory = nodes.map { ProcessFacts.residentMemory($0) ?? .nan }
        try cluster.detach()
        usleep(useconds_t(settling * 1e6))
        for _ in 0..<windows { alone.append(try load(of: [nodes], bench)[0]) }

        let size = "idle \(nodes.count) nodes"
        return [
            Figure(
                name: "\(size), processor time of clusterd", unit: .percent, subject: Series("clusterd", daemon),
                peer: Series("all nodes", alone)),
            Figure(
                name: "\(size), processor time of nodes", unit: .percent, subject: Series("with clusterd", supervised),
                peer: Series("nodes without clusterd", alone)),
            Figure(
                name: "\(size), memory of clusterd", unit: .megabytes, subject: Series("clusterd", [memory]),
                peer: Series("all nodes", [nodesMemory.reduce(0, +)])),
        ]
    }

    /// Processor time of each group of processes in one window, in percent of one processor.
    private func load(of groups: [[pid_t]], _ bench: Bench) throws -> [Double] {
        func used() throws -> [Double] {
            try groups.map { pids in
                try pids.reduce(0) { sum, pid in
                    guard let time = ProcessFacts.processorTime(pid) else { throw Trouble("process \(pid) has ended") }
                    return sum + time
                }
            }
        }
        let (before, began) = (try used(), seconds())
        usleep(bench.options.quick ? 1_500_000 : 5_000_000)
        let (after, took) = (try used(), seconds() - began)
        return zip(before, after).map { ($1 - $0) / took * 100 }
    }
}
