import Glibc
import Simulation

/// `clusterd-sim --seeds N`: runs that many; `--seed N --story`: one, with everything that happened in it.
@main
struct Simulator {
    static func main() {
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
        var failed = 0
        var seconds = 0.0
        let began = ContinuousClock.now
        for seed in 0..<count {
            let report = Scenario.run(seed: seed)
            seconds += report.seconds
            guard !report.broken.isEmpty else { continue }
            failed += 1
            if failed <= 20 { print("seed \(seed): \(report.broken.joined(separator: "; "))") }
        }
        let took = (ContinuousClock.now - began).components.seconds
        print("\(count) seeds, \(failed) failed; \(Int(seconds)) simulated seconds in \(took) s")
        exit(failed == 0 ? 0 : 1)
    }
}
