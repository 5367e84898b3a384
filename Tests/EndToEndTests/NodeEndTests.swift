import ControlAPI
import Foundation
import Testing

/// Why a node died, and how clusterd reacts. Invariants: last-copy, slots-kept.
@Suite(.serialized) struct NodeEndTests {
    private func node(_ daemon: Daemon, _ index: Int) throws -> NodeDocument { try daemon.status().nodes[index] }

    @Test func theCauseOfAnExitAndTheRestartCountOutliveTheDaemon() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "1"])
            try await daemon.ready()
            #expect(try node(daemon, 1).restarts == 0 && node(daemon, 1).lastExit == nil)
            kill(try #require(try node(daemon, 1).pid), SIGSEGV)
            #expect(await eventually { try daemon.status().cluster.ready && self.node(daemon, 1).restarts == 1 })
            let exit = try #require(try node(daemon, 1).lastExit)
            #expect(exit.signal == 11 && exit.code == nil && exit.isStatusKnown == true)
            #expect(exit.cause.hasPrefix("killed by SIGSEGV") && exit.cause.hasSuffix("sent by pid \(getpid())"))
            #expect(exit.log?.contains { $0.contains("BUG REPORT START") } == true)
            #expect((exit.uptimeMilliseconds ?? 0) > 0 && (exit.memoryBytes ?? 0) > 0)
            // The record has it soon after; then the daemon may exit.
            let record = daemon.data + "/state.json"
            #expect(
                await eventually {
                    try String(contentsOfFile: record, encoding: .utf8).contains("killed by SIGSEGV")
                })
            kill(daemon.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            // A death that no daemon observes.
            let unseen = try #require(daemon.nodePIDs().min())
            kill(unseen, SIGKILL)
            try daemon.up()
            try await daemon.ready()
            let nodes = try daemon.status().nodes
            let dead = try #require(nodes.first { $0.lastExit?.pid == unseen })
            #expect(dead.lastExit?.signal == nil && dead.lastExit?.isStatusKnown == false)
            #expect(dead.lastExit?.cause.contains("while clusterd was not running") == true)
            #expect(nodes.map(\.restarts).reduce(0, +) == 2)
            if dead.name != nodes[1].name { #expect(nodes[1].lastExit?.cause == exit.cause) }
            try await daemon.stop()
            try daemon.up()
            try await daemon.ready()
            #expect(try daemon.status().nodes.map(\.restarts).reduce(0, +) == 2, "a stop and a start are no restart")
            try await daemon.stop()
        }
    }

    /// Engines from 7.2 on reject a file with an unknown field; Valkey crashes on it. The files of a cluster with an access list are not
    /// written for a start: it starts without ghosts.
    @Test(arguments: Engines.all.filter { $0.contains("8.2") || $0.contains("valkey") })
    func aNodesFileThatTheEngineRejectsIsRewritten(server: String) async throws {
        try await withDaemon { daemon in
            try """
            redis:
              user: "default on nopass ~* &* +@all"
            """.write(toFile: daemon.home + "/conf.yaml", atomically: true, encoding: .utf8)
            let configuration = ["--config", "conf.yaml", "--server", server]
            try daemon.up(["--masters", "1", "--replicas", "1"] + configuration)
            try await daemon.ready()
            let ids = try daemon.status().nodes.map(\.id)
            try await daemon.stop()
            let name = daemon.base
            let path = "\(daemon.data)/nodes/\(name)/nodes-\(name).conf"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(text.contains(",shard-id="))
            try text.replacing(",shard-id=", with: ",colour=green,shard-id=")
                .write(toFile: path, atomically: true, encoding: .utf8)
            try daemon.up(configuration)
            try await daemon.ready()
            #expect(try daemon.status().nodes.map(\.id) == ids)
            let exit = try node(daemon, 0).lastExit
            #expect(exit?.kind == "bad-nodes-file" && exit?.cause == "rejected its nodes.conf as corrupted")
            #expect(try node(daemon, 0).restarts == 1)
            let kept = try FileManager.default.contentsOfDirectory(atPath: daemon.data + "/quarantine")
            #expect(kept.count { $0.contains("-\(name)") } >= 1)
            try await daemon.stop()
        }
    }

    @Test func unloadableDataOfAReplicaAreKeptAndSyncedFromTheMaster() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "1"])
            try await daemon.ready()
            let keys = try await Redis.fill([daemon.base], 500)
            try await daemon.stop()
            try spoil("\(daemon.data)/nodes/\(daemon.base + 1)/appendonlydir")
            try daemon.up()
            try await daemon.ready()
            #expect(try node(daemon, 1).lastExit?.kind == "bad-append-only-file")
            #expect(try await Redis.missing(keys, on: [daemon.base]) == 0)
            #expect(daemon.output.contains("its data could not be loaded; it gets all of it from \(daemon.base)"))
            try await daemon.stop()
        }
    }

    @Test func aMasterWithUnloadableDataWaitsForTheOperator() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "0"])
            try await daemon.ready()
            let keys = try await Redis.fill([daemon.base], 100)
            try await daemon.stop()
            let folder = "\(daemon.data)/nodes/\(daemon.base)/appendonlydir"
            let sound = try spoil(folder)
            try daemon.up()
            #expect(
                await eventually {
                    try daemon.status().findings.contains { $0.code == "node-down" && $0.hint == "clusterd fix" }
                })
            let finding = try #require(try daemon.status().findings.first { $0.code == "node-down" })
            #expect(finding.details?.contains { $0.contains("reading the append only file") } == true)
            #expect(try node(daemon, 0).process == .crashed && node(daemon, 0).restarts == 0)
            // The operator repairs it.
            try sound.contents.write(to: URL(fileURLWithPath: sound.path))
            let restarted = try daemon.command(["restart-node", "\(daemon.base)", "--force"])
            #expect(restarted.exit == 0, "\(restarted.errors)")
            #expect(try await Redis.missing(keys, on: [daemon.base]) == 0)
            try await daemon.stop()
        }
    }

    /// Makes the newest part of an append-only file unreadable for every engine; returns its former contents.
    @discardableResult
    private func spoil(_ folder: String) throws -> (path: String, contents: Data) {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        let path = "\(folder)/\(try #require(names.filter { $0.hasSuffix(".incr.aof") }.max()))"
        let contents = try Data(contentsOf: URL(fileURLWithPath: path))
        try (contents + Data("not a command at all\r\n".utf8)).write(to: URL(fileURLWithPath: path))
        return (path, contents)
    }
}
