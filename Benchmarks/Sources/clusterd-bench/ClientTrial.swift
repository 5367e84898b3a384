import Foundation

/// How long a tool works on a cluster, and what its clients see meanwhile.
struct ClientTrial {
    var time: Double
    /// Seconds: the 99th percentile of all requests, and the longest.
    var p99: Double
    var longest: Double
    /// By their first word.
    var failures: [String: Int]

    /// With a client of each of these sets of keys.
    init(_ cluster: Cluster, _ sets: [Keys], _ work: () throws -> Void) throws {
        try cluster.awaitReady()
        var clients: [Client] = []
        // Also if the tool fails.
        defer { for client in clients { _ = try? client.finish() } }
        for keys in sets { clients.append(try Client(of: cluster, keys, seed: UInt64(clients.count + 1))) }
        // Each has its connections before the clock runs.
        usleep(200_000)
        for client in clients { client.beginCounting() }
        let began = seconds()
        try work()
        time = seconds() - began
        let reports = try clients.map { try $0.finish() }
        let times = Samples(reports.flatMap(\.times))
        (p99, longest) = (times.quantile(0.99), times.quantile(1))
        failures = reports.reduce(into: [:]) { $0.merge($1.failures, uniquingKeysWith: +) }
    }

    /// Of trials by clusterd, by its peer, and without any tool: below that no tool can get.
    static func figures(
        _ name: String, ours: (name: String, trials: [ClientTrial]), theirs: (name: String, trials: [ClientTrial]),
        rest: [ClientTrial]
    ) -> [Figure] {
        func figure(_ what: String, _ unit: Unit, _ value: (ClientTrial) -> Double) -> Figure {
            Figure(
                name: "\(name), \(what)", unit: unit, subject: Series(ours.name, ours.trials.map(value)),
                peer: Series(theirs.name, theirs.trials.map(value)))
        }
        var percentile = figure("p99 of requests", .seconds) { $0.p99 }
        var longest = figure("longest request", .seconds) { $0.longest }
        var failures = figure("failed requests", .failures) { Double($0.failures.values.reduce(0, +)) }
        percentile.limit = Series("no tool", rest.map(\.p99))
        longest.limit = Series("no tool", rest.map(\.longest))
        // Both differ by more than 20 % from run to run.
        percentile.hasBaseline = false
        longest.hasBaseline = false
        for (name, trials) in [ours, theirs] {
            let all = trials.reduce(into: [:]) { $0.merge($1.failures, uniquingKeysWith: +) }
            let words = all.sorted { $0.value > $1.value }.map { "\($0.key) \($0.value)" }
            if !words.isEmpty { failures.remarks.append("\(name), in all trials: \(words.joined(separator: ", "))") }
        }
        return [figure("time", .seconds) { $0.time }, percentile, longest, failures]
    }
}
