import ClusterModel
import ControlAPI
import Foundation
import Testing

/// Slots move by CLUSTER MIGRATESLOTS while a client writes; the migration is held before its end, and what carries it is killed there.
/// Invariants: no-early-owner, disposable-daemon.
@Suite(.serialized) struct AtomicReshardTests {
    private static let slots = 5161...5460
    private static var engines: [String] { Engines.all.filter { $0.contains("valkey-9") } }

    private struct Stage {
        var daemon: Daemon
        var source: NodeDocument
        var target: NodeDocument
        var keys: MovedKeys
        var writer: RedirectedWriter
        var arguments: [String]
    }

    /// The migration of 300 slots has sent its snapshot, and waits.
    private func withStage(_ server: String, _ body: (Stage) async throws -> Void) async throws {
        try await withDaemon { daemon in
            let conf = daemon.home + "/conf.yaml"
            try "redis:\n  enable-debug-command: local\n".write(toFile: conf, atomically: true, encoding: .utf8)
            let arguments = ["--server", server, "--config", conf]
            try daemon.up(arguments)
            try await daemon.ready()
            let masters = try masters(daemon)
            let keys = MovedKeys(Self.slots)
            #expect(try await keys.fill(masters[0].port) == [])
            let tags = MovedKeys.tags(40, in: Self.slots, prefix: "written")
            let writer = RedirectedWriter(tags, try daemon.status().nodes.map(\.port))
            await writer.start()
            #expect(await eventually { await writer.writes > 100 })
            try await hold(masters[0].port, true)
            let names = (masters[0].name.text, masters[1].name.text)
            _ = try daemon.begin(["reshard", "--from", names.0, "--to", names.1, "--slots", "300"])
            let isHeld = await eventually {
                try await migrations(masters[0].port).contains("waiting-to-pause")
            }
            try #require(isHeld)
            try await body(
                Stage(
                    daemon: daemon, source: masters[0], target: masters[1], keys: keys, writer: writer,
                    arguments: arguments))
            try await daemon.stop()
        }
    }

    private func hold(_ port: Int, _ isHeld: Bool) async throws {
        let reply = try await Redis.send(port, "DEBUG", "SLOTMIGRATION", "PREVENT-PAUSE", isHeld ? "1" : "0")
        #expect(reply.errorText == nil)
    }

    /// The values of all fields of all migrations that the node lists.
    private func migrations(_ port: Int) async throws -> [String] {
        let reply = try await Redis.send(port, "CLUSTER", "GETSLOTMIGRATIONS")
        return (reply.elements ?? []).flatMap { ($0.elements ?? []).map { $0.text ?? "" } }
    }

    private func masters(_ daemon: Daemon) throws -> [NodeDocument] {
        try daemon.status().nodes.filter { $0.role == .master }.sorted { $0.port < $1.port }
    }

    private func operation(_ daemon: Daemon) throws -> OperationDocument? {
        try daemon.operations().last { $0.kind == "reshard" }
    }

    private func ends(_ stage: Stage, _ state: OperationDocument.State) async throws {
        let hasEnded = await eventually(within: .seconds(120)) {
            try operation(stage.daemon)?.state.hasEnded == true
        }
        let last = try operation(stage.daemon)
        #expect(hasEnded && last?.state == state, "\(String(describing: last))")
    }

    private func count(_ stage: Stage, owner: NodeDocument) async throws {
        let before = await stage.writer.writes
        #expect(await eventually { await stage.writer.writes > before + 50 })
        await stage.writer.end()
        #expect(await stage.writer.failures == [])
        try await stage.daemon.ready()
        let shard = try stage.daemon.status().shards.first {
            $0.master == owner.name || $0.replicas.contains(owner.name)
        }
        #expect(SlotSet(texts: shard?.slots ?? [])?.intersection(SlotSet(Self.slots)) == SlotSet(Self.slots))
        let ports = try masters(stage.daemon).map(\.port)
        #expect(try await stage.keys.wrong(from: ports[0]) == [])
        #expect(try await stage.writer.lost(from: ports[0]) == [])
        let places = try await MovedKeys.places(on: ports)
        #expect(places.twice == [], "keys on two masters")
        let written = await stage.writer.acknowledged.count
        #expect(places.sizes == stage.keys.count + written)
    }

    @Test(arguments: engines) func theSourceIsKilledInTheMiddle(server: String) async throws {
        try await withStage(server) { stage in
            kill(try #require(stage.source.pid), SIGKILL)
            try await ends(stage, .done)
            try await count(stage, owner: stage.target)
        }
    }

    @Test(arguments: engines) func theTargetIsKilledInTheMiddle(server: String) async throws {
        try await withStage(server) { stage in
            kill(try #require(stage.target.pid), SIGKILL)
            try await hold(stage.source.port, false)
            try await ends(stage, .done)
            try await count(stage, owner: stage.target)
        }
    }

    @Test(arguments: engines) func anotherDaemonWaitsForTheSameMigration(server: String) async throws {
        try await withStage(server) { stage in
            kill(stage.daemon.process.processIdentifier, SIGKILL)
            _ = await stage.daemon.ended()
            try stage.daemon.up(stage.arguments)
            try await stage.daemon.ready()
            try await hold(stage.source.port, false)
            try await ends(stage, .done)
            #expect(try await migrations(stage.source.port).count { $0 == "EXPORT" } == 1)
            try await count(stage, owner: stage.target)
        }
    }

    @Test(arguments: engines) func aCancelledMigrationLeavesTheSlotsWhereTheyAre(server: String) async throws {
        try await withStage(server) { stage in
            let id = try #require(try operation(stage.daemon)?.id)
            let cancelled = try stage.daemon.command(["cancel", id])
            #expect(cancelled.exit == 0, "\(cancelled.errors)")
            try await ends(stage, .cancelled)
            try await count(stage, owner: stage.source)
        }
    }
}
