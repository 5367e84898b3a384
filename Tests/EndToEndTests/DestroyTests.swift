import Foundation
import Testing

@Suite(.serialized) struct DestroyTests {
    private func names(_ path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    private func destroy(_ daemon: Daemon, _ arguments: String...) throws -> (
        exit: Int32, output: String, errors: String
    ) {
        try Daemon.run(["destroy", "--dir", daemon.data] + arguments)
    }

    @Test func destroyRequiresTheNameAndAConfirmation() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "0"])
            try await daemon.ready()
            let wrong = try destroy(daemon, "other", "--yes")
            #expect(wrong.exit == 64 && wrong.errors.contains("is named 'data', not 'other'"))
            let unasked = try destroy(daemon, "data")
            #expect(unasked.exit == 4 && unasked.errors.contains("clusterd destroy data --yes"))
            #expect(try Daemon.run(["destroy"]).exit == 64)
            #expect(try daemon.status().cluster.ready)
            try await daemon.stop()
            #expect(try Daemon.run(["destroy", "data", "--yes", "--dir", daemon.home]).exit == 1)
        }
    }

    @Test func destroyStopsAndDeletesARunningCluster() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "1"])
            try await daemon.ready()
            _ = try await Redis.fill([daemon.base], 100)
            let result = try destroy(daemon, "data", "--yes")
            #expect(result.exit == 0 && result.output == "", "\(result.errors)")
            #expect(await daemon.ended() == 0)
            #expect(daemon.nodePIDs() == [] && names(daemon.home) == ["up.log"])
            #expect(try destroy(daemon, "data", "--yes").exit == 1)
        }
    }

    /// Nodes without a clusterd, foreign files, and quarantined files.
    @Test func destroyStopsOrphanedNodesAndKeepsForeignFiles() async throws {
        try await withDaemon { daemon in
            try FileManager.default.createDirectory(
                atPath: daemon.data + "/\(daemon.base)", withIntermediateDirectories: true)
            try "torn".write(
                toFile: daemon.data + "/\(daemon.base)/nodes.conf", atomically: false, encoding: .utf8)
            try daemon.up(["--masters", "1", "--replicas", "1"])
            try await daemon.ready()
            let byHand = daemon.data + "/\(daemon.base)"
            let ours = daemon.data + "/nodes/\(daemon.base + 1)"
            try "thesis".write(toFile: ours + "/thesis.txt", atomically: false, encoding: .utf8)
            try FileManager.default.createDirectory(atPath: daemon.home + "/outside", withIntermediateDirectories: true)
            try "key".write(toFile: daemon.home + "/outside/dump.rdb", atomically: false, encoding: .utf8)
            symlink(daemon.home + "/outside", daemon.data + "/nodes/9999")
            kill(daemon.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            #expect(daemon.nodePIDs().count == 2)

            let result = try destroy(daemon, "data", "--yes")
            #expect(result.exit == 0, "\(result.errors)")
            #expect(daemon.nodePIDs() == [])
            #expect(names(daemon.home + "/outside") == ["dump.rdb"])
            #expect(names(daemon.data) == ["\(daemon.base)", "nodes", "quarantine"])
            #expect(names(daemon.data + "/nodes") == ["\(daemon.base + 1)", "9999"])
            #expect(names(ours) == ["thesis.txt"])
            #expect(names(byHand).contains("appendonlydir") && !names(byHand).contains("redis.conf"))
            for path in [byHand, ours + "/thesis.txt", daemon.data + "/nodes/9999", daemon.data + "/quarantine"] {
                #expect(result.output.contains("kept      \(path)  ("), "\(path): \(result.output)")
            }
        }
    }

    @Test func destroyLeavesAnUnknownEngineRunning() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "0"])
            try await daemon.ready()
            try await daemon.stop()
            let folder = daemon.data + "/nodes/\(daemon.base)"
            let stranger = Process()
            stranger.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            stranger.arguments = ["redis-server", "--port", "0", "--unixsocket", daemon.home + "/s", "--dir", folder]
            stranger.currentDirectoryURL = URL(fileURLWithPath: folder)
            stranger.standardOutput = FileHandle.nullDevice
            try stranger.run()
            defer { stranger.terminate() }
            #expect(await eventually { daemon.nodePIDs() == [stranger.processIdentifier] })
            #expect(await eventually { access(daemon.home + "/s", F_OK) == 0 })
            let before = names(folder)
            let result = try destroy(daemon, "data", "--yes")
            #expect(
                result.exit == 1 && result.errors.contains("(pid \(stranger.processIdentifier))"), "\(result.errors)")
            #expect(names(folder) == before && stranger.isRunning)
        }
    }
}
