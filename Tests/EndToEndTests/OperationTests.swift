import ControlAPI
import Foundation
import Testing

/// Operations: they disturb no client, can be repeated safely, and continue without their client. Invariants:
/// disposable-daemon, lossless-switchover.
@Suite(.serialized) struct OperationTests {
    private func pids(_ daemon: Daemon) throws -> Set<Int32> { Set(try daemon.status().nodes.compactMap(\.pid)) }

    private func masters(_ daemon: Daemon) throws -> [Int] {
        try daemon.status().nodes.filter { $0.role == .master }.map(\.port)
    }

    private func node(_ name: String, _ daemon: Daemon) throws -> NodeDocument {
        try #require(try daemon.status().nodes.first { $0.name.text == name })
    }

    private func replica(_ daemon: Daemon) throws -> NodeDocument {
        try #require(try daemon.status().nodes.first { $0.role == .replica })
    }

    @Test func aRollingRestartFailsNoWriteOfAClusterClient() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let before = try pids(daemon)
            let writer = ClusterWriter(try daemon.status().nodes.map(\.port))
            await writer.start()
            #expect(await eventually { await writer.writes > 200 })
            let restart = try daemon.command(["rolling-restart"])
            #expect(restart.exit == 0, "\(restart.errors)")
            let restarted = await writer.writes
            #expect(await eventually { await writer.writes > restarted + 200 })
            await writer.end()
            #expect(await writer.failures == [])
            #expect(try await writer.lost(on: masters(daemon)).acknowledged == [])
            #expect(try pids(daemon).isDisjoint(with: before))
            #expect(try daemon.status().cluster.ready)
            #expect(try daemon.status().nodes.allSatisfy { $0.restarts >= 1 })
            try await daemon.stop()
        }
    }

    @Test func anOperationSurvivesTheDeathOfItsClientAndOfTheDaemon() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let before = try pids(daemon)
            let client = try daemon.begin(["rolling-restart"])
            #expect(await eventually { try pids(daemon).subtracting(before).count >= 1 })
            kill(client.process.processIdentifier, SIGKILL)
            #expect(await eventually { try pids(daemon).intersection(before).count <= 4 })
            kill(daemon.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            try daemon.up()
            let isDone = await eventually(within: .seconds(120)) {
                try daemon.operations().last.map { $0.kind == "rolling-restart" && $0.state == .done } ?? false
            }
            #expect(isDone, "\(daemon.output.suffix(800))")
            try await daemon.ready()
            #expect(try pids(daemon).isDisjoint(with: before))
            #expect(try daemon.operations().count { $0.kind == "rolling-restart" } == 1)
            try await daemon.stop()
        }
    }

    @Test func anInterruptedClientSaysHowToFollowTheOperation() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let client = try daemon.begin(["restart-node", String(daemon.base)])
            func words() -> String { (try? String(contentsOfFile: client.errors, encoding: .utf8)) ?? "" }
            #expect(await eventually { words().contains("handing over") })
            kill(client.process.processIdentifier, SIGINT)
            client.process.waitUntilExit()
            #expect(client.process.terminationStatus == 130)
            let id = try #require(try daemon.operations().last?.id)
            #expect(words().contains("still running: clusterd operations \(id) · clusterd cancel \(id)"))
            #expect(try daemon.command(["operations", id, "--follow"]).exit == 0)

            let impatient = try daemon.command(["restart-node", String(daemon.base + 1), "--timeout", "1ms"])
            #expect(impatient.exit == 124, "\(impatient.errors)")
            let next = try #require(try daemon.operations().last?.id)
            #expect(next != id && impatient.errors.contains("clusterd operations \(next)"))
            #expect(try daemon.command(["operations", next, "--follow"]).exit == 0)
            try await daemon.ready()
            try await daemon.stop()
        }
    }

    @Test func aStoppedNodeStaysStoppedUntilItIsStarted() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let name = try replica(daemon).name.text
            let master = try #require(try node(name, daemon).replicaOf).text
            #expect(try daemon.command(["stop-node", name]).exit == 0)
            #expect(try daemon.command(["stop-node", name]).exit == 0)
            // The last node of its shard: slots would become unavailable.
            let refused = try daemon.command(["stop-node", master])
            #expect(
                refused.exit == 4 && refused.errors.contains("clusterd stop-node \(master) --no-failover"),
                "\(refused.errors)")
            #expect(try daemon.command(["restart-node", master]).exit == 4)
            kill(daemon.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            try daemon.up()
            // It does not count: the operator stopped it.
            try await daemon.ready()
            let stopped = try node(name, daemon)
            #expect(stopped.process == .stopped && stopped.wanted == .stopped && stopped.pid == nil)
            #expect(try daemon.status().findings.contains { $0.node?.text == name })
            #expect(try daemon.command(["start-node", name]).exit == 0)
            #expect(try daemon.command(["start-node", name]).exit == 0)
            let started = try node(name, daemon)
            #expect(started.process == .running && started.role == .replica && started.link == .up)
            try await daemon.stop()
        }
    }

    @Test func aRepeatedFailoverToAReplicaChangesNothing() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let keys = try await Redis.fill(try masters(daemon), 600)
            let name = try replica(daemon).name.text
            let old = try #require(try node(name, daemon).replicaOf).text
            let first = try daemon.command(["failover", name])
            #expect(first.exit == 0, "\(first.errors)")
            #expect(try node(name, daemon).role == .master)
            #expect(try node(old, daemon).role == .replica)
            let again = try daemon.command(["failover", name])
            #expect(again.exit == 0 && again.errors.contains("master already"), "\(again.errors)")
            #expect(try daemon.command(["failover", "9"]).exit == 64)
            try await daemon.ready()
            #expect(try await Redis.missing(keys, on: try masters(daemon)) == 0)
            try await daemon.stop()
        }
    }

    @Test func duringAPauseNoNodeIsStartedAutomatically() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            #expect(try daemon.command(["pause", "--for", "1h"]).exit == 0)
            let victim = try replica(daemon)
            kill(try #require(victim.pid), SIGKILL)
            #expect(await eventually { try node(victim.name.text, daemon).process == .crashed })
            kill(daemon.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            try daemon.up()
            let isHeld = await eventually {
                let status = try daemon.status()
                return status.cluster.paused && status.cluster.phase == .ready
                    && status.findings.contains { $0.code == "paused" }
            }
            #expect(isHeld, "\(daemon.output.suffix(800))")
            // Requests of the operator are carried out.
            let master = try #require(victim.replicaOf).text
            let other = try #require(
                try daemon.status().nodes.first { $0.role == .replica && $0.replicaOf?.text != master })
            #expect(try daemon.command(["restart-node", other.name.text]).exit == 0)
            #expect(try node(victim.name.text, daemon).pid == nil)
            #expect(try daemon.command(["resume"]).exit == 0)
            try await daemon.ready()
            #expect(try !daemon.status().cluster.paused)
            try await daemon.stop()
        }
    }
}
