import ControlAPI
import Foundation
import Testing

/// `clusterd check` on clusters that were damaged by hand.
@Suite(.serialized) struct CheckTests {
    private func check(_ daemon: Daemon) throws -> (exit: Int32, document: CheckDocument) {
        let result = try daemon.command(["check", "--json"])
        return (result.exit, try ControlJSON.decode(CheckDocument.self, from: Array(result.output.utf8)))
    }

    private func codes(_ daemon: Daemon) throws -> Set<String> {
        Set(try check(daemon).document.findings.filter { $0.severity != .info }.map(\.code))
    }

    @Test func aFindingLastsAsLongAsTheDamage() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let well = try check(daemon)
            #expect(well.exit == 0 && well.document.healthy)
            #expect(well.document.passed.contains("All 16384 slots covered."))
            #expect(try codes(daemon) == [])
            let nodes = try daemon.status().nodes
            let masters = nodes.filter { $0.role == .master }.sorted { $0.port < $1.port }
            let (first, second) = (masters[0], masters[1])

            _ = try await Redis.send(first.port, "CLUSTER", "DELSLOTS", "5")
            let uncovered = try check(daemon)
            #expect(uncovered.exit == 1)
            #expect(
                uncovered.document.findings.contains { $0.code == "slots-uncovered" && $0.message.hasPrefix("slot 5 ") }
            )
            _ = try await Redis.send(first.port, "CLUSTER", "ADDSLOTS", "5")
            #expect(await eventually { try codes(daemon) == [] })

            let replica = try #require(nodes.first { $0.replicaOf == second.name })
            _ = try await Redis.send(replica.port, "CLUSTER", "REPLICATE", try #require(first.id).text)
            _ = try await Redis.send(second.port, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
            _ = try await Redis.send(
                first.port, "CLUSTER", "SETSLOT", "7", "MIGRATING", try #require(second.id).text)
            let all: Set = ["replica-misplaced", "replicas-missing", "settings-uneven", "slot-open"]
            #expect(await eventually { try codes(daemon) == all })
            // The findings persist, and `status` shows them too.
            for _ in 0..<20 {
                let shown = Set(try daemon.status().findings.map(\.code))
                #expect(all.isSubset(of: shown))
            }
            let text = try daemon.command(["check"])
            #expect(text.exit == 1 && text.output.contains("[ERROR] slot 7 is half moved"))

            _ = try await Redis.send(replica.port, "CLUSTER", "REPLICATE", try #require(second.id).text)
            _ = try await Redis.send(second.port, "CONFIG", "SET", "maxmemory-policy", "noeviction")
            _ = try await Redis.send(first.port, "CLUSTER", "SETSLOT", "7", "STABLE")
            #expect(await eventually { try codes(daemon) == [] })
            try await daemon.stop()
        }
    }
}
