import ControlAPI
import Foundation
import NIOPosix
import RESP
import RedisClient
import Testing

/// Keys outside database 0, and functions without a key, are data: real engines that keep everything in memory.
/// Invariants: unknown-is-data, last-copy.
@Suite(.serialized) struct OtherDataTests {
    private func pipeline(_ port: Int, _ commands: [[String]]) async throws -> [RESPValue] {
        let connection = try await RedisConnection.connect(
            host: "127.0.0.1", port: port, credentials: nil, on: MultiThreadedEventLoopGroup.singleton,
            timeout: .seconds(5))
        let answers = try await connection.pipeline(commands.map { RESPCommand($0) }, timeout: .seconds(10))
        await connection.close()
        return answers
    }

    private func inMemory(_ daemon: Daemon, _ more: String = "") throws -> [String] {
        let conf = daemon.home + "/conf.yaml"
        try "redis: {appendonly: no, save: \"\"\(more)}\nsupervision: {hang-timeout: 1s}\n".write(
            toFile: conf, atomically: true, encoding: .utf8)
        return ["--masters", "1", "--replicas", "1", "--config", conf]
    }

    /// The replica is stopped, the master killed, and the replica continued: no empty node is started over it.
    private func loseTheMaster(_ daemon: Daemon) async throws -> NodeDocument {
        let nodes = try daemon.status().nodes
        let master = try #require(nodes.first { $0.role == .master })
        let replica = try #require(nodes.first { $0.role == .replica })
        kill(try #require(replica.pid), SIGSTOP)
        kill(try #require(master.pid), SIGKILL)
        #expect(
            await eventually {
                try daemon.status().nodes.first { $0.name == master.name }?.pid != master.pid
            })
        kill(try #require(replica.pid), SIGCONT)
        #expect(
            await eventually {
                let now = try daemon.status()
                return now.cluster.ready && now.nodes.first { $0.name == replica.name }?.role == .master
            }, "\(daemon.output.suffix(2000))")
        return try #require(try daemon.status().nodes.first { $0.role == .master })
    }

    @Test(arguments: Engines.all.filter { $0.contains("valkey-9") })
    func keysInAnotherDatabaseSurviveADeadMasterWithAStoppedReplica(server: String) async throws {
        try await withDaemon { daemon in
            try daemon.up(try inMemory(daemon, ", cluster-databases: 4") + ["--server", server])
            try await daemon.ready()
            let port = try #require(try daemon.status().nodes.first { $0.role == .master }).port
            let sets = (0..<50).map { ["SET", "key\($0)", "value"] }
            #expect(try await pipeline(port, [["SELECT", "1"]] + sets).allSatisfy { $0 == .simple("OK") })
            #expect(await eventually { try daemon.status().nodes.allSatisfy { $0.keys == 50 } })
            let master = try await loseTheMaster(daemon)
            #expect(try await pipeline(master.port, [["SELECT", "1"], ["DBSIZE"]]).last == .integer(50))
            try await daemon.stop()
        }
    }

    @Test func functionsWithoutAKeySurviveADeadMasterWithAStoppedReplica() async throws {
        try await withDaemon { daemon in
            try daemon.up(try inMemory(daemon))
            try await daemon.ready()
            let nodes = try daemon.status().nodes
            let port = try #require(nodes.first { $0.role == .master }).port
            let code = "#!lua name=library\nredis.register_function('f', function() return 1 end)"
            #expect(try await Redis.send(port, "FUNCTION", "LOAD", code).text == "library")
            #expect(
                await eventually {
                    let state = try String(contentsOfFile: "\(daemon.data)/state.json", encoding: .utf8)
                    return state.components(separatedBy: "\"libraries\"").count == 3
                })
            let master = try await loseTheMaster(daemon)
            #expect(try await Redis.send(master.port, "FCALL", "f", "0") == .integer(1))
            try await daemon.stop()
        }
    }

    /// A slot is half moved, and the keys that arrived are in database 1.
    @Test(arguments: Engines.all.filter { $0.contains("valkey-9") })
    func fixLeavesAHalfMovedSlotWithKeysInAnotherDatabase(server: String) async throws {
        try await withDaemon { daemon in
            try daemon.up([
                "--masters", "3", "--replicas", "0", "--server", server, "--set", "redis.cluster-databases=4",
            ])
            try await daemon.ready()
            let masters = try daemon.status().nodes.sorted { $0.port < $1.port }
            let ids = try masters.map { try #require($0.id).text }
            // The slot of `bar`.
            _ = try await Redis.send(masters[0].port, "CLUSTER", "SETSLOT", "5061", "MIGRATING", ids[1])
            _ = try await Redis.send(masters[1].port, "CLUSTER", "SETSLOT", "5061", "IMPORTING", ids[0])
            let answers = try await pipeline(
                masters[1].port, [["SELECT", "1"], ["ASKING"], ["SET", "bar", "value"]])
            #expect(answers.last == .simple("OK"), "\(answers)")
            #expect(
                await eventually {
                    let result = try Daemon.run(["fix", "--dir", daemon.data, "--dry-run", "--json"])
                    let plan = try ControlJSON.decode(FixDocument.self, from: Array(result.output.utf8))
                    return plan.left.contains { $0.code == "slot-open" && $0.hint == nil } && plan.repairs.isEmpty
                }, "\(daemon.output.suffix(1500))")
            try await daemon.stop()
        }
    }
}
