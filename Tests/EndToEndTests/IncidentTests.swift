import ControlAPI
import Foundation
import Testing

/// Sudden failures. Invariants: disposable-daemon, own-process, one-daemon.
@Suite(.serialized) struct IncidentTests {
    @Test func aDeadMasterIsReplacedAndReturnsAsReplica() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let status = try daemon.status()
            let master = try #require(status.nodes.first { $0.role == .master })
            let keys = try await Redis.fill(status.nodes.filter { $0.role == .master }.map(\.port), 600)
            kill(try #require(master.pid), SIGKILL)
            let isBack = await eventually {
                let now = try daemon.status()
                let node = now.nodes.first { $0.name == master.name }
                return now.cluster.ready && node?.role == .replica && node?.pid != master.pid
            }
            #expect(isBack, "\(daemon.output.suffix(1000))")
            let after = try daemon.status()
            let exit = after.nodes.first { $0.name == master.name }?.lastExit
            #expect(exit?.cause == "killed by SIGKILL" && exit?.signal == 9)
            #expect(try await Redis.missing(keys, on: after.nodes.filter { $0.role == .master }.map(\.port)) == 0)
            try await daemon.stop()
        }
    }

    @Test func aKilledDaemonLeavesItsNodesAndTheNextAdoptsThem() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let before = try daemon.status().nodes.map(\.pid)
            kill(daemon.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            #expect(daemon.nodePIDs().count == 6)
            try daemon.up()
            try await daemon.ready()
            #expect(try daemon.status().nodes.map(\.pid) == before)
            // The same with a master that died meanwhile.
            kill(daemon.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            kill(try #require(before[0]), SIGKILL)
            try daemon.up()
            try await daemon.ready()
            #expect(try daemon.status().cluster.ready)
            try await daemon.stop()
        }
    }

    @Test func aForeignServerInANodesFolderIsReportedAndLeftRunning() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let replica = try #require(try daemon.status().nodes.first { $0.role == .replica })
            try await daemon.stop()
            let server = Process()
            server.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            server.arguments = [
                "redis-server", "--port", "\(daemon.base + 8)", "--dir", "\(daemon.data)/nodes/\(replica.name)",
                "--save", "",
            ]
            server.standardOutput = FileHandle.nullDevice
            try server.run()
            defer { kill(server.processIdentifier, SIGKILL) }
            #expect(await eventually { try await Redis.send(daemon.base + 8, "PING") == .simple("PONG") })
            try daemon.up()
            let isReported = await eventually {
                let status = try daemon.status()
                let node = status.nodes.first { $0.name == replica.name }
                return status.cluster.serving && node?.pid == nil
                    && status.findings.contains { $0.code == "directory-in-use" && $0.node == replica.name }
            }
            #expect(isReported, "\(daemon.output.suffix(1000))")
            // Once it has exited, the node starts.
            kill(server.processIdentifier, SIGKILL)
            try await daemon.ready()
            try await daemon.stop()
        }
    }

    @Test func aClusterKilledWithItsDaemonReturnsWithItsKeys() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let masters = try daemon.status().nodes.filter { $0.role == .master }.map(\.port)
            let keys = try await Redis.fill(masters, 300)
            kill(daemon.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            for pid in daemon.nodePIDs() { kill(pid, SIGKILL) }
            try daemon.up()
            try await daemon.ready()
            let now = try daemon.status().nodes.filter { $0.role == .master }.map(\.port)
            #expect(try await Redis.missing(keys, on: now) == 0)
            try await daemon.stop()
        }
    }

    @Test func detachLeavesTheNodesAndASecondClusterdIsRefused() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "1"])
            try await daemon.ready()
            let second = try Daemon.run(["up", "--dir", daemon.data])
            #expect(second.exit == 1 && second.errors.contains("\(daemon.process.processIdentifier)"))
            let before = try daemon.status()
            let detached = try daemon.command(["detach", "--json"])
            #expect(detached.exit == 0)
            let document = try ControlJSON.decode(Ended.self, from: Array(detached.output.utf8))
            #expect(document.how == "detached" && document.daemon == before.cluster.daemon)
            #expect(await daemon.ended() == 0)
            #expect(daemon.nodePIDs().count == 2)
            let gone = try daemon.command(["status"])
            #expect(gone.exit == 3)
            let again = try daemon.command(["detach", "--json"])
            #expect(again.exit == 3 && again.output == "" && again.errors.hasPrefix("{\"error\":"))
            try daemon.up()
            try await daemon.ready()
            #expect(try daemon.status().nodes.map(\.pid) == before.nodes.map(\.pid))
            let stopped = try daemon.command(["stop"])
            #expect(stopped.exit == 0, "\(stopped.errors)")
            #expect(daemon.nodePIDs().isEmpty)
        }
    }

    private struct Ended: Decodable {
        var how: String
        var daemon: StatusDocument.Daemon
    }

    @Test func aFrozenReplicaDoesNotPreventTheStopOfTheOthers() async throws {
        try await withDaemon { daemon in
            let conf = daemon.home + "/conf.yaml"
            try "supervision: {stop-timeout: 2s}\n".write(toFile: conf, atomically: true, encoding: .utf8)
            try daemon.up(["--config", conf])
            try await daemon.ready()
            let replica = try #require(try daemon.status().nodes.first { $0.role == .replica }?.pid)
            kill(replica, SIGSTOP)
            try await daemon.stop()
        }
    }
}
