import ControlAPI
import Foundation
import Testing

/// Damage of a running cluster, repaired by `fix` on real engines. Invariant: confirmed-repair.
@Suite(.serialized) struct RepairTests {
    private func plan(_ daemon: Daemon) throws -> FixDocument {
        let result = try Daemon.run(["fix", "--dir", daemon.data, "--dry-run", "--json"])
        return try ControlJSON.decode(FixDocument.self, from: Array(result.output.utf8))
    }

    private func fix(_ daemon: Daemon, _ arguments: String...) throws {
        let result = try Daemon.run(["fix", "--dir", daemon.data, "--yes"] + arguments)
        #expect(result.exit == 0, "\(result.errors)")
    }

    private func lastPart(_ folder: String) throws -> String {
        let parts = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/appendonlydir")) ?? []
        guard let last = parts.filter({ $0.hasSuffix(".incr.aof") }).max() else { return folder + "/appendonly.aof" }
        return "\(folder)/appendonlydir/\(last)"
    }

    @Test(arguments: Engines.all)
    func aTruncatedAppendOnlyFileIsRepaired(server: String) async throws {
        try await withDaemon { daemon in
            let options = ["--masters", "1", "--replicas", "0", "--server", server]
            try daemon.up(options)
            try await daemon.ready()
            let keys = try await Redis.fill([daemon.base], 100)
            try await daemon.stop()
            let path = try lastPart("\(daemon.data)/nodes/\(daemon.base)")
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            try whole.dropLast(7).write(to: URL(fileURLWithPath: path))
            try daemon.up(options)
            let isOffered = await eventually { try plan(daemon).repairs.map(\.finding.code) == ["node-down"] }
            #expect(isOffered, "\(daemon.output.suffix(2000))")
            let repair = try #require(try plan(daemon).repairs.first)
            #expect(
                repair.text.contains("cut the last ")
                    && repair.text.contains("of the \(whole.count - 7) bytes of \(path)"))
            try fix(daemon)
            try await daemon.ready()
            #expect(try await Redis.missing(keys, on: [daemon.base]) == 1, "only the last one was not whole")
            let kept = try #require(
                try FileManager.default.contentsOfDirectory(atPath: daemon.data + "/quarantine").last)
            let copy = try lastPart("\(daemon.data)/quarantine/\(kept)")
            #expect(try Data(contentsOf: URL(fileURLWithPath: copy)).prefix(whole.count - 7) == whole.dropLast(7))
            let result = try Daemon.run(["quarantine", "list", "--dir", daemon.data])
            #expect(
                result.output.contains("could not be loaded") && result.output.contains("99 keys"), "\(result.output)")
            try await daemon.stop()
        }
    }

    @Test(arguments: Engines.all)
    func changesByHandToARunningClusterAreRepaired(server: String) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--server", server])
            try await daemon.ready()
            let masters = try daemon.status().nodes.filter { $0.role == .master }.sorted { $0.port < $1.port }
            let keys = try await Redis.fill(masters.map(\.port), 200)
            let (first, second, third) = (masters[0], masters[1], masters[2])
            // A released slot, one that is half moved and empty there, and a replica in the wrong shard.
            let key = try #require(keys.first)
            guard case .integer(let lost) = try await Redis.send(first.port, "CLUSTER", "KEYSLOT", key) else { return }
            // The other Valkey nodes forget the owner of a slot within seconds.
            let isKept = !server.contains("valkey")
            if isKept { _ = try await Redis.send(first.port, "CLUSTER", "DELSLOTS", "\(lost)") }
            _ = try await Redis.send(
                second.port, "CLUSTER", "SETSLOT", "6000", "MIGRATING", try #require(third.id).text)
            _ = try await Redis.send(
                third.port, "CLUSTER", "SETSLOT", "6000", "IMPORTING", try #require(second.id).text)
            let replica = try #require(try daemon.status().nodes.first { $0.replicaOf == second.name })
            _ = try await Redis.send(replica.port, "CLUSTER", "REPLICATE", try #require(third.id).text)
            let codes = Set((isKept ? ["slots-uncovered"] : []) + ["slot-open", "replica-misplaced"])
            #expect(await eventually { Set(try plan(daemon).repairs.map(\.finding.code)) == codes })
            try fix(daemon)
            #expect(await eventually { try plan(daemon).repairs.isEmpty && daemon.status().cluster.ready })
            #expect(try await Redis.missing(keys, on: masters.map(\.port)) == 0)
            #expect(try daemon.status().nodes.first { $0.name == replica.name }?.replicaOf == second.name)
            #expect(try daemon.command(["check"]).exit == 0)
            try await daemon.stop()
        }
    }

    /// Keys of a slot on both nodes, one of them with two values: `fix` finishes the move if both nodes are marked, and returns the keys to
    /// the owner if only the importing node is.
    @Test(arguments: [true, false]) func aSlotWithKeysOnTwoNodesIsFinished(isMigrating: Bool) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "3", "--replicas", "0"])
            try await daemon.ready()
            let masters = try daemon.status().nodes.sorted { $0.port < $1.port }
            let ids = try masters.map { try #require($0.id).text }
            let key = try #require(try await Redis.fill([masters[0].port], 20).first)
            guard case .integer(let slot) = try await Redis.send(masters[0].port, "CLUSTER", "KEYSLOT", key) else {
                return
            }
            _ = try await Redis.send(masters[1].port, "CLUSTER", "SETSLOT", "\(slot)", "IMPORTING", ids[0])
            #expect(try await Redis.asking(masters[1].port, "SET", "{\(key)}2", "value") == .simple("OK"))
            #expect(try await Redis.asking(masters[1].port, "SET", key, "other") == .simple("OK"))
            if isMigrating {
                _ = try await Redis.send(masters[0].port, "CLUSTER", "SETSLOT", "\(slot)", "MIGRATING", ids[1])
            }
            let kind = isMigrating ? "finish-move " : "return-keys "
            #expect(await eventually { try plan(daemon).repairs.map(\.id).contains { $0.hasPrefix(kind) } })
            try fix(daemon)
            #expect(await eventually { try plan(daemon).repairs.isEmpty && daemon.command(["check"]).exit == 0 })
            let (owner, other) = isMigrating ? (masters[1].port, masters[0].port) : (masters[0].port, masters[1].port)
            #expect(try await Redis.send(owner, "GET", key).text == "value", "the value of the owner")
            #expect(try await Redis.send(owner, "GET", "{\(key)}2").text == "value")
            #expect(try await Redis.send(other, "CLUSTER", "COUNTKEYSINSLOT", "\(slot)") == .integer(0))
            let list = try Daemon.run(["quarantine", "list", "--dir", daemon.data])
            #expect(list.output.contains("held before clusterd moved"), "\(list.output)")
            try await daemon.stop()
        }
    }

    @Test(arguments: Engines.all)
    func aMissingNodeIsForgotten(server: String) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--server", server, "--set", "redis.cluster-node-timeout=1000"])
            try await daemon.ready()
            let stranger = try await Stranger(beside: daemon, server: server)
            _ = try await Redis.send(daemon.base, "CLUSTER", "MEET", "127.0.0.1", "\(stranger.port)")
            #expect(await eventually { try daemon.status().findings.contains { $0.code == "foreign-node" } })
            stranger.end()
            #expect(await eventually { try plan(daemon).repairs.map(\.finding.code) == ["ghost-node"] })
            try fix(daemon)
            #expect(try plan(daemon).repairs.isEmpty)
            try await daemon.stop()
        }
    }
}
