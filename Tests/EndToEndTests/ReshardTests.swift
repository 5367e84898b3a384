import ClusterModel
import ControlAPI
import Foundation
import Testing

/// Slots move with their keys between shards while a client writes. Whatever is killed in the middle, each key is at exactly one master
/// afterwards. Invariants: no-early-owner, disposable-daemon.
@Suite(.serialized) struct ReshardTests {
    /// The highest 300 slots of the first of three masters.
    private static let slots = 5161...5460

    /// A cluster of three masters and their replicas, with keys in the slots that will move and a client that writes there.
    private struct Stage {
        var daemon: Daemon
        var source: NodeDocument
        var target: NodeDocument
        var keys: MovedKeys
        var writer: RedirectedWriter

        var reshard: [String] { ["reshard", "--from", source.name.text, "--to", target.name.text] }
    }

    private func withStage(_ options: [String] = [], _ body: (Stage) async throws -> Void) async throws {
        try await withDaemon { daemon in
            try daemon.up(options)
            try await daemon.ready()
            let masters = try masters(daemon)
            // So many that a test can act before all of them have moved.
            let keys = MovedKeys(Self.slots, each: 60)
            #expect(try await keys.fill(masters[0].port) == [])
            let tags = MovedKeys.tags(40, in: Self.slots, prefix: "written")
            let writer = RedirectedWriter(tags, try daemon.status().nodes.map(\.port))
            await writer.start()
            #expect(await eventually { await writer.writes > 100 })
            try await body(
                Stage(daemon: daemon, source: masters[0], target: masters[1], keys: keys, writer: writer))
            try await daemon.stop()
        }
    }

    private func masters(_ daemon: Daemon) throws -> [NodeDocument] {
        try daemon.status().nodes.filter { $0.role == .master }.sorted { $0.port < $1.port }
    }

    private func owned(_ daemon: Daemon) throws -> [[String]] { try masters(daemon).map(\.slots) }

    private func view(_ port: Int) async throws -> NodesView {
        NodesView.parse(try await Redis.send(port, "CLUSTER", "NODES").text ?? "")
    }

    /// How many of the slots this node owns by its own account.
    private func arrived(_ port: Int) async throws -> Int {
        let slots = try await view(port).myself?.slots ?? SlotSet()
        return slots.intersection(SlotSet(Self.slots)).count
    }

    /// Begins to move the slots, and returns when a part of them has arrived.
    private func inTheMiddle(of stage: Stage) async throws {
        let client = try stage.daemon.begin(stage.reshard + ["--slots", "300"])
        let isPartial = await eventually(every: .milliseconds(2)) {
            let count = try await arrived(stage.target.port)
            return count > 10 && count < 290
        }
        let words = (try? String(contentsOfFile: client.errors, encoding: .utf8)) ?? ""
        try #require(isPartial, "\(words)")
    }

    private func ends(_ stage: Stage, _ state: OperationDocument.State, _ location: SourceLocation = #_sourceLocation)
        async throws
    {
        let hasEnded = await eventually(within: .seconds(180)) {
            try stage.daemon.operations().last { $0.kind == "reshard" }?.state.hasEnded == true
        }
        let last = try stage.daemon.operations().last { $0.kind == "reshard" }
        #expect(hasEnded && last?.state == state, "\(String(describing: last))", sourceLocation: location)
        #expect(try stage.daemon.operations().count { $0.kind == "reshard" } == 1, sourceLocation: location)
    }

    /// Ends the writer, and counts each key.
    /// - Parameter all: whether every slot has arrived at the target's shard.
    private func count(
        _ stage: Stage, all: Bool = true, _ location: SourceLocation = #_sourceLocation
    ) async throws {
        let daemon = stage.daemon
        let before = await stage.writer.writes
        #expect(await eventually { await stage.writer.writes > before + 50 }, sourceLocation: location)
        await stage.writer.end()
        #expect(await stage.writer.failures == [], sourceLocation: location)
        try await daemon.ready()
        #expect(try daemon.status().cluster.slotsCovered == SlotSet.slotCount, sourceLocation: location)
        let isClosed = await eventually {
            for node in try daemon.status().nodes {
                let text = try await Redis.send(node.port, "CLUSTER", "NODES").text ?? ""
                if text.contains("->-") || text.contains("-<-") { return false }
            }
            return true
        }
        #expect(isClosed, "a slot is half moved", sourceLocation: location)
        if all {
            let shards = try daemon.status().shards
            let owner = shards.first { $0.master == stage.target.name || $0.replicas.contains(stage.target.name) }
            let slots = SlotSet(texts: owner?.slots ?? [])
            #expect(slots == SlotSet(5161...10922), "\(String(describing: owner))", sourceLocation: location)
        }
        let ports = try masters(daemon).map(\.port)
        #expect(try await stage.keys.wrong(from: ports[0]) == [], sourceLocation: location)
        #expect(try await stage.writer.lost(from: ports[0]) == [], sourceLocation: location)
        let places = try await MovedKeys.places(on: ports)
        #expect(places.twice == [], "keys on two masters", sourceLocation: location)
        let written = await stage.writer.acknowledged.count
        #expect(places.sizes == stage.keys.count + written, sourceLocation: location)
        #expect(places.all.count == places.sizes, sourceLocation: location)
        #expect(
            await eventually { try RedisCLI.agrees(ports[0]) }, "redis-cli --cluster check", sourceLocation: location)
        #expect(await eventually { try daemon.command(["check"]).exit == 0 }, sourceLocation: location)
    }

    // MARK: reshard

