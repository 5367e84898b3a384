import Foundation

/// From the start of the daemon after a killed one until it has taken over all nodes. A supervisor that does not adopt must end
/// the processes that are left, and start them again.
struct Adoption: Part {
    let name = "adoption"
    let title = "from the start of the daemon after kill -9 of clusterd until it has taken over all nodes"

    func measure(_ bench: Bench) throws -> [Figure] {
        let cluster = try SupervisedCluster(bench)
        defer { cluster.discard() }
        try cluster.start()
        let ours = try (0..<bench.trials(20, quick: 3)).map { _ in
            try cluster.awaitReady()
            return try cluster.replaceDaemon()
        }
        let stock = try StockCluster(bench)
        defer { stock.discard() }
        try stock.start()
        let theirs = try (0..<bench.trials(5, quick: 1)).map { _ in
            try stock.awaitReady()
            let began = seconds()
            try stock.stop()
            _ = try stock.timeToReady()
            return seconds() - began
        }
        return [
            Figure(
                name: "adoption", unit: .seconds, subject: Series("clusterd", ours),
                peer: Series("stop and start of all", theirs))
        ]
    }
}
