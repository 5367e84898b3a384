import ControlAPI
import Foundation
import Testing

/// `supervision.failback` on real engines. Invariant: lossless-switchover.
@Suite(.serialized) struct FailbackTests {
    private func masters(_ daemon: Daemon) throws -> [Int] {
        try daemon.status().nodes.filter { $0.role == .master }.map(\.port).sorted()
    }

    @Test func rolesGoBackOnceTheClusterIsSteadyAndNoWriteFails() async throws {
        try await withDaemon { daemon in
            let conf = daemon.home + "/conf.yaml"
            try "supervision: {failback: 2s}\n".write(toFile: conf, atomically: true, encoding: .utf8)
            try daemon.up(["--config", conf])
            try await daemon.ready()
            let formed = try masters(daemon)
            let writer = ClusterWriter(try daemon.status().nodes.map(\.port))
            await writer.start(lanes: 4)
            #expect(await eventually { await writer.writes > 200 })
            let replica = try #require(try daemon.status().nodes.first { $0.role == .replica })
            let moved = try daemon.command(["failover", replica.name.text])
            #expect(moved.exit == 0, "\(moved.errors)")
            let isBack = await eventually { try masters(daemon) == formed && daemon.status().cluster.ready }
            #expect(isBack, "\(daemon.output.suffix(1500))")
            let operations = try daemon.operations()
            #expect(operations.count == 2)
            await writer.end()
            #expect(await writer.failures == [])
            #expect(try await writer.lost(on: try masters(daemon)).acknowledged == [])
            try await daemon.stop()
        }
    }
}
