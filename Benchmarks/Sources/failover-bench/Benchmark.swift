import Foundation

/// `failover-bench --clusterd PATH [--server redis-server] [--kills 200] [--adoptions 20] [--stock-kills 5]
/// [--node-timeout 15000]`
@main
struct Benchmark {
    static func main() throws {
        func value(_ name: String, _ usual: String) -> String {
            let arguments = CommandLine.arguments
            guard let at = arguments.firstIndex(of: name), at + 1 < arguments.count else { return usual }
            return arguments[at + 1]
        }
        let program = URL(fileURLWithPath: value("--clusterd", "../.build/release/clusterd")).path
        let server = value("--server", "redis-server")
        let timeout = Int(value("--node-timeout", "15000")) ?? 15000
        let home = NSTemporaryDirectory() + "clusterd-bench-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: home) }

        say("kill -9 of a master -> first accepted write")
        say("\(try engine(server)), 3 masters, 3 replicas, cluster-node-timeout \(timeout), \(processors()) processors")
        let supervised = try SupervisedCluster(
            program: program, server: server, folder: home + "/clusterd", base: 12000, nodeTimeout: timeout)
        let (ours, adoptions) = try measure(
            supervised, kills: Int(value("--kills", "200")) ?? 200, adoptions: Int(value("--adoptions", "20")) ?? 20)
        show("clusterd", ours)
        let kills = Int(value("--stock-kills", "5")) ?? 5
        if kills > 0 {
            let stock = try StockCluster(
                cli: value("--cli", "redis-cli"), server: server, folder: home + "/stock", base: 12100,
                nodeTimeout: timeout)
            let theirs = try measure(stock, kills: kills, limit: Double(timeout) / 1000 * 4 + 10)
            show("stock", theirs)
            let ratio = theirs.quantile(0.5) / ours.quantile(0.5)
            say("the median is \(number(ratio, 0)) times shorter with clusterd")
        }
        say("kill -9 of clusterd: from the start of the next one until it has taken over all nodes and is ready")
        show("clusterd", adoptions, of: "starts")
    }

    /// `Redis 7.0.15`, as the program says it.
    private static func engine(_ server: String) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [server, "--version"]
        process.standardOutput = output
        try process.run()
        let words = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).split(
            separator: " ")
        process.waitUntilExit()
        guard process.terminationStatus == 0, let version = words.first(where: { $0.hasPrefix("v=") }) else {
            throw Trouble("\(server) --version does not say which engine it is")
        }
        return "\(words[0]) \(version.dropFirst(2))"
    }

    private static func processors() -> Int { ProcessInfo.processInfo.activeProcessorCount }

    private static func measure(_ cluster: Cluster, kills: Int, limit: Double) throws -> Measurement {
        try cluster.start()
        defer { cluster.stop() }
        var measurement = Measurement()
        for round in 0..<kills { try measurement.kill(of: cluster, round: round, limit: limit) }
        return measurement
    }

    /// The masters first, then the daemon itself.
    private static func measure(
        _ cluster: SupervisedCluster, kills: Int, adoptions: Int
    ) throws -> (kills: Measurement, adoptions: Measurement) {
        try cluster.start()
        defer { cluster.stop() }
        var (failovers, starts) = (Measurement(), Measurement())
        for round in 0..<kills { try failovers.kill(of: cluster, round: round, limit: 60) }
        for _ in 0..<adoptions { try starts.adoption(by: cluster) }
        return (failovers, starts)
    }

    private static func show(_ name: String, _ measurement: Measurement, of what: String = "kills") {
        let figures = [("median", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1)].map { label, share in
            "\(label) \(number(measurement.quantile(share) * 1000, 1)) ms"
        }
        let lost = measurement.failures == 0 ? "" : ", \(measurement.failures) without a write in time"
        say(
            "\(name.padding(toLength: 10, withPad: " ", startingAt: 0))\(measurement.times.count) \(what): "
                + figures.joined(separator: ", ") + lost)
    }

    /// At once, also into a pipe.
    private static func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

    private static func number(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
}
