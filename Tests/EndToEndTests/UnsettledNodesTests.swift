import ControlAPI
import Foundation
import Testing

/// Operations on members that were changed by hand, and members that run under another node ID or port.
@Suite(.serialized) struct UnsettledNodesTests: FixingSuite {
    @Test(arguments: engines)
    func aResetReplicaMustBeFixedBeforeItsRestart(server: String) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--server", server])
            try await daemon.ready()
            let ports = (0..<3).map { daemon.base + $0 }
            let keys = try await Redis.fill(ports, 200)
            let replica = "\(daemon.base + 3)"
            _ = try await Redis.send(daemon.base + 3, "CLUSTER", "RESET", "HARD")
            let restart = try daemon.command(["restart-node", replica])
            #expect(restart.exit != 0 && restart.errors.contains("clusterd fix"), "\(restart.errors)")
            // It exits nevertheless, and its folder has the nodes.conf of another node.
            #expect(try daemon.command(["stop-node", replica, "--force"]).exit == 0)
            let start = try daemon.command(["start-node", replica])
            #expect(start.exit != 0 && start.errors.contains("clusterd fix"), "\(start.errors)")
            try await fixed(daemon, ["standalone-with-keys"])
            #expect(try daemon.status().nodes.filter { $0.role == .replica && $0.link == .up }.count == 3)
            #expect(try await Redis.missing(keys, on: ports) == 0)
            try await daemon.stop()
        }
    }

    @Test(arguments: engines)
    func aMasterThatReleasedItsSlotsIsNotHandedOver(server: String) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--server", server])
            try await daemon.ready()
            let ports = (0..<3).map { daemon.base + $0 }
            let keys = try await Redis.fill(ports, 200)
            let slots = (0...5460).map(String.init)
            _ = try await Redis.send(ports[0], ["CLUSTER", "DELSLOTS"] + slots)
            let restart = try daemon.command(["restart-node", "\(ports[0])"])
            #expect(restart.exit != 0 && restart.errors.contains("clusterd fix"), "\(restart.errors)")
            try await fixed(daemon, ["slots-uncovered"])
            #expect(try daemon.status().nodes.first { $0.port == ports[0] }?.role == .master)
            #expect(try await Redis.missing(keys, on: ports) == 0)
            try await daemon.stop()
        }
    }

    /// Invariant: last-copy.
    @Test(arguments: engines)
    func aMasterWithoutSlotsFollowsItsSuccessorAndItsFilesAreKept(server: String) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--server", server])
            try await daemon.ready()
            let ports = (0..<3).map { daemon.base + $0 }
            let keys = try await Redis.fill(ports, 200)
            _ = try await Redis.send(ports[0], ["CLUSTER", "DELSLOTS"] + (0...5460).map(String.init))
            _ = try await Redis.send(daemon.base + 3, "CLUSTER", "FAILOVER")
            try await fixed(daemon, ["master-without-slots"])
            let status = try daemon.status()
            #expect(status.nodes.first { $0.port == ports[0] }?.replicaOf?.text == "\(daemon.base + 3)")
            let kept = try FileManager.default.contentsOfDirectory(atPath: daemon.data + "/quarantine")
            #expect(kept.contains { $0.contains("\(ports[0])") }, "\(kept)")
            #expect(try await Redis.missing(keys, on: ports + [daemon.base + 3]) == 0)
            try await daemon.stop()
        }
    }

    @Test(arguments: engines)
    func aReplicaUnderAnotherIDIsRestartedUnderItsOwn(server: String) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--server", server])
            try await daemon.ready()
            let nodes = try daemon.status().nodes.sorted { $0.port < $1.port }
            let ports = (0..<3).map { daemon.base + $0 }
            let keys = try await Redis.fill(ports, 200)
            let replica = daemon.base + 3
            _ = try await Redis.send(replica, "CLUSTER", "RESET", "HARD")
            let stray = try #require(try await Redis.send(replica, "CLUSTER", "MYID").text)
            _ = try await Redis.send(replica, "CLUSTER", "MEET", "127.0.0.1", "\(ports[1])")
            let master = try #require(nodes[0].id).text
            #expect(await eventually { try await Redis.send(replica, "CLUSTER", "REPLICATE", master) == .simple("OK") })
            #expect(await eventually { try daemon.status().findings.contains { $0.code == "node-reset" } })
            #expect(try !daemon.status().findings.contains { $0.code == "foreign-node" })
            try await fixed(daemon, ["node-reset"])
            #expect(try daemon.status().nodes.map(\.id) == nodes.map(\.id))
            for node in nodes {
                #expect(try await Redis.send(node.port, "CLUSTER", "NODES").text?.contains(stray) == false)
            }
            #expect(try await Redis.missing(keys, on: ports) == 0)
            try await daemon.stop()
        }
    }

    @Test(arguments: engines)
    func aPortChangedWithoutADaemonIsRestored(server: String) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--server", server])
            try await daemon.ready()
            let ports = (0..<3).map { daemon.base + $0 }
            let keys = try await Redis.fill(ports, 200)
            let pids = try daemon.status().nodes.map(\.pid)
            kill(daemon.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            _ = try await Redis.send(ports[0], "CONFIG", "SET", "port", "\(daemon.base + 8)")
            try daemon.up(["--server", server])
            try await daemon.ready()
            #expect(await eventually { try daemon.command(["check"]).exit == 0 })
            #expect(try daemon.status().nodes.map(\.pid) == pids)
            #expect(try await Redis.missing(keys, on: ports) == 0)
            try await daemon.stop()
        }
    }

    @Test func slotsThatAnotherMasterTookAreAnEvent() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let taker = try #require(try daemon.status().nodes.first { $0.port == daemon.base + 1 }?.id).text
            // The epochs of a new cluster do not follow the order of its nodes.
            _ = try await Redis.send(daemon.base + 1, "CLUSTER", "BUMPEPOCH")
            for slot in 0..<3 {
                _ = try await Redis.send(daemon.base + 1, "CLUSTER", "SETSLOT", "\(slot)", "NODE", taker)
            }
            let isTold = await eventually {
                let answer = try daemon.command(["events", "--json"])
                let events = try ControlJSON.decode(EventsDocument.self, from: Array(answer.output.utf8)).events
                return events.contains { $0.code == "slots-moved" && $0.message.contains("\(daemon.base)") }
            }
            #expect(isTold)
            try await daemon.stop()
        }
    }
}
