import Glibc
import Simulation

/// `clusterd-sim --seeds N`: runs that many; `--seed N --story`: one, with everything that happened in it.
@main
struct Simulator {
    static func main() async {
        let arguments = CommandLine.arguments
        func number(_ name: String) -> UInt64? {
            guard let at = arguments.firstIndex(of: name), at + 1 < arguments.count else { return nil }
            return UInt64(arguments[at + 1])
        }
        if let seed = number("--seed") {
            let report = Scenario.run(seed: seed, tells: arguments.contains("--story"))
            for line in report.story { print(line) }
            print(
                report.broken.isEmpty
                    ? "seed \(seed): nothing broken" : "seed \(seed): \(report.broken.joined(separator: "; "))")
            exit(report.broken.isEmpty ? 0 : 1)
        }
        let count = number("--seeds") ?? 1000
        let began = ContinuousClock.now
        let sum = await sum(of: count)
        let took = max(1, (ContinuousClock.now - began).components.seconds)
        print(
            "\(count) seeds, \(sum.failed) failed; \(sum.turns) turns of the loop, "
                + "\(Int(sum.seconds)) simulated seconds in \(took) s")
        exit(sum.failed == 0 ? 0 : 1)
    }

    private struct Sum {
        var failed = 0
        var seconds = 0.0
        var turns = 0
    }

    /// Seeds know nothing of each other: as many at once as there are processors.
    private static func sum(of count: UInt64) async -> Sum {
        let lanes = UInt64(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        return await withTaskGroup(of: Sum.self) { group in
            for lane in 0..<lanes {
                group.addTask {
                    var sum = Sum()
                    for seed in stride(from: lane, to: count, by: UInt64.Stride(lanes)) {
                        let report = Scenario.run(seed: seed)
                        sum.seconds += report.seconds
                        sum.turns += report.turns
                        guard !report.broken.isEmpty else { continue }
                        sum.failed += 1
                        if sum.failed <= 20 { print("seed \(seed): \(report.broken.joined(separator: "; "))") }
                    }
                    return sum
                }
            }
            return await group.reduce(into: Sum()) { sum, lane in
                sum.failed += lane.failed
                sum.seconds += lane.seconds
                sum.turns += lane.turns
            }
        }
    }
}
