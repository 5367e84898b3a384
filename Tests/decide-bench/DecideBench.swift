import ArgumentParser
import ClusterModel
import Simulation

/// How long one call of `decide` takes, for clusters of several sizes.
@main
struct DecideBench: ParsableCommand {
    enum Situation: String, ExpressibleByArgument {
        case rest
        case failover
    }

    static let configuration = CommandConfiguration(
        commandName: "decide-bench",
        abstract: "Measure one turn's decision at rest and in the midst of a failover.",
        discussion: "Each shape is formed in the simulator; then the same turn is decided over and over.")

    @Argument(help: "Shapes: masters times replicas of each, as 3x1.")
    var shapes = ["3x1", "10x2", "34x2"]

    @Option(help: "For how many milliseconds to repeat each.")
    var time = 1000

    @Option(help: "How often to repeat each, instead of a time.")
    var calls: Int?

    @Option(help: "Measure only this situation: rest or failover.")
    var situation: Situation?

    @Flag(help: "Print the seconds of each call, one a line, and nothing else.")
    var samples = false

    func validate() throws {
        if let calls, calls < 1 { throw ValidationError("--calls must be at least 1.") }
    }

    func run() throws {
        for shape in shapes {
            let numbers = shape.split(separator: "x").compactMap { Int($0) }
            guard numbers.count == 2, numbers[0] > 0, numbers[1] >= 0 else {
                throw ValidationError("\(shape) is no shape: 3x1 is three masters with one replica each.")
            }
            guard let pair = StillCluster.pair(masters: numbers[0], replicas: numbers[1]) else {
                throw CleanExit.message("\(shape) did not become ready in the simulator")
            }
            let nodes = numbers[0] * (numbers[1] + 1)
            var results: [String] = []
            if situation != .failover { results.append(result(of: pair.atRest, "at rest")) }
            if situation != .rest { results.append(result(of: pair.inFailover, "in a failover")) }
            if !samples { print("\(nodes) nodes: \(results.joined(separator: ", "))") }
        }
    }

    /// Microseconds: the median.
    private func result(of cluster: StillCluster, _ words: String) -> String {
        let times = measure(cluster)
        if samples { for time in times { print(Self.seconds(time)) } }
        let median = times.sorted()[times.count / 2]
        return "\(median.components.attoseconds / 1_000_000_000_000) us \(words)"
    }

    /// At least one call.
    private func measure(_ cluster: StillCluster) -> [Duration] {
        let clock = ContinuousClock()
        let end = clock.now + .milliseconds(time)
        var times: [Duration] = []
        repeat {
            times.append(clock.measure { _ = cluster.decide() })
        } while calls.map { times.count < $0 } ?? (clock.now < end)
        return times
    }

    private static func seconds(_ time: Duration) -> Double {
        Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
    }
}