    @Test(arguments: Engines.all)
    func slotsMoveWithTheirKeysWhileAClientWrites(server: String) async throws {
        try await withStage(["--server", server]) { stage in
            let plan = try stage.daemon.command(stage.reshard + ["--slots", "300", "--dry-run"])
            #expect(plan.exit == 0 && plan.output.contains("5161-5460"), "\(plan.output)\(plan.errors)")
            #expect(try await arrived(stage.target.port) == 0)
            let before = await stage.writer.writes
            // Not `command`, which blocks one of the few threads that the writer shares.
            let client = try stage.daemon.begin(stage.reshard + ["--slots", "300"])
            #expect(await eventually(within: .seconds(120)) { !client.process.isRunning })
            let told = try String(contentsOfFile: client.errors, encoding: .utf8)
            #expect(client.process.terminationStatus == 0 && told.contains("300 slots moved"), "\(told)")
            #expect(await stage.writer.writes > before)
            try await count(stage)
        }
    }

    @Test func theSourceIsKilledInTheMiddle() async throws {
        try await withStage { stage in
            try await inTheMiddle(of: stage)
            kill(try #require(stage.source.pid), SIGKILL)
            try await ends(stage, .done)
            try await count(stage)
        }
    }

    @Test func theTargetIsKilledInTheMiddle() async throws {
        try await withStage { stage in
            try await inTheMiddle(of: stage)
            kill(try #require(stage.target.pid), SIGKILL)
            try await ends(stage, .done)
            try await count(stage)
        }
    }

    @Test func anotherDaemonContinues() async throws {
        try await withStage { stage in
            try await inTheMiddle(of: stage)
            kill(stage.daemon.process.processIdentifier, SIGKILL)
            _ = await stage.daemon.ended()
            #expect(try await arrived(stage.target.port) < Self.slots.count)
            try stage.daemon.up()
            try await ends(stage, .done)
            try await count(stage)
        }
    }

    @Test func aCancelledReshardLeavesNoSlotHalfMoved() async throws {
        try await withStage { stage in
            try await inTheMiddle(of: stage)
            let id = try #require(try stage.daemon.operations().last?.id)
            let cancelled = try stage.daemon.command(["cancel", id])
            #expect(cancelled.exit == 0, "\(cancelled.errors)")
            try await ends(stage, .cancelled)
            let arrived = try await arrived(stage.target.port)
            #expect(arrived > 0 && arrived < Self.slots.count)
            try await count(stage, all: false)
        }
    }

    @Test func whatCannotBeMovedIsRefused() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let masters = try masters(daemon)
            let (source, target) = (masters[0].name.text, masters[1].name.text)
            let replica = try #require(try daemon.status().nodes.first { $0.replicaOf == masters[0].name }).name.text
            let before = try owned(daemon)
            let refusals: [(arguments: [String], words: String)] = [
                (["--from", "9", "--to", target, "--slots", "1"], "\(source)"),
                (["--from", source, "--to", replica, "--slots", "1"], "belong to one shard"),
                (["--from", source, "--to", target, "--slot-range", "5460-5461"], "does not own"),
                (["--from", source, "--to", target, "--slots", "6000"], "owns 5461 slots, which is less than 6000"),
                (["--from", source, "--to", target, "--slots", "5461"], "would be left without slots"),
                (["--from", source, "--to", target, "--slots", "0"], "from 1 to 16384"),
                (["--from", source, "--to", target, "--slot-range", "9-3"], "are not ranges of slots"),
                (["--from", source, "--to", target, "--slot-range", "0-16384"], "are not ranges of slots"),
                (["--from", source, "--to", target, "--slot-range", "1,"], "are not ranges of slots"),
                (["--from", source, "--to", target], "either --slots or --slot-range"),
            ]
            for (arguments, words) in refusals {
                let result = try daemon.command(["reshard"] + arguments)
                #expect(result.exit == 64, "\(arguments): \(result.errors)")
                #expect(result.errors.contains(words), "\(arguments): \(result.errors)")
            }
            #expect(try daemon.operations().isEmpty)
            #expect(try owned(daemon) == before)
            try await daemon.stop()
        }
    }

    // MARK: rebalance

    @Test func rebalanceEvensSlotsByWeight() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let first = try masters(daemon)[0].name.text
            let before = try owned(daemon)
            let ports = try masters(daemon).map(\.port)
            let keys = try await Redis.fill(ports, 500)
            let even = try daemon.command(["rebalance", "--dry-run"])
            #expect(even.exit == 0 && even.output.contains("has its share"), "\(even.output)\(even.errors)")
            let plan = try daemon.command(["rebalance", "--weight", "\(first)=2", "--dry-run", "--json"])
            let document = try ControlJSON.decode(OperationDocument.self, from: Array(plan.output.utf8))
            #expect(document.moves?.map(\.to.text) == [first, first], "\(plan.output)")
            #expect(document.moves?.reduce(0) { $0 + $1.count } == 8192 - 5461)
            #expect(try owned(daemon) == before)
            #expect(try daemon.operations().isEmpty)

            let done = try daemon.command(["rebalance", "--weight", "\(first)=2"])
            #expect(done.exit == 0, "\(done.errors)")
            try await daemon.ready()
            #expect(try owned(daemon).map { SlotSet(texts: $0)?.count } == [8192, 4096, 4096])
            #expect(try await Redis.missing(keys, on: ports) == 0)
            #expect(try await MovedKeys.places(on: ports).twice == [])
            #expect(await eventually { try RedisCLI.agrees(ports[0]) })
            let again = try daemon.command(["rebalance", "--weight", "\(first)=2"])
            #expect(again.exit == 0 && again.errors.contains("has its share"), "\(again.errors)")
            try await daemon.stop()
        }
    }
}
