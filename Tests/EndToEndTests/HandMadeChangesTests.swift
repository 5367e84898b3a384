import ControlAPI
import Foundation
import Testing

/// Changes to a member with redis-cli: the cluster recovers, or `fix` repairs it; no key is lost that the operator did
/// not delete.
@Suite(.serialized) struct HandMadeChangesTests: FixingSuite {
    @Test(arguments: engines)
    func aResetMemberReturns(server: String) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--server", server])
            try await daemon.ready()
            let nodes = try daemon.status().nodes.sorted { $0.port < $1.port }
            let ports = (0..<3).map { daemon.base + $0 }
            let keys = try await Redis.fill(ports, 200)
            // One is removed as `redis-cli --cluster del-node` does it, one is reset with another ID.
            let removed = nodes[4]
            for node in nodes where node.name != removed.name {
                _ = try await Redis.send(node.port, "CLUSTER", "FORGET", try #require(removed.id).text)
            }
            _ = try await Redis.send(removed.port, "CLUSTER", "RESET", "SOFT")
            _ = try await Redis.send(nodes[5].port, "CLUSTER", "RESET", "HARD")
            #expect(
                await eventually {
                    let findings = try daemon.status().findings
                    return findings.contains { $0.node == nodes[4].name && $0.hint == "clusterd fix" }
                        && findings.contains { $0.node == nodes[5].name && $0.code == "node-reset" }
                })
            let check = try daemon.command(["check"])
            #expect(!check.output.contains("6 of 6 nodes run") && !check.output.contains("Every master has"))
            try await fixed(daemon, ["node-reset"])
            #expect(try daemon.status().nodes.map(\.id) == nodes.map(\.id))
            #expect(try daemon.status().nodes.filter { $0.role == .replica && $0.link == .up }.count == 3)
            #expect(try await Redis.missing(keys, on: ports) == 0)
            try await daemon.stop()
        }
    }

    @Test(arguments: engines)
    func anEmptyMasterThatWasResetHardReturns(server: String) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--server", server])
            try await daemon.ready()
            let nodes = try daemon.status().nodes.sorted { $0.port < $1.port }
            let ports = (0..<3).map { daemon.base + $0 }
            _ = try await Redis.fill([ports[0], ports[2]], 50)
            _ = try await Redis.send(ports[1], "FLUSHALL")
            #expect(try await Redis.send(ports[1], "CLUSTER", "RESET", "HARD") == .simple("OK"))
            try await fixed(daemon, ["node-reset"])
            #expect(try daemon.status().nodes.map(\.id) == nodes.map(\.id))
            #expect(try daemon.status().cluster.slotsCovered == 16384)
            try await daemon.stop()
        }
    }

    @Test(arguments: engines)
    func releasedSlotsReturnToTheirMaster(server: String) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--server", server])
            try await daemon.ready()
            let nodes = try daemon.status().nodes.sorted { $0.port < $1.port }
            let ports = (0..<3).map { daemon.base + $0 }
            let keys = try await Redis.fill(ports, 300)
            let slots = (6000..<6300).map(String.init)
            for node in nodes { _ = try await Redis.send(node.port, ["CLUSTER", "DELSLOTS"] + slots) }
            try await fixed(daemon, ["slots-uncovered"])
            #expect(try await Redis.missing(keys, on: ports) == 0)
            try await daemon.stop()
        }
    }

    @Test func aForgottenMasterAndAChangedPortAreRepaired() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let nodes = try daemon.status().nodes.sorted { $0.port < $1.port }
            let ports = (0..<3).map { daemon.base + $0 }
            let keys = try await Redis.fill(ports, 200)
            let id = try #require(nodes[1].id).text
            for index in [0, 2, 3, 5] { _ = try await Redis.send(nodes[index].port, "CLUSTER", "FORGET", id) }
            _ = try await Redis.send(nodes[5].port, "CONFIG", "SET", "port", "\(daemon.base + 8)")
            let isWhole = await eventually {
                let views = try await nodes.map(\.port).asyncMap { port in
                    try await Redis.send(port, "CLUSTER", "NODES").text ?? ""
                }
                return try views.allSatisfy { $0.contains(id) } && daemon.status().cluster.ready
            }
            #expect(isWhole, "\(daemon.output.suffix(1500))")
            #expect(try await Redis.missing(keys, on: ports) == 0)
            try await daemon.stop()
        }
    }
}

extension Array {
    fileprivate func asyncMap<T>(_ transform: (Element) async throws -> T) async rethrows -> [T] {
        var result: [T] = []
        for element in self { result.append(try await transform(element)) }
        return result
    }
}
