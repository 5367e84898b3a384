import ArgumentParser
import ClusterModel
import Simulation

/// How long one call of `decide` takes, for clusters of several sizes.
@main
struct DecideBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decide-bench",
        abstract: "Measure one turn's decision at rest and in the midst of a failover.",
        discussion: "Each shape is formed in the simulator; then the same turn is decided over and over.")

    @Argument(help: "Shapes: masters times replicas of each, as 3x1.")
    var shapes = ["3x1", "10x2", "34x2"]

    @Option(help: "For how many milliseconds to repeat each.")
    var time = 1000

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
            print("\(nodes) nodes: \(measure(pair.atRest)) us at rest, \(measure(pair.inFailover)) us in a failover")
        }
    }

    /// Microseconds: the median.
    private func measure(_ cluster: StillCluster) -> Int64 {
        let clock = ContinuousClock()
        let end = clock.now + .milliseconds(time)
        var samples: [Duration] = []
        repeat {
            samples.append(clock.measure { _ = cluster.decide() })
        } while clock.now < end
        samples.sort()
        return samples[samples.count / 2].components.attoseconds / 1_000_000_000_000
    }
}
