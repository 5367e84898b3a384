import ControlAPI
import Testing

/// `min-replicas-to-write` on real engines.
@Suite(.serialized) struct WriteRefusalTests {
    private func up(_ daemon: Daemon, replicas: Int, server: String) async throws {
        try daemon.up([
            "--masters", "1", "--replicas", String(replicas), "--server", server, "--set",
            "redis.min-replicas-to-write=1",
        ])
        try await daemon.ready()
    }

    @Test(arguments: Engines.all) func aCommandThatWouldStopWritesIsRefusedUnlessForced(server: String)
        async throws
    {
        try await withDaemon { daemon in
            try await up(daemon, replicas: 1, server: server)
            let nodes = try daemon.status().nodes
            let master = try #require(nodes.first { $0.role == .master })
            let replica = try #require(nodes.first { $0.role == .replica })
            for command in [
                ["rolling-restart"], ["restart-node", replica.name.text], ["stop-node", replica.name.text],
            ] {
                let refused = try daemon.command(command)
                #expect(refused.exit == 4 && refused.errors.contains("min-replicas-to-write is 1"), "\(refused.errors)")
                #expect(refused.errors.contains("--force"))
            }
            #expect(try daemon.command(["stop-node", replica.name.text, "--force"]).exit == 0)
            #expect(
                await eventually {
                    let status = try daemon.status()
                    return !status.cluster.serving && !status.cluster.ready
                        && status.findings.contains {
                            $0.code == "writes-refused" && $0.hint == "clusterd start-node \(replica.name)"
                        }
                })
            #expect(try await Redis.send(master.port, "SET", "key", "value").errorText?.hasPrefix("NOREPLICAS") == true)
            let check = try daemon.command(["check"])
            #expect(check.exit == 1 && !check.output.contains("Every master has its replica"), "\(check.output)")
            #expect(try daemon.command(["start-node", replica.name.text]).exit == 0)
            try await daemon.ready()
            #expect(try await Redis.send(master.port, "SET", "key", "value") == .simple("OK"))
            try await daemon.stop()
        }
    }

    @Test(arguments: Engines.all) func withASpareReplicaARollingRestartFailsNoWrite(server: String) async throws {
        try await withDaemon { daemon in
            try await up(daemon, replicas: 2, server: server)
            let writer = ClusterWriter(try daemon.status().nodes.map(\.port), patience: .seconds(3))
            await writer.start()
            #expect(await eventually { await writer.writes > 200 })
            let restart = try daemon.command(["rolling-restart"])
            #expect(restart.exit == 0, "\(restart.errors)")
            let restarted = await writer.writes
            #expect(await eventually { await writer.writes > restarted + 200 })
            await writer.end()
            #expect(await writer.failures == [])
            try await daemon.stop()
        }
    }
}
