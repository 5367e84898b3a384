import ControlAPI
import Foundation
import NIOPosix
import RESP
import RedisClient
import Testing

/// The nodes' own logs: merged, rotated when long, and never blocking a node.
@Suite(.serialized) struct LogsTests {
    @Test func linesOfAllNodesAreMergedAndFollowed() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "1"])
            try await daemon.ready()
            let names = try daemon.status().nodes.map(\.name.text)
            let all = try daemon.command(["logs", "-n", "all"])
            #expect(all.exit == 0, "\(all.errors)")
            let lines = all.output.split(separator: "\n")
            #expect(lines.allSatisfy { line in names.contains { line.hasPrefix("\($0) | ") } })
            #expect(
                names.allSatisfy { name in
                    lines.contains { $0.hasPrefix("\(name) | ") && $0.contains("Ready to accept") }
                })
            let last = try daemon.command(["logs", names[1], "-n", "3"])
            #expect(last.output.split(separator: "\n").count == 3)
            #expect(last.output.split(separator: "\n").allSatisfy { $0.hasPrefix("\(names[1]) | ") })
            #expect(try daemon.command(["logs", "--since", "1h"]).output == all.output)
            // A shell in another time zone selects the same lines.
            for zone in ["Asia/Tokyo", "America/New_York"] {
                let place = ["--socket", daemon.data + "/control.sock"]
                let elsewhere = try Daemon.run(["logs", "--since", "1h"] + place, environment: ["TZ": zone])
                #expect(elsewhere.output == all.output, "\(zone)")
                let late = ["logs", "--since", "2090-01-01T00:00:00Z"]
                let future = try Daemon.run(late + place, environment: ["TZ": zone])
                #expect(future.output.isEmpty, "\(zone)")
            }
            #expect(try daemon.command(["logs", "--since", "2090-01-01T00:00:00Z"]).output.isEmpty)
            let unknown = try daemon.command(["logs", "9999"])
            #expect(unknown.exit == 64 && unknown.errors.contains(names[0]))

            let path = daemon.home + "/followed"
            _ = FileManager.default.createFile(atPath: path, contents: nil)
            let follower = Process()
            follower.executableURL = URL(fileURLWithPath: Daemon.program)
            follower.arguments = ["logs", "-f", "-n", "0", "--dir", daemon.data]
            follower.standardOutput = FileHandle(forWritingAtPath: path)
            follower.standardInput = FileHandle.nullDevice
            try follower.run()
            // SIGTERM may be blocked in processes that this framework starts.
            defer { kill(follower.processIdentifier, SIGKILL) }
            let port = try #require(try daemon.status().nodes.first?.port)
            // Eventually the process is up, and then a save is seen.
            let isSeen = await eventually {
                _ = try await Redis.send(port, "BGSAVE")
                return try String(contentsOfFile: path, encoding: .utf8).contains("Background saving")
            }
            #expect(isSeen)
            try await daemon.stop()
            let dead = try Daemon.run(["logs", "--dir", daemon.data])
            #expect(dead.exit == 3 && dead.errors.contains("/nodes/*/redis.log"), "\(dead.errors)")
        }
    }

    /// `clusterd events -f | head -1` ends when head does, even without further events.
    @Test(arguments: ["events", "logs"]) func aFollowingCommandEndsWithItsReader(command: String) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "0"])
            try await daemon.ready()
            let pipe = Pipe()
            let follower = Process()
            follower.executableURL = URL(fileURLWithPath: Daemon.program)
            follower.arguments = [command, "-f", "-n", "1", "--dir", daemon.data]
            follower.standardOutput = pipe
            follower.standardInput = FileHandle.nullDevice
            follower.standardError = FileHandle.nullDevice
            try follower.run()
            defer { if follower.isRunning { kill(follower.processIdentifier, SIGKILL) } }
            #expect(!pipe.fileHandleForReading.availableData.isEmpty)
            #expect(follower.isRunning)
            try pipe.fileHandleForReading.close()
            #expect(await eventually { !follower.isRunning })
            #expect(follower.terminationReason == .uncaughtSignal && follower.terminationStatus == SIGPIPE)
            try await daemon.stop()
        }
    }

    @Test(arguments: Engines.all) func aLongLogIsRotatedUnderARunningNode(engine: String) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "0", "--server", engine])
            try await daemon.ready()
            let node = try #require(try daemon.status().nodes.first)
            let log = try #require(node.log)
            let path = daemon.home + "/followed"
            _ = FileManager.default.createFile(atPath: path, contents: nil)
            let follower = Process()
            follower.executableURL = URL(fileURLWithPath: Daemon.program)
            follower.arguments = ["logs", "-f", "-n", "0", "--dir", daemon.data]
            follower.standardOutput = FileHandle(forWritingAtPath: path)
            follower.standardInput = FileHandle.nullDevice
            try follower.run()
            defer { kill(follower.processIdentifier, SIGKILL) }
            func follows(_ words: String) -> Bool {
                (try? String(contentsOfFile: path, encoding: .utf8))?.contains(words) ?? false
            }
            let handle = try #require(FileHandle(forWritingAtPath: log))
            handle.seekToEndOfFile()
            let line = Array("1:M 24 Nov 2026 10:00:00.000 * padding \(String(repeating: "x", count: 1000))\n".utf8)
            for _ in 0..<17 { try handle.write(contentsOf: Array(repeatElement(line, count: 1024).joined())) }
            #expect(await eventually { FileManager.default.fileExists(atPath: log + ".1") })
            let isNew = await eventually {
                _ = try await Redis.send(node.port, "BGSAVE")
                return try String(contentsOfFile: log, encoding: .utf8).contains("Background saving")
            }
            #expect(isNew)
            #expect(await eventually { follows("Background saving") })
            #expect(try daemon.status().nodes.first?.pid == node.pid)
            // A later death has its last log lines from the new file.
            kill(try #require(node.pid), SIGABRT)
            #expect(await eventually { try daemon.status().nodes.first?.lastExit != nil })
            let words = try daemon.status().nodes.first?.lastExit?.log ?? []
            #expect(words.contains { !$0.contains("padding") }, "\(words)")
            try await daemon.ready()
            // Across the rotation, the crash and the node's restart.
            #expect(await eventually { follows("Ready to accept") })
            #expect(follower.isRunning)
            try await daemon.stop()
        }
    }

    /// A node never depends on a reader of its log.
    @Test func aStoppedDaemonDoesNotBlockNodesThatLogALot() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "0", "--set", "redis.loglevel=debug"])
            try await daemon.ready()
            let node = try #require(try daemon.status().nodes.first)
            kill(daemon.process.processIdentifier, SIGSTOP)
            defer { kill(daemon.process.processIdentifier, SIGCONT) }
            let connection = try await RedisConnection.connect(
                host: "127.0.0.1", port: node.port, credentials: nil, on: MultiThreadedEventLoopGroup.singleton,
                timeout: .seconds(5))
            var served = 0
            for batch in 0..<100 {
                let commands = (0..<1000).map { RESPCommand("SET", "key\(batch)-\($0)", "value") }
                served += try await connection.pipeline(commands, timeout: .seconds(60)).count { $0 == .simple("OK") }
            }
            await connection.close()
            #expect(served == 100_000)
            kill(daemon.process.processIdentifier, SIGCONT)
            try await daemon.ready()
            #expect(try daemon.status().nodes.first?.pid == node.pid)
            try await daemon.stop()
        }
    }
}
