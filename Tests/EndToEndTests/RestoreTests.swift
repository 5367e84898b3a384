import ControlAPI
import Foundation
import Testing

/// Backups of real engines, restored into other clusters.
@Suite(.serialized) struct RestoreTests {
    /// A backup of three masters with keys of every type, and what they held.
    private func madeBackup(_ daemon: Daemon) async throws -> (folder: String, held: [String: CopiedKeys.Content]) {
        try daemon.up(["--replicas", "0"])
        try await daemon.ready()
        let ports = try daemon.masterPorts()
        try await CopiedKeys.fill(ports)
        try await CopiedKeys.loadLibrary(ports)
        let folder = daemon.home + "/backup"
        let made = try daemon.command(["backup", folder])
        #expect(made.exit == 0, "\(made.errors)")
        return (folder, try await CopiedKeys.contents(ports))
    }

    @Test(arguments: [3, 5]) func aBackupIsRestoredIntoACluster(masters: Int) async throws {
        try await withDaemon { daemon in
            let (folder, held) = try await madeBackup(daemon)
            let other = try Daemon()
            defer { other.cleanUp() }
            try other.up(["--masters", "\(masters)", "--replicas", "0"])
            try await other.ready()
            let restored = try other.command(["restore", folder, "--json"])
            #expect(restored.exit == 0, "\(restored.errors)")
            let document = try ControlJSON.decode(CopyDocument.self, from: Array(restored.output.utf8))
            #expect(document.keys == Int64(held.count) && document.expired == 0)
            let ports = try other.masterPorts()
            #expect(try await CopiedKeys.contents(ports) == held)
            for port in ports { #expect(try await Redis.send(port, "FCALL", "copied", "0") == .integer(7)) }
            #expect(try Daemon.run(["backup", "verify", folder]).exit == 0)
            try await other.stop()
            try await daemon.stop()
        }
    }

    /// The backup of the oldest engine that has functions can be read by each later one.
    @Test(arguments: Engines.all.filter { !$0.contains("redis-6.2") })
    func aBackupIsRestoredOnAnotherEngine(server: String) async throws {
        try await withDaemon { daemon in
            let (folder, held) = try await madeBackup(daemon)
            let other = try Daemon()
            defer { other.cleanUp() }
            try other.up(["--server", server, "--masters", "1", "--replicas", "0"])
            try await other.ready()
            let restored = try other.command(["restore", folder])
            #expect(restored.exit == 0, "\(restored.errors)")
            #expect(try await CopiedKeys.names(other.masterPorts()) == Set(held.keys))
            try await other.stop()
            try await daemon.stop()
        }
    }

    @Test func aRestoreIsRefusedBeforeAnythingIsCopied() async throws {
        try await withDaemon { daemon in
            let (folder, held) = try await madeBackup(daemon)
            let full = try daemon.command(["restore", folder])
            #expect(full.exit == 4 && full.errors.contains("the cluster is not empty"), "\(full.errors)")
            #expect(try await CopiedKeys.contents(daemon.masterPorts()) == held)

            let other = try Daemon()
            defer { other.cleanUp() }
            try other.up(["--masters", "1", "--replicas", "0", "--set", "redis.maxmemory=1mb"])
            try await other.ready()
            let small = try other.command(["restore", folder])
            #expect(small.exit == 4 && small.errors.contains("maxmemory"), "\(small.errors)")

            let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first)
            let manifest = try ControlJSON.decode(
                BackupManifest.self,
                from: Array(Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)/manifest.json"))))
            let url = URL(fileURLWithPath: "\(folder)/\(name)/\(manifest.shards[1].file)")
            var data = try Data(contentsOf: url)
            data[data.count / 2] ^= 1
            try data.write(to: url)
            let damaged = try other.command(["restore", folder])
            #expect(damaged.exit == 1 && damaged.errors.contains("is not whole"), "\(damaged.errors)")
            #expect(try await CopiedKeys.names(other.masterPorts()).isEmpty)
            try await other.stop()
            try await daemon.stop()
        }
    }

    @Test func keysAreOverwrittenIfTheOperatorAllowsIt() async throws {
        try await withDaemon { daemon in
            let (folder, held) = try await madeBackup(daemon)
            let ports = try daemon.masterPorts()
            for port in ports { _ = try await Redis.send(port, "SET", "text:1", "another value") }
            let restored = try daemon.command(["restore", folder, "--replace"])
            #expect(restored.exit == 0, "\(restored.errors)")
            #expect(try await CopiedKeys.contents(ports) == held)
            try await daemon.stop()
        }
    }
}
