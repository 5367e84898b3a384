import ControlAPI
import Foundation
import NIOPosix
import RESP
import RedisClient
import Testing

/// Nodes that run but do not reply to clusterd, on real engines.
@Suite(.serialized) struct SilenceTests {
    @Test(arguments: Engines.all) func aNodeWithPausedClientsIsDistinguishedFromAHungOne(server: String) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--server", server])
            try await daemon.ready()
            let master = try #require(try daemon.status().nodes.first { $0.role == .master })
            // Its youngest node must have run for 5 s before another's pong proves anything.
            #expect(try await Redis.send(master.port, "CLIENT", "PAUSE", "30000") == .simple("OK"))
            #expect(
                await eventually {
                    try daemon.status().findings.contains { $0.code == "clients-paused" && $0.node == master.name }
                }, "\(daemon.output.suffix(1500))")
            try await daemon.ready()
            #expect(try daemon.status().nodes.first { $0.name == master.name }?.pid == master.pid)
            try await daemon.stop()
        }
    }

    @Test(arguments: Engines.all.filter { $0.contains("valkey-9.1") }) func pausedWritesAreAFinding(server: String)
        async throws
    {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "0", "--server", server])
            try await daemon.ready()
            let master = try #require(try daemon.status().nodes.first)
            #expect(try await Redis.send(master.port, "CLIENT", "PAUSE", "60000", "WRITE") == .simple("OK"))
            func isFound() throws -> Bool { try daemon.status().findings.contains { $0.code == "clients-paused" } }
            #expect(await eventually { try isFound() }, "\(daemon.output.suffix(1500))")
            #expect(
                try Daemon.run(["call", "--dir", daemon.data, "--node", master.name.text, "CLIENT", "UNPAUSE"]).exit
                    == 0)
            #expect(await eventually { try !isFound() })
            try await daemon.stop()
        }
    }

    /// Other clients hold every connection of a node when the daemon starts.
    @Test func aNodeWithoutAFreeClientSlotIsAFinding() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "1"])
            try await daemon.ready()
            let master = try #require(try daemon.status().nodes.first { $0.role == .master })
            kill(daemon.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            #expect(try await Redis.send(master.port, "CONFIG", "SET", "maxclients", "5") == .simple("OK"))
            var held: [RedisConnection] = []
            for _ in 0..<5 {
                held.append(
                    try await RedisConnection.connect(
                        host: "127.0.0.1", port: master.port, credentials: nil,
                        on: MultiThreadedEventLoopGroup.singleton, timeout: .seconds(5)))
            }
            try daemon.up(["--masters", "1", "--replicas", "1"])
            #expect(
                await eventually {
                    try daemon.status().findings.contains {
                        $0.code == "node-refuses" && $0.message.contains("max number of clients")
                    }
                }, "\(daemon.output.suffix(1500))")
            for connection in held { await connection.close() }
            try await daemon.ready()
            #expect(try daemon.status().nodes.first { $0.name == master.name }?.pid == master.pid)
            try await daemon.stop()
        }
    }

    private static let canUnshare: Bool = {
        let trial = Process()
        trial.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        trial.arguments = ["--net", "true"]
        trial.standardError = FileHandle.nullDevice
        guard (try? trial.run()) != nil else { return false }
        trial.waitUntilExit()
        return trial.terminationStatus == 0
    }()

    @Test(.enabled(if: canUnshare, "network namespaces cannot be made here"))
    func aMissingLoopbackInterfaceIsReportedAtOnce() async throws {
        try await withDaemon { daemon in
            daemon.launcher = ["/usr/bin/unshare", "--net"]
            try daemon.up()
            #expect(await daemon.ended(.seconds(10)) == 1)
            #expect(
                daemon.output.contains("the loopback interface is down") && daemon.output.contains("ip link set lo up"))
        }
    }
}
