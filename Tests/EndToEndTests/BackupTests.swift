import ControlAPI
import Foundation
import Testing

/// Backups of real engines: complete or not there, and what verify finds.
@Suite(.serialized) struct BackupTests {
    private func backups(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    private func masters(_ daemon: Daemon) throws -> [Int] {
        try daemon.status().nodes.filter { $0.role == .master }.map(\.port)
    }

    private func verify(_ folder: String) throws -> (exit: Int32, output: String, errors: String) {
        try Daemon.run(["backup", "verify", folder])
    }

    @Test func aBackupUnderWritesIsWholeAndAChangedByteIsFound() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let keys = try await Redis.fill(masters(daemon), 300)
            let writer = ClusterWriter(try masters(daemon))
            await writer.start()
            #expect(await eventually { await writer.writes > 100 })
            let folder = daemon.home + "/backup"
            let made = try daemon.command(["backup", folder])
            #expect(made.exit == 0, "\(made.errors)")
            await writer.end()
            #expect(await writer.failures == [])
            let check = try verify(folder)
            #expect(check.exit == 0 && check.output.contains("is whole"), "\(check.output)\(check.errors)")

            let name = try #require(backups(folder).first)
            let own = try Daemon.run(["backup", "verify", folder, "--cluster", daemon.status().cluster.name])
            #expect(own.exit == 0 && own.output.contains("is whole"), "\(own.errors)")
            let other = try Daemon.run(["backup", "verify", folder, "--cluster", "none-of-that-name"])
            #expect(other.exit == 1 && other.errors.contains("no complete backup of the cluster none-of-that-name"))
            let manifest = try ControlJSON.decode(
                BackupManifest.self,
                from: Array(Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)/manifest.json"))))
            #expect(manifest.shards.count == 3 && manifest.keys >= Int64(keys.count))
            let file = manifest.shards[1].file
            let url = URL(fileURLWithPath: "\(folder)/\(name)/\(file)")
            var data = try Data(contentsOf: url)
            data[data.count / 2] ^= 1
            try data.write(to: url)
            let damaged = try verify("\(folder)/\(name)")
            #expect(damaged.exit == 1 && damaged.output.contains("\(file): it was changed or damaged"))
            try await daemon.stop()
        }
    }

    @Test func keepDeletesTheOldestBackupsOfThisClusterOnly() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "0"])
            try await daemon.ready()
            let folder = daemon.home + "/backup"
            try FileManager.default.createDirectory(atPath: folder + "/notes", withIntermediateDirectories: true)
            for _ in 0..<3 {
                let made = try daemon.command(["backup", folder, "--keep", "2"])
                #expect(made.exit == 0, "\(made.errors)")
            }
            #expect(backups(folder).count == 3 && backups(folder).contains("notes"))
            #expect(try verify(folder).exit == 0)
            try await daemon.stop()
        }
    }

    @Test func aFolderThatCannotHoldABackupIsRefused() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "0"])
            try await daemon.ready()
            for folder in [daemon.data + "/backup", daemon.home + "/none/backup"] {
                let refused = try daemon.command(["backup", folder])
                #expect(refused.exit == 1, "\(folder): \(refused.errors)")
                #expect(!FileManager.default.fileExists(atPath: folder))
            }
            #expect(try daemon.command(["backup", daemon.home + "/backup", "--keep", "0"]).exit == 64)
            #expect(try verify(daemon.home + "/none").exit == 1)
            try await daemon.stop()
        }
    }

    @Test func aKilledDaemonLeavesNoBackupThatLooksWhole() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            _ = try await Redis.fill(masters(daemon), 300)
            let folder = daemon.home + "/backup"
            let client = try daemon.begin(["backup", folder])
            // Once the folder says whose it is: one that is empty stays for a minute, and then until the next backup.
            let hasBegun = await eventually(every: .milliseconds(1)) {
                backups(folder).contains { backups("\(folder)/\($0)").contains { !$0.hasSuffix(".new") } }
            }
            #expect(hasBegun)
            kill(daemon.process.processIdentifier, SIGKILL)
            kill(client.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            for name in backups(folder) where name.hasSuffix(".partial") {
                #expect(try verify("\(folder)/\(name)").exit == 1)
            }
            try daemon.up()
            try await daemon.ready()
            // The operation goes on under the next daemon.
            let isDone = await eventually {
                try daemon.operations().allSatisfy {
                    $0.endedAt != nil
                }
            }
            #expect(isDone)
            #expect(backups(folder).allSatisfy { !$0.hasSuffix(".partial") }, "\(backups(folder))")
            #expect(try verify(folder).exit == 0)
            try await daemon.stop()
        }
    }
}
