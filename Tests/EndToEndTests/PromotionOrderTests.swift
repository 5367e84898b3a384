import ClusterModel
import ControlAPI
import Foundation
import HostDriver
import RESP
import Testing

/// How a replica handles a promotion order that it reads at another time than clusterd sent it. Invariant:
/// no-late-order.
@Suite(.serialized) struct PromotionOrderTests {
    @Test(arguments: Engines.all) func aPromotionOrderIsObeyedOnlyInItsWindow(server: String) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--server", server, "--masters", "3", "--replicas", "1"])
            try await daemon.ready()
            let nodes = try daemon.status().nodes
            let master = try #require(nodes.first { $0.role == .master })
            let id = try #require(master.id)
            let replica = try #require(nodes.first { $0.replicaOf == master.name })
            let version = try await Redis.send(replica.port, "INFO", "server").text ?? ""
            let isOld = version.contains("redis_version:6.")
            let script = HostDriver.promotionScript(
                for: Engine(name: .redis, version: isOld ? EngineVersion(6, 2, 5) : EngineVersion(7, 0, 0)))
            kill(daemon.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            kill(try #require(master.pid), SIGKILL)
            func says(_ words: String) async throws -> Bool {
                try await Redis.send(replica.port, "INFO", "replication").text?.contains(words) == true
            }
            #expect(await eventually { try await says("master_link_status:down") })

            let now = Int64(Date().timeIntervalSince1970 * 1000)
            func order(sent: Int64, until: Int64) async throws -> String? {
                try await Redis.send(
                    replica.port, "EVAL", script, "0", id.text, String(until), "100", String(sent)
                ).errorText
            }
            // The clock advanced, or was set forward; then it was set back.
            let late = try await order(sent: now - 3_600_250, until: now - 3_600_000)
            #expect(late?.contains("the order came too late") == true)
            let early = try await order(sent: now + 3_600_000, until: now + 3_600_250)
            #expect(early?.contains("the clock was set back since the order") == true)
            #expect(try await says("role:slave"))

            #expect(try await order(sent: now - 1000, until: now + 60_000) == nil)
            #expect(await eventually { try await says("role:master") })
        }
    }
    /// From 7.0 on the promotion works; before that, a finding predicts its failure.
    @Test(arguments: Engines.all) func aReplicaThatServesNoStaleDataIsPromotedOrAFinding(server: String) async throws {
        try await withDaemon { daemon in
            let conf = daemon.home + "/conf.yaml"
            try "redis: {replica-serve-stale-data: 'no'}\n".write(toFile: conf, atomically: true, encoding: .utf8)
            try daemon.up(["--server", server, "--config", conf])
            try await daemon.ready()
            if server.contains("redis-6.2") {
                #expect(
                    await eventually { try daemon.status().findings.contains { $0.code == "promotion-refused" } })
            } else {
                try await daemon.loseAMaster()
            }
        }
    }
}
