import ControlAPI
import Foundation
import Testing

/// The main tasks on real servers, as an operator sees them. Invariants: port-pair, clean-stop.
@Suite(.serialized) struct MainJobTests {
    @Test(arguments: Engines.all)
    func aClusterFormsStoresKeysRestartsStopsAndStartsAgain(server: String) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--server", server])
            try await daemon.ready()
            var status = try daemon.status()
            #expect(status.cluster.state == .ok && status.cluster.serving && status.cluster.slotsCovered == 16384)
            #expect(status.nodes.map(\.port) == Array(daemon.base..<(daemon.base + 6)))
            #expect(await eventually { daemon.output.contains("[OK] All 16384 slots covered.\n") })
            let masters = status.nodes.filter { $0.role == .master }
            #expect(masters.count == 3)
            let keys = try await Redis.fill(masters.map(\.port), 1000)
            #expect(keys.count == 1000)

            let victim = try #require(masters.first)
            let restarted = try daemon.command(["restart-node", victim.name.text])
            #expect(restarted.exit == 0, "\(restarted.errors)")
            #expect(restarted.errors.contains("handing over to"))
            status = try daemon.status()
            let after = try #require(status.nodes.first { $0.name == victim.name })
            #expect(after.role == .replica && after.pid != victim.pid && status.cluster.ready)

            try await daemon.stop()
            try daemon.up(["--server", server])
            try await daemon.ready()
            let ports = try daemon.status().nodes.filter { $0.role == .master }.map(\.port)
            #expect(try await Redis.missing(keys, on: ports) == 0)
            try await daemon.stop()
        }
    }

    @Test func busyPortsAreSkippedAndTheirHolderIsNamed() async throws {
        try await withDaemon { daemon in
            // A client port, and a bus port.
            let holders = [try Ports.listen(daemon.base + 1), try Ports.listen(daemon.base + 10003)]
            defer { for holder in holders { close(holder) } }
            try daemon.up()
            try await daemon.ready()
            let expected = [0, 2, 4, 5, 6, 7].map { daemon.base + $0 }
            #expect(try daemon.status().nodes.map(\.port) == expected)
            #expect(daemon.output.contains("\(daemon.base + 1) is in use by "))
            #expect(daemon.output.contains("(pid \(getpid()), user "))
            #expect(try daemon.status().findings.contains { $0.code == "port-taken" && $0.severity == .info })
            try await daemon.stop()
        }
    }

    @Test func twoClustersFormedAtOnceShareNoPort() async throws {
        try await withDaemon { one in
            let other = try Daemon(base: one.base)
            defer { other.cleanUp() }
            try one.up(["--masters", "1", "--replicas", "1"])
            try other.up(["--masters", "1", "--replicas", "1"])
            try await one.ready()
            try await other.ready()
            let ports = try one.status().nodes.map(\.port) + other.status().nodes.map(\.port)
            #expect(Set(ports).count == 4)
            try await one.stop()
            try await other.stop()
        }
    }

    @Test func passwordsWorkOnAllNodesAndAreNotPrinted() async throws {
        try await withDaemon { daemon in
            let secret = "s3cret with spaces"
            try daemon.up([
                "--masters", "3", "--set", "redis.requirepass=\(secret)", "--set", "redis.masterauth=\(secret)",
            ])
            try await daemon.ready()
            let ports = try daemon.status().nodes.filter { $0.role == .master }.map(\.port)
            let keys = try await Redis.fill(ports, 50, password: secret)
            #expect(keys.count == 50)
            #expect(try await Redis.send(ports[0], "PING").errorText?.hasPrefix("NOAUTH") == true)
            #expect(try daemon.command(["restart-node", "\(ports[0])"]).exit == 0)
            #expect(!daemon.output.contains(secret))
            try await daemon.stop()
        }
    }

    @Test func nodesBindIPv4AndIPv6() async throws {
        try await withDaemon { daemon in
            let conf = daemon.home + "/conf.yaml"
            try "cluster: {bind: [127.0.0.1, \"::1\"], masters: 1, replicas: 1}\n"
                .write(toFile: conf, atomically: true, encoding: .utf8)
            try daemon.up(["--config", conf])
            try await daemon.ready()
            #expect(try await Redis.send(daemon.base, "PING", host: "::1") == .simple("PONG"))
            try await daemon.stop()
        }
    }

    @Test func smallClustersForm() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "0"])
            try await daemon.ready()
            #expect(try daemon.status().nodes.count == 1)
            let refused = try daemon.command(["restart-node", "\(daemon.base)"])
            #expect(refused.exit == 4 && refused.errors.contains("--force"))
            let forced = try daemon.command(["restart-node", "\(daemon.base)", "--force"])
            #expect(forced.exit == 0, "\(forced.errors)")
            let unknown = try daemon.command(["restart-node", "9"])
            #expect(unknown.exit == 64 && unknown.errors.contains("\(daemon.base)"))
            try await daemon.stop()
        }
    }
}
