import ClusterModel
import ControlAPI
import Foundation
import Testing

/// Nodes and shards come and go while a client writes. Each key is at exactly one master afterwards, and redis-cli finds nothing.
@Suite(.serialized) struct MembershipTests {
    private static let slots = 0...16383

    private func withWriter(
        _ options: [String] = [], _ body: (Daemon, MovedKeys, RedirectedWriter) async throws -> Void
    ) async throws {
        try await withDaemon { daemon in
            try daemon.up(options)
            try await daemon.ready()
            let tags = MovedKeys.tags(60, in: Self.slots, prefix: "written")
            let writer = RedirectedWriter(tags, try daemon.status().nodes.map(\.port))
            await writer.start()
            #expect(await eventually { await writer.writes > 100 })
            let first = try daemon.status().nodes.filter { $0.role == .master }.min { $0.port < $1.port }
            let ranges = SlotSet(texts: first?.slots ?? []) ?? SlotSet()
            let keys = MovedKeys((ranges.numbers.first ?? 0)...(ranges.numbers.last ?? 0))
            #expect(try await keys.fill(first?.port ?? 0) == [])
            try await body(daemon, keys, writer)
            try await daemon.stop()
        }
    }

    private func count(
        _ daemon: Daemon, _ keys: MovedKeys, _ writer: RedirectedWriter, _ location: SourceLocation = #_sourceLocation
    ) async throws {
        await writer.end()
        #expect(await writer.failures == [], sourceLocation: location)
        try await daemon.ready()
        let port = try daemon.status().nodes.first { $0.role == .master }?.port ?? 0
        #expect(try await keys.wrong(from: port) == [], sourceLocation: location)
        #expect(try await writer.lost(from: port) == [], sourceLocation: location)
        #expect(try RedisCLI.agrees(port), sourceLocation: location)
    }

    /// Runs a command until it exits, without a thread of its own.
    private func carryOut(
        _ daemon: Daemon, _ arguments: [String], _ location: SourceLocation = #_sourceLocation
    ) async throws {
        let (process, errors) = try daemon.begin(arguments)
        let hasEnded = await eventually(within: .seconds(180)) { !process.isRunning }
        let words = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
        #expect(hasEnded && process.terminationStatus == 0, "\(words.suffix(600))", sourceLocation: location)
    }

    private func names(_ daemon: Daemon) throws -> [NodeName] { try daemon.status().nodes.map(\.name).sorted() }

    @Test func aShardComesAndGoes() async throws {
        try await withWriter { daemon, keys, writer in
            let before = try names(daemon)
            try await carryOut(daemon, ["add-node"])
            let new = try #require(try names(daemon).first { !before.contains($0) })
            try await carryOut(daemon, ["add-node", "--replica-of", new.text])
            try await daemon.ready()
            let shards = try daemon.status().shards
            #expect(shards.count == 4 && shards.allSatisfy { $0.replicas.count == 1 })
            #expect(shards.allSatisfy { SlotSet(texts: $0.slots)?.count == 4096 })
            try await carryOut(daemon, ["remove-node", new.text, "--shard"])
            #expect(try names(daemon) == before)
            try await count(daemon, keys, writer)
            // The next daemon finds the same nodes.
            let check = try daemon.command(["check"])
            #expect(check.exit == 0, "\(check.output)")
        }
    }

    @Test func anotherDaemonContinuesBoth() async throws {
        try await withWriter { daemon, keys, writer in
            let before = try names(daemon)
            let new = try await interruptedAdd(daemon, before)
            try await interruptedRemove(daemon, new)
            #expect(try names(daemon) == before)
            try await count(daemon, keys, writer)
        }
    }

    /// The node that came, although its daemon was killed in the middle.
    private func interruptedAdd(_ daemon: Daemon, _ before: [NodeName]) async throws -> NodeName {
        _ = try daemon.begin(["add-node"])
        let hasBegun = await eventually { try names(daemon).count > before.count }
        #expect(hasBegun)
        try await replaced(daemon)
        let isAdded = await eventually(within: .seconds(180)) { try hasEnded(daemon, shards: 4) }
        #expect(isAdded)
        return try #require(try names(daemon).first { !before.contains($0) })
    }

    private func interruptedRemove(_ daemon: Daemon, _ node: NodeName) async throws {
        _ = try daemon.begin(["remove-node", node.text, "--shard"])
        let hasBegun = await eventually {
            try (daemon.operations().last { $0.kind == "remove-node" }?.steps.count ?? 0) > 2
        }
        #expect(hasBegun)
        try await replaced(daemon)
        let isGone = await eventually(within: .seconds(180)) { try hasEnded(daemon, shards: 3) }
        let last = try daemon.operations().last
        #expect(isGone, "\(String(describing: last))")
    }

    private func replaced(_ daemon: Daemon) async throws {
        kill(daemon.process.processIdentifier, SIGKILL)
        _ = await daemon.ended()
        try daemon.up()
    }

    private func hasEnded(_ daemon: Daemon, shards count: Int) throws -> Bool {
        guard try daemon.operations().allSatisfy(\.state.hasEnded) else { return false }
        return try daemon.status().shards.count == count
    }

    @Test func applyDoesWhatTheConfigurationSays() async throws {
        try await withDaemon { daemon in
            let file = daemon.home + "/cluster.yaml"
            func write(replicas: Int) throws {
                try "cluster:\n  masters: 3\n  replicas: \(replicas)\n".write(
                    toFile: file, atomically: true, encoding: .utf8)
            }
            try write(replicas: 0)
            try daemon.up(["--config", file])
            try await daemon.ready()
            let nothing = try daemon.command(["plan"])
            #expect(nothing.exit == 0 && nothing.output.contains("has the masters and replicas"))
            try write(replicas: 1)
            let plan = try daemon.command(["plan"])
            #expect(plan.output.contains("1. add a replica to shard 1"), "\(plan.output)")
            #expect(try names(daemon).count == 3)
            let unasked = try daemon.command(["apply"])
            #expect(unasked.exit == 4 && unasked.errors.contains("--yes"))
            try await carryOut(daemon, ["apply", "--yes"])
            try await daemon.ready()
            #expect(try daemon.status().shards.allSatisfy { $0.replicas.count == 1 })
            try write(replicas: 0)
            try await carryOut(daemon, ["apply", "--yes"])
            #expect(try names(daemon).count == 3)
            try await daemon.stop()
        }
    }

    @Test func whatWouldLoseRedundancyIsRefused() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let nodes = try daemon.status().nodes
            let replica = try #require(nodes.first { $0.role == .replica }).name.text
            let master = try #require(nodes.first { $0.role == .master }).name.text
            for arguments in [[replica], [master], [master, "--shard"]] {
                let refused = try daemon.command(["remove-node"] + arguments)
                #expect(refused.exit == 4, "\(refused.errors)")
            }
            #expect(try daemon.command(["remove-node", "9"]).exit == 64)
            #expect(try daemon.command(["add-node", "--replica-of", "9"]).exit == 64)
            #expect(try names(daemon).count == 6)
            let gone = try daemon.command(["remove-node", replica, "--force"])
            #expect(gone.exit == 0, "\(gone.errors)")
            #expect(try names(daemon).count == 5)
            try await daemon.stop()
        }
    }
}
