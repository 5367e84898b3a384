import ControlAPI
import Foundation
import Testing

/// The same shard changes its master repeatedly, by failover and by switchover. Invariants: one-writer, highest-epoch,
/// lossless-switchover.
@Suite(.serialized) struct RepeatedFailoverTests {
    private func masters(_ daemon: Daemon) throws -> [NodeDocument] {
        try daemon.status().nodes.filter { $0.role == .master }
    }

    private func offset(_ name: String, of port: Int) async throws -> Int {
        let lines = (try await Redis.send(port, "INFO", "replication").text ?? "").split(separator: "\r\n")
        return try #require(lines.first { $0.hasPrefix(name + ":") }.flatMap { Int($0.dropFirst(name.count + 1)) })
    }

    /// The other nodes ignore a replica that takes over at no higher epoch than its dead master's, such as a replica
    /// that was started with its master's epoch as its own while that is the highest of all.
    @Test(arguments: Engines.all) func repeatedFailoversOfAShardHaveRisingEpochs(
        server: String
    ) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--server", server])
            try await daemon.ready()
            var master = try #require(try masters(daemon).last)
            let keys = try await Redis.fill(try masters(daemon).map(\.port), 300)
            for _ in 0..<4 {
                let pid = try #require(master.pid)
                let candidate = try #require(try daemon.status().nodes.first { $0.replicaOf == master.name })
                kill(pid, SIGKILL)
                let isSettled = await eventually {
                    let status = try daemon.status()
                    return status.cluster.ready && !status.nodes.contains { $0.pid == pid }
                }
                #expect(isSettled, "\(daemon.output.suffix(1500))")
                let owner = try #require(try masters(daemon).first { $0.slots == master.slots })
                #expect(owner.name == candidate.name, "\(daemon.output.suffix(1000))")
                master = owner
            }
            let view = try await Redis.send(master.port, "CLUSTER", "NODES").text ?? ""
            let epochs = view.split(separator: "\n").map { $0.split(separator: " ") }
                .filter { $0.count > 8 && $0[2].contains("master") }.compactMap { Int($0[6]) }
            #expect(Set(epochs).count == 3, "\(view)")
            #expect(try await Redis.missing(keys, on: masters(daemon).map(\.port)) == 0)
            try await daemon.stop()
        }
    }

    /// Redis 6.2 kept its clients paused for 10 s, its new master among them.
    @Test(arguments: Engines.all) func aFormerMasterReplicatesWithoutDelayAfterAHandOver(server: String) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--server", server])
            try await daemon.ready()
            let master = try #require(try masters(daemon).first)
            let replica = try #require(try daemon.status().nodes.first { $0.replicaOf == master.name })
            #expect(try daemon.command(["failover", replica.name.text]).exit == 0)
            let keys = try await Redis.fill([replica.port], 100)
            #expect(!keys.isEmpty)
            let written = try await offset("master_repl_offset", of: replica.port)
            #expect(
                await eventually(within: .seconds(5)) {
                    try await offset("slave_repl_offset", of: master.port) >= written
                }, "\(daemon.output.suffix(1000))")
            try await daemon.stop()
        }
    }

    /// The engine elects the same replica again only after four node timeouts: the operation waits for that, and writes
    /// do not.
    @Test(arguments: Engines.all) func aRepeatedFailoverWaitsUntilTheEngineAllowsIt(
        server: String
    ) async throws {
        try await withDaemon { daemon in
            try daemon.up(
                ["--server", server, "--set", "redis.cluster-node-timeout=2000"])
            try await daemon.ready()
            let master = try #require(try masters(daemon).first)
            let replica = try #require(try daemon.status().nodes.first { $0.replicaOf == master.name })
            let writer = ClusterWriter(try daemon.status().nodes.map(\.port))
            await writer.start()
            #expect(try daemon.command(["failover", replica.name.text]).exit == 0)
            #expect(try daemon.command(["failover", master.name.text]).exit == 0)
            let hurried = try daemon.command(["failover", replica.name.text, "--timeout", "1s"])
            #expect(hurried.exit == 124, "\(hurried.errors)")
            #expect(hurried.errors.contains(": the engine refuses a second election"), "\(hurried.errors)")
            let patient = try daemon.command(["failover", replica.name.text])
            #expect(patient.exit == 0, "\(patient.errors)")
            #expect(try daemon.status().nodes.first { $0.name == replica.name }?.role == .master)
            await writer.end()
            let failures = await writer.failures
            #expect(failures == [], "\(failures) \(daemon.output.suffix(1500))")
            try await daemon.stop()
        }
    }
}
