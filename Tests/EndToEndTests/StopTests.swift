import ControlAPI
import Foundation
import Testing

/// `clusterd stop` reports a cluster as stopped only if it is. Invariant: clean-stop.
@Suite(.serialized) struct StopTests {
    private func write(_ daemon: Daemon, _ text: String) throws -> String {
        let conf = daemon.home + "/conf.yaml"
        try text.write(toFile: conf, atomically: true, encoding: .utf8)
        return conf
    }

    private let memoryOnly = """
        cluster: {masters: 1, replicas: 1}
        supervision: {stop-timeout: 2s}
        redis: {appendonly: no, save: "3600 1"}

        """

    private func names(_ daemon: Daemon) throws -> [Int32] { try daemon.status().nodes.compactMap(\.pid) }

    @Test func aStopThatCannotSaveFailsNamingTheNodeAndTheReason() async throws {
        try await withDaemon { daemon in
            let conf = try write(daemon, memoryOnly)
            try daemon.up(["--config", conf])
            try await daemon.ready()
            let master = try #require(try daemon.status().nodes.first { $0.role == .master })
            #expect(try await Redis.send(master.port, "SET", "key", "value") == .simple("OK"))
            for node in try daemon.status().nodes {
                let dump = daemon.data + "/nodes/\(node.name)/dump.rdb"
                try? FileManager.default.removeItem(atPath: dump)
                try FileManager.default.createDirectory(atPath: dump + "/in-the-way", withIntermediateDirectories: true)
            }
            let pids = try names(daemon)
            let stop = try daemon.command(["stop", "--json"])
            #expect(stop.exit == 1 && stop.output.isEmpty, "\(stop)")
            #expect(stop.errors.contains("\"code\":\"not-stopped\""), "\(stop.errors)")
            #expect(stop.errors.contains("\(master.name): its dump cannot be written:"), "\(stop.errors)")
            #expect(stop.errors.contains("\"hint\":\"make it possible to write the dump into"), "\(stop.errors)")
            #expect(await daemon.ended() == 1)
            #expect(pids.allSatisfy { kill($0, 0) == 0 })

            // After a restart it adopts them, and stops them once the folder is out of the way.
            for node in ["\(daemon.base)", "\(daemon.base + 1)"] {
                try FileManager.default.removeItem(atPath: daemon.data + "/nodes/\(node)/dump.rdb")
            }
            try daemon.up(["--config", conf])
            try await daemon.ready()
            #expect(try await Redis.send(master.port, "GET", "key").text == "value")
            #expect(try daemon.command(["stop"]).exit == 0)
            #expect(daemon.nodePIDs().isEmpty)
        }
    }

    @Test func aStopOfNodesWithAnotherPasswordFailsWithTheReason() async throws {
        try await withDaemon { daemon in
            let conf = try write(daemon, memoryOnly)
            try daemon.up(["--config", conf])
            try await daemon.ready()
            let nodes = try daemon.status().nodes
            for node in nodes { _ = try await Redis.send(node.port, "CONFIG", "SET", "masterauth", "other") }
            for node in nodes { _ = try await Redis.send(node.port, "CONFIG", "SET", "requirepass", "other") }
            // While clusterd's connections still work, a finding says that the next one will not.
            let isFound = await eventually(within: .seconds(20)) {
                try daemon.status().findings.contains { $0.code == "login-refused" && $0.severity == .error }
            }
            #expect(isFound, "\(daemon.output.suffix(800))")
            #expect(try daemon.command(["detach"]).exit == 0)
            #expect(await daemon.ended() == 0)
            try daemon.up(["--config", conf])
            #expect(
                await eventually { try daemon.status().findings.contains { $0.code == "node-refuses" } })
            let stop = try daemon.command(["stop"])
            #expect(stop.exit == 1 && stop.errors.contains("NOAUTH"), "\(stop)")
            #expect(stop.errors.contains("set redis.requirepass"), "\(stop.errors)")
            #expect(nodes.compactMap(\.pid).allSatisfy { kill($0, 0) == 0 })
        }
    }

    @Test func aStoppedProcessIsContinuedAndStopped() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "1"])
            try await daemon.ready()
            let master = try #require(try daemon.status().nodes.first { $0.role == .master }?.pid)
            kill(master, SIGSTOP)
            let stop = try daemon.command(["stop", "--timeout", "50s"])
            #expect(stop.exit == 0, "\(stop)")
            #expect(daemon.nodePIDs().isEmpty)
        }
    }
}
