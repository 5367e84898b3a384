import ControlAPI
import Foundation
import Testing

/// Invariant: no-older-master. On real servers: all nodes are killed, one folder is replaced by an older state, and the
/// keys are counted afterwards.
@Suite(.serialized) struct NoOlderMasterTests {
    private func fill(_ daemon: Daemon, _ prefix: String = "key", _ count: Int = 900) async throws -> [String] {
        try await Redis.fill(daemon.status().nodes.filter { $0.role == .master }.map(\.port), count, prefix: prefix)
    }

    private func shard(_ daemon: Daemon) throws -> (master: NodeDocument, replica: NodeDocument) {
        let nodes = try daemon.status().nodes
        let master = try #require(nodes.first { $0.role == .master })
        return (master, try #require(nodes.first { $0.replicaOf == master.name }))
    }

    /// Once the record says that every append-only file holds what its node has: a replica rewrites it after a full synchronization.
    private func killEverything(_ daemon: Daemon) async {
        let isWritten = await eventually {
            let record = try String(contentsOfFile: daemon.data + "/state.json", encoding: .utf8)
            return !record.filter { !$0.isWhitespace }.contains("\"appendOnlyFailed\":true")
        }
        #expect(isWritten)
        kill(daemon.process.processIdentifier, SIGKILL)
        _ = await daemon.ended()
        for pid in daemon.nodePIDs() { kill(pid, SIGKILL) }
        #expect(await eventually { daemon.nodePIDs().isEmpty })
    }

    private func missing(_ keys: [String], _ daemon: Daemon) async throws -> Int {
        try await Redis.missing(keys, on: daemon.status().nodes.filter { $0.role == .master }.map(\.port))
    }

    private func folder(_ daemon: Daemon, _ node: NodeDocument) -> String { "\(daemon.data)/nodes/\(node.name)" }

    private func configure(_ daemon: Daemon, _ text: String) throws -> [String] {
        let conf = daemon.home + "/conf.yaml"
        try text.write(toFile: conf, atomically: true, encoding: .utf8)
        return ["--config", conf]
    }

    @Test(arguments: Engines.all) func aMasterWithoutFilesDoesNotEmptyItsReplica(server: String) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--server", server])
            try await daemon.ready()
            let keys = try await fill(daemon)
            let (master, replica) = try shard(daemon)
            await killEverything(daemon)
            for name in try FileManager.default.contentsOfDirectory(atPath: folder(daemon, master))
            where name.hasPrefix("appendonly") || name.hasSuffix(".rdb") {
                try FileManager.default.removeItem(atPath: folder(daemon, master) + "/" + name)
            }
            try daemon.up(["--server", server])
            try await daemon.ready()
            #expect(try await missing(keys, daemon) == 0)
            #expect(try daemon.status().nodes.first { $0.name == replica.name }?.role == .master)
            try await daemon.stop()
        }
    }

    @Test func aMasterWithoutAFolderReturnsAsReplica() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let keys = try await fill(daemon)
            let (master, replica) = try shard(daemon)
            await killEverything(daemon)
            try FileManager.default.removeItem(atPath: folder(daemon, master))
            try daemon.up()
            try await daemon.ready()
            #expect(try await missing(keys, daemon) == 0)
            #expect(try daemon.status().nodes.first { $0.name == replica.name }?.role == .master)
            try await daemon.stop()
        }
    }

    /// The replicas' files are rewritten each time, as they synchronize: that alone makes none of them newer.
    @Test(arguments: Engines.all.prefix(2)) func anIdleClusterKeepsItsRolesOverStopAndStart(server: String) async throws
    {
        try await withDaemon { daemon in
            try daemon.up(["--server", server])
            try await daemon.ready()
            let keys = try await fill(daemon, "key", 30)
            let roles = try daemon.status().nodes.map(\.role)
            // Long enough that the modification times differ.
            let written = ContinuousClock.now
            for _ in 0..<2 {
                try await daemon.stop()
                #expect(await eventually { ContinuousClock.now - written > .seconds(6) })
                try daemon.up(["--server", server])
                try await daemon.ready()
                #expect(try daemon.status().nodes.map(\.role) == roles)
            }
            #expect(try await missing(keys, daemon) == 0)
            #expect(!FileManager.default.fileExists(atPath: daemon.data + "/quarantine"))
            try await daemon.stop()
        }
    }

    /// Dumps only: the master's has 300 keys, its replica's has all.
    @Test(arguments: Engines.all) func aMasterWithAnOldDumpIsReplaced(server: String) async throws {
        try await withDaemon { daemon in
            let options = try configure(daemon, "redis: {appendonly: no, save: \"\"}\n") + ["--server", server]
            try daemon.up(options)
            try await daemon.ready()
            let first = try await fill(daemon, "first", 300)
            for node in try daemon.status().nodes { _ = try await Redis.send(node.port, "SAVE") }
            let second = try await fill(daemon, "second", 600)
            let (_, replica) = try shard(daemon)
            // The replicas save again, in another second.
            let saved = try await Redis.send(replica.port, "LASTSAVE")
            #expect(
                await eventually {
                    for node in try daemon.status().nodes where node.role == .replica {
                        _ = try await Redis.send(node.port, "SAVE")
                    }
                    return try await Redis.send(replica.port, "LASTSAVE") != saved
                })
            await killEverything(daemon)
            try daemon.up(options)
            try await daemon.ready()
            #expect(try await missing(first + second, daemon) == 0)
            try await daemon.stop()
        }
    }

    @Test func aMasterWithAFileTruncatedInsideACommandIsReplaced() async throws {
        try await cut { bytes in bytes.count / 2 + 1 }
    }

    /// No checker detects this one: the rest is a valid file with half the keys.
    @Test func aMasterWithAFileTruncatedBetweenCommandsIsReplaced() async throws {
        try await cut { bytes in
            let text = Array("*3\r\n$3\r\nSET".utf8)
            var at = bytes.count / 2
            while at < bytes.count, !bytes[at...].starts(with: text) { at += 1 }
            return at
        }
    }

    private func cut(_ place: ([UInt8]) -> Int) async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let keys = try await fill(daemon)
            let (master, replica) = try shard(daemon)
            // The size of the master's file was recorded.
            #expect(await eventually { try record(daemon, master.name.text, "keys") >= 200 })
            await killEverything(daemon)
            let directory = folder(daemon, master) + "/appendonlydir"
            let name = try #require(
                FileManager.default.contentsOfDirectory(atPath: directory).first { $0.hasSuffix(".incr.aof") })
            let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)")))
            let handle = try #require(FileHandle(forWritingAtPath: "\(directory)/\(name)"))
            try handle.truncate(atOffset: UInt64(place(bytes)))
            try handle.close()
            try daemon.up()
            try await daemon.ready()
            #expect(try await missing(keys, daemon) == 0, "\(daemon.output.suffix(1500))")
            #expect(try daemon.status().nodes.first { $0.name == replica.name }?.role == .master)
            try await daemon.stop()
        }
    }

    /// A number from the record's last report of a node.
    private func record(_ daemon: Daemon, _ node: String, _ field: String) throws -> Int {
        let data = try Data(contentsOf: URL(fileURLWithPath: daemon.data + "/state.json"))
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let members = try #require(object["members"] as? [[String: Any]])
        let member = try #require(members.first { $0["name"] as? String == node })
        return (member["lastSeen"] as? [String: Any])?[field] as? Int ?? 0
    }

    /// Neither the dead master's folder nor any other copy remains: only the replica's memory.
    @Test(arguments: ["fast", "off"]) func withoutPersistenceADeadMasterIsReplacedAndNotRestartedEmpty(
        failover: String
    ) async throws {
        try await withDaemon { daemon in
            let text = "redis: {appendonly: no, save: \"\"}\nsupervision: {failover: \(failover)}\n"
            try daemon.up(try configure(daemon, text))
            try await daemon.ready()
            let keys = try await fill(daemon)
            let (master, replica) = try shard(daemon)
            kill(try #require(master.pid), SIGKILL)
            #expect(
                await eventually {
                    let status = try daemon.status()
                    return status.cluster.ready && status.nodes.first { $0.name == replica.name }?.role == .master
                }, "\(daemon.output.suffix(1000))")
            #expect(try await missing(keys, daemon) == 0)
            try await daemon.stop()
        }
    }

    /// The only copy is in the memory of a process that does not respond.
    @Test(arguments: Engines.all) func withoutPersistenceAMasterIsNotRestartedEmptyWhileItsReplicaIsStopped(
        server: String
    ) async throws {
        try await withDaemon { daemon in
            let text = "redis: {appendonly: no, save: \"\"}\n"
            try daemon.up(try configure(daemon, text) + ["--server", server])
            try await daemon.ready()
            let keys = try await fill(daemon)
            let (master, replica) = try shard(daemon)
            let stopped = try #require(replica.pid)
            // Its key count was recorded.
            #expect(await eventually { try record(daemon, replica.name.text, "keys") >= 200 })
            kill(stopped, SIGSTOP)
            defer { kill(stopped, SIGCONT) }
            kill(try #require(master.pid), SIGKILL)
            #expect(await eventually { try daemon.status().findings.contains { $0.code == "master-older" } })
            #expect(try daemon.status().nodes.first { $0.name == master.name }?.pid == nil)
            kill(stopped, SIGCONT)
            #expect(
                await eventually {
                    let status = try daemon.status()
                    return status.cluster.ready && status.nodes.first { $0.name == replica.name }?.role == .master
                }, "\(daemon.output.suffix(1000))")
            #expect(try await missing(keys, daemon) == 0)
            try await daemon.stop()
        }
    }

    /// All processes of the host die in a given order, and start again, one node later than the others.
    @Test(arguments: [true, false]) func theOrderOfTheDeathsDoesNotMatter(masterFirst: Bool) async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let first = try await fill(daemon, "first", 600)
            let (master, replica) = try shard(daemon)
            kill(daemon.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            let pids = [master, replica].compactMap(\.pid)
            // One of the pair dies while no daemon runs, and the other continues alone.
            kill(masterFirst ? pids[0] : pids[1], SIGKILL)
            var second: [String] = []
            if !masterFirst { second = try await Redis.fill([master.port], 100, prefix: "second") }
            for pid in daemon.nodePIDs() { kill(pid, SIGKILL) }
            #expect(await eventually { daemon.nodePIDs().isEmpty })
            try daemon.up()
            try await daemon.ready()
            #expect(try await missing(first + second, daemon) == 0, "\(daemon.output.suffix(1500))")
            try await daemon.stop()
        }
    }

    @Test func withoutPersistenceATotalLossIsReported() async throws {
        try await withDaemon { daemon in
            let options = try configure(daemon, "redis: {appendonly: no, save: \"\"}\n")
            try daemon.up(["--masters", "1", "--replicas", "1"] + options)
            try await daemon.ready()
            let keys = try await fill(daemon, "key", 300)
            let (master, _) = try shard(daemon)
            #expect(await eventually { try record(daemon, master.name.text, "keys") == keys.count })
            await killEverything(daemon)
            try daemon.up(options)
            try await daemon.ready()
            let finding = try #require(try daemon.status().findings.first { $0.code == "data-missing" })
            #expect(finding.message.contains("300 keys"))
            try await daemon.stop()
        }
    }

    /// The replica ran on for a while after its master's disk had stopped.
    @Test func aReplicaWhoseFilesWereWrittenLongerBecomesMaster() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let keys = try await fill(daemon)
            let (master, replica) = try shard(daemon)
            #expect(await eventually { try record(daemon, master.name.text, "keys") >= 200 })
            await killEverything(daemon)
            // The same size, so that only its time differs.
            let directory = folder(daemon, master) + "/appendonlydir"
            let old = Date(timeIntervalSinceNow: -120)
            for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
                try FileManager.default.setAttributes([.modificationDate: old], ofItemAtPath: "\(directory)/\(name)")
            }
            try daemon.up()
            try await daemon.ready()
            #expect(try await missing(keys, daemon) == 0)
            #expect(try daemon.status().nodes.first { $0.name == replica.name }?.role == .master)
            try await daemon.stop()
        }
    }
}
