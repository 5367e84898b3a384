import ArgumentParser
import Glibc
import Simulation

/// Runs the complete lives of simulated clusters, each from its seed, and checks the rules of docs/invariants.md.
@main
struct Simulator: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clusterd-sim",
        abstract: "Run simulated clusters from seeds, and hold every turn against the rules that must not be broken.",
        discussion: """
            Each seed is one whole life of a cluster: it forms, things go wrong, they stop going wrong, it must be ready, it is \
            stopped and started again. The same seed is the same life, on any machine.

            Exit status: 0 nothing was broken, 1 a seed broke a rule, 64 the arguments are wrong.
            """)

    @Option(help: ArgumentHelp("How many seeds to run.", valueName: "count"))
    var seeds: UInt64 = 1000

    @Option(help: ArgumentHelp("The first of them.", valueName: "seed"))
    var from: UInt64 = 0

    @Option(help: ArgumentHelp("Run this one seed, and no others.", valueName: "seed"))
    var seed: UInt64?

    @Flag(help: "Print what happened in it; with --seed.")
    var story = false

    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "How many seeds to run at once (default: as many as there are processors).", valueName: "count"))
    var jobs: UInt64?

    func validate() throws {
        if seeds == 0 { throw ValidationError("--seeds 0 would run nothing.") }
        if jobs == 0 { throw ValidationError("--jobs 0 would run nothing.") }
        if from.addingReportingOverflow(seeds).overflow {
            throw ValidationError("--from \(from) is too large for \(seeds) seeds.")
        }
        if story, seed == nil { throw ValidationError("--story tells of one seed: give it with --seed.") }
    }

    func run() async throws {
        if let seed { return try replay(seed) }
        let began = ContinuousClock.now
        let sum = await runAll()
        let took = ContinuousClock.now - began
        let tenths = took.components.seconds * 10 + took.components.attoseconds / 100_000_000_000_000_000
        print(
            "\(seeds) seeds, \(sum.failed) failed; \(sum.turns) turns of the loop, "
                + "\(Int(sum.seconds)) simulated seconds in \(tenths / 10).\(tenths % 10) s")
        if sum.failed > 0 { throw ExitCode.failure }
    }

    private func replay(_ seed: UInt64) throws {
        let report = Scenario.run(seed: seed, tells: story)
        for line in report.story { print(line) }
        guard !report.broken.isEmpty else { return print("seed \(seed): nothing broken") }
        print("seed \(seed): \(report.broken.joined(separator: "; "))")
        throw ExitCode.failure
    }

    private struct Sum {
        var failed = 0
        var seconds = 0.0
        var turns = 0
    }

    /// Seeds share no state.
    private func runAll() async -> Sum {
        let lanes = jobs ?? UInt64(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        let range = from..<(from + seeds)
        return await withTaskGroup(of: Sum.self) { group in
            for lane in 0..<min(lanes, seeds) {
                group.addTask {
                    var sum = Sum()
                    for seed in stride(from: range.lowerBound + lane, to: range.upperBound, by: Int(lanes)) {
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
