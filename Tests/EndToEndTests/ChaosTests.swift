import Foundation
import Testing

/// Faults at random moments, and a ledger: acknowledged writes are present afterwards, or the reason of the loss is
/// known. `make chaos SEED=7 ROUNDS=50` runs more of it. Invariants: drained-first, disposable-daemon.
@Suite(.serialized) struct ChaosTests {
    private static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap { Int($0) } }

    @Test(arguments: ["fast", "durable"]) func confirmedWritesSurviveRandomFaults(failover: String) async throws {
        let seed = Self.number("SEED") ?? 11
        try await withDaemon { daemon in
            let settings = daemon.home + "/chaos.yaml"
            try """
            supervision: {failover: \(failover), hang-timeout: 2s}
            redis: {appendfsync: always, cluster-node-timeout: 5000}

            """.write(toFile: settings, atomically: true, encoding: .utf8)
            let chaos = Chaos(daemon, seed: UInt64(seed), arguments: ["--config", settings])
            do {
                try await chaos.run(Self.number("ROUNDS") ?? 6)
            } catch {
                print(chaos.report)
                throw error
            }
            print("seed \(seed), failover \(failover)\n\(chaos.report)")
            if failover == "durable" { #expect(chaos.rounds.map(\.lost) == chaos.rounds.map { _ in 0 }) }
            #expect(chaos.rounds.map(\.confirmedLost) == chaos.rounds.map { _ in 0 })
        }
    }
}
