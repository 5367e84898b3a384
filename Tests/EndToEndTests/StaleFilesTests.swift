import ControlAPI
import Foundation
import ProcessSupervision
import Testing

/// Left-over files. Invariants: unknown-is-data, slots-kept.
@Suite(.serialized) struct StaleFilesTests {
    /// As six start scripts leave it: `DIR/7000/` and so on, each with a nodes.conf of its own.
    private func layOut(_ daemon: Daemon, _ ports: [Int]) throws -> [Process] {
        try ports.map { port in
            let folder = "\(daemon.data)/\(port)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let server = Process()
            server.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            server.arguments = [
                "redis-server", "--port", "\(port)", "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
                "--dir", folder, "--save", "",
            ]
            server.standardOutput = FileHandle.nullDevice
            try server.run()
            return server
        }
    }

    /// SIGKILL: processes that Foundation starts from a task have every other signal blocked.
    private func end(_ servers: [Process]) {
        for server in servers { kill(server.processIdentifier, SIGKILL) }
        for server in servers { #expect(ProcessWatch.wait(for: server.processIdentifier, limit: .seconds(20))) }
    }

    @Test func aPartlyJoinedClusterIsCompleted() async throws {
        try await withDaemon { daemon in
            let ports = (0..<6).map { daemon.base + $0 }
            let servers = try layOut(daemon, ports)
            defer { end(servers) }
            for port in ports { #expect(await eventually { try await Redis.send(port, "PING") == .simple("PONG") }) }
            // Three masters and a replica join; two nodes stay alone.
            for (index, slots) in [(0, "0 5460"), (1, "5461 10922"), (2, "10923 16383")] {
                let bounds = slots.split(separator: " ").map(String.init)
                _ = try await Redis.send(ports[index], "CLUSTER", "ADDSLOTSRANGE", bounds[0], bounds[1])
                _ = try await Redis.send(ports[index], "CLUSTER", "SET-CONFIG-EPOCH", "\(index + 1)")
            }
            for port in ports[1...3] { _ = try await Redis.send(port, "CLUSTER", "MEET", "127.0.0.1", "\(ports[0])") }
            let id = try await Redis.send(ports[0], "CLUSTER", "MYID").text ?? ""
            #expect(await eventually { try await Redis.send(ports[3], "CLUSTER", "REPLICATE", id) == .simple("OK") })
            for port in ports[0...3] {
                #expect(
                    await eventually {
                        try await Redis.send(port, "CLUSTER", "INFO").text?.contains("cluster_state:ok") == true
                    })
            }
            let keys = try await Redis.fill(Array(ports[0...2]), 300)
            for port in ports { _ = try await Redis.send(port, "SAVE") }
            end(servers)

            try daemon.up()
            try await daemon.ready()
            let status = try daemon.status()
            #expect(status.nodes.map(\.port) == ports)
            #expect(status.nodes.count { $0.role == .master } == 3)
            let masters = status.nodes.filter { $0.role == .master }.map(\.port)
            #expect(try await Redis.missing(keys, on: masters) == 0)
            for alone in ports[4...5] { #expect(daemon.output.contains("cleaned   \(alone): nodes.conf was left by")) }
            let kept = try FileManager.default.contentsOfDirectory(atPath: daemon.data + "/quarantine")
            #expect(kept.count == 2)
            try await daemon.stop()
        }
    }

    @Test func aLoneFolderWithKeysIsLeftUnchanged() async throws {
        try await withDaemon { daemon in
            let servers = try layOut(daemon, [daemon.base])
            defer { end(servers) }
            #expect(await eventually { try await Redis.send(daemon.base, "PING") == .simple("PONG") })
            _ = try await Redis.send(daemon.base, "CLUSTER", "ADDSLOTSRANGE", "0", "100")
            #expect(
                await eventually {
                    try await Redis.send(daemon.base, "CONFIG", "SET", "cluster-require-full-coverage", "no")
                        == .simple("OK")
                })
            #expect(
                await eventually { try await Redis.send(daemon.base, "SET", "{06S}a", "b") == .simple("OK") || true })
            _ = try await Redis.send(
                daemon.base, "FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function() return 1 end)")
            _ = try await Redis.send(daemon.base, "SAVE")
            end(servers)
            let before = try FileManager.default.contentsOfDirectory(atPath: "\(daemon.data)/\(daemon.base)").sorted()
            try daemon.up()
            #expect(await daemon.ended() == 4)
            #expect(daemon.output.contains("holds keys and belongs to no cluster"))
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: "\(daemon.data)/\(daemon.base)").sorted() == before)
        }
    }

    @Test func aLostUnreadableOrNewerRecordIsHandled() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let ids = try daemon.status().nodes.map(\.id)
            try await daemon.stop()
            let record = daemon.data + "/state.json"
            try FileManager.default.removeItem(atPath: record)
            try daemon.up()
            try await daemon.ready()
            #expect(try daemon.status().nodes.map(\.id) == ids)
            try await daemon.stop()

            try "{\"schema\": 1, what".write(toFile: record, atomically: true, encoding: .utf8)
            try daemon.up()
            try await daemon.ready()
            #expect(try daemon.status().nodes.map(\.id) == ids)
            #expect(try daemon.status().findings.contains { $0.code == "record-unreadable" })
            #expect(FileManager.default.fileExists(atPath: record + ".unreadable-1"))
            try await daemon.stop()

            try "{\"schema\": 99}".write(toFile: record, atomically: true, encoding: .utf8)
            try daemon.up()
            #expect(await daemon.ended() == 78)
            #expect(try String(contentsOfFile: record, encoding: .utf8) == "{\"schema\": 99}")
        }
    }

    @Test func tornAndEmptyFilesOfAFormedClusterAreRebuilt() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let ids = try daemon.status().nodes.map(\.id)
            try await daemon.stop()
            func file(_ index: Int) -> String {
                let name = daemon.base + index
                return "\(daemon.data)/nodes/\(name)/nodes-\(name).conf"
            }
            try "".write(toFile: file(0), atomically: true, encoding: .utf8)
            let text = try String(contentsOfFile: file(4), encoding: .utf8)
            try String(text.prefix(text.count / 2)).write(toFile: file(4), atomically: true, encoding: .utf8)
            try daemon.up()
            try await daemon.ready()
            #expect(try daemon.status().nodes.map(\.id) == ids)
            #expect(daemon.output.contains("was empty") && daemon.output.contains("was cut short"))
            try await daemon.stop()
        }
    }
}
