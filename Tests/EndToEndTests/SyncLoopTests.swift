import ControlAPI
import Foundation
import NIOPosix
import RESP
import RedisClient
import Testing

/// During a full synchronization more is written than the master buffers for its replica: it starts over repeatedly.
@Suite(.serialized) struct SyncLoopTests {
    private static var engines: [String] { Engines.all.filter { $0 == "redis-server" || $0.contains("valkey-9.1") } }

    @Test(arguments: engines) func aLoopOfFullSynchronizationsIsAFindingUntilItEnds(server: String) async throws {
        try await withDaemon { daemon in
            let conf = daemon.home + "/conf.yaml"
            func write(_ limit: String) throws {
                try """
                redis:
                  client-output-buffer-limit: replica \(limit) \(limit) 1
                  repl-backlog-size: 16kb
                  repl-diskless-sync: yes
                  repl-diskless-sync-delay: 0
                """.write(toFile: conf, atomically: true, encoding: .utf8)
            }
            try write("32kb")
            try daemon.up(["--masters", "1", "--replicas", "1", "--server", server, "--config", conf])
            try await daemon.ready()
            let master = try #require(try daemon.status().nodes.first { $0.role == .master })
            let value = String(repeating: "x", count: 2000)
            let writer = Task {
                let connection = try await RedisConnection.connect(
                    host: "127.0.0.1", port: master.port, credentials: nil, on: MultiThreadedEventLoopGroup.singleton,
                    timeout: .seconds(5))
                var round = 0
                while !Task.isCancelled {
                    let commands = (0..<100).map { RESPCommand("SET", "key\(round % 200)-\($0)", value) }
                    _ = try await connection.pipeline(commands, timeout: .seconds(20))
                    round += 1
                }
                await connection.close()
            }
            func finding() throws -> FindingDocument? {
                try daemon.status().findings.first { $0.code == "sync-loop" }
            }
            #expect(await eventually { try finding() != nil }, "\(daemon.output.suffix(1500))")
            #expect(try finding()?.node == master.name)
            #expect(try finding()?.hint?.contains("client-output-buffer-limit") == true)
            try write("64mb")
            #expect(try daemon.command(["reload"]).exit == 0)
            #expect(await eventually { try finding() == nil && daemon.status().nodes.contains { $0.link == .up } })
            writer.cancel()
            _ = await writer.result
            try await daemon.ready()
            try await daemon.stop()
        }
    }
}
