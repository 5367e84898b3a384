import Simulation
import Testing

@Suite struct SeedTests {
    /// A few of very many seeds: `make sim` runs the others, in a release build.
    @Test func noSeedBreaksARule() {
        for seed in UInt64(0)..<10 {
            let report = Scenario.run(seed: seed)
            #expect(report.broken.isEmpty, "seed \(seed); make sim SEED=\(seed) tells its story")
        }
    }

    /// Each of these seeds once broke a rule.
    static let formerlyBroken: [UInt64] = [
        61, 354, 388, 424, 460, 464, 557, 832, 928, 1161, 1542, 1563, 1707, 1931, 2764, 2942, 3067,
    ]

    @Test(arguments: formerlyBroken) func formerlyBrokenSeedsStayFixed(seed: UInt64) {
        #expect(Scenario.run(seed: seed).broken.isEmpty, "make sim SEED=\(seed) tells its story")
    }

    @Test func aSeedReplaysExactly() {
        let (first, second) = (Scenario.run(seed: 11, tells: true), Scenario.run(seed: 11, tells: true))
        #expect(first.story == second.story)
        #expect(!first.story.isEmpty)
    }
}
