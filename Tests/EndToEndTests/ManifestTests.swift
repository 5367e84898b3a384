import ControlAPI
import Foundation
import Testing

/// The manifest of an append-only file is damaged, and its parts are whole.
@Suite(.serialized) struct ManifestTests {
    private static var engines: [String] { Engines.all.filter { $0 == "redis-server" || $0.contains("valkey") } }

    private func manifest(_ daemon: Daemon, _ index: Int) -> String {
        "\(daemon.data)/nodes/\(daemon.base + index)/appendonlydir/appendonly.aof.manifest"
    }

    @Test(arguments: engines)
    func aMastersManifestIsRebuilt(server: String) async throws {
        let base = "file appendonly.aof.1.base.rdb seq 1 type b\n"
        let doubled = base + base + "file appendonly.aof.1.incr.aof seq 1 type i\n"
        for damage in ["", "# a comment\n", "file appendonly.aof.1.base.rdb seq 1 ty", doubled] {
            try await withDaemon { daemon in
                let options = ["--masters", "1", "--replicas", "0", "--server", server]
                try daemon.up(options)
                try await daemon.ready()
                let keys = try await Redis.fill([daemon.base], 100)
                try await daemon.stop()
                let path = manifest(daemon, 0)
                let whole = try String(contentsOfFile: path, encoding: .utf8)
                try damage.write(toFile: path, atomically: true, encoding: .utf8)
                try daemon.up(options)
                let isOffered = await eventually {
                    try daemon.status().findings.contains { $0.code == "node-down" && $0.hint == "clusterd fix" }
                }
                #expect(isOffered, "\(daemon.output.suffix(1500))")
                #expect(try String(contentsOfFile: path, encoding: .utf8) == damage, "nothing is done unasked")
                let result = try Daemon.run(["fix", "--dir", daemon.data, "--yes"])
                #expect(result.exit == 0, "\(result.errors)")
                try await daemon.ready()
                #expect(try await Redis.missing(keys, on: [daemon.base]) == 0)
                #expect(whole.contains("seq"))
                let kept = try FileManager.default.subpathsOfDirectory(atPath: daemon.data + "/quarantine")
                #expect(kept.contains { $0.hasSuffix("appendonly.aof.manifest") }, "\(kept)")
                try await daemon.stop()
            }
        }
    }

    /// The replica takes over, and the daemon restores the node with its data: the operator has nothing to do.
    @Test func aDetachedStartContinuesWhileAReplicaTakesOver() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let ports = (0..<3).map { daemon.base + $0 }
            let keys = try await Redis.fill(ports, 200)
            try await daemon.stop()
            try "".write(toFile: manifest(daemon, 0), atomically: true, encoding: .utf8)
            let result = try Daemon.run(
                ["up", "--detach", "--dir", daemon.data, "--port", "\(daemon.base)", "--timeout", "60s"])
            let status = try daemon.status()
            let pid = status.cluster.daemon.pid
            defer { kill(pid, SIGKILL) }
            #expect(result.exit == 0, "\(result.errors)")
            #expect(status.cluster.ready && status.nodes.first { $0.port == daemon.base }?.role == .replica)
            let masters = status.nodes.filter { $0.role == .master }.map(\.port)
            #expect(try await Redis.missing(keys, on: masters) == 0)
            #expect(try daemon.command(["stop"]).exit == 0)
        }
    }

    /// `fix` without a daemon: only a daemon starts the nodes, and the output says so.
    @Test func withoutADaemonFixNamesTheStartThatRepairsTheManifest() async throws {
        try await withDaemon { daemon in
            let options = ["--masters", "1", "--replicas", "1"]
            try daemon.up(options)
            try await daemon.ready()
            try await daemon.stop()
            for index in 0...1 {
                let name = daemon.base + index
                let path = "\(daemon.data)/nodes/\(name)/nodes-\(name).conf"
                try "".write(toFile: path, atomically: true, encoding: .utf8)
            }
            let result = try Daemon.run(["fix", "--yes", "--dir", daemon.data])
            #expect(result.exit == 1 && result.output.contains("(slots-unknown)"), "\(result)")
            #expect(
                result.output.contains(
                    "clusterd up --detach --dir \(daemon.data), then clusterd fix --dir \(daemon.data)"))
            try daemon.up()
            #expect(await eventually { try daemon.status().findings.contains { $0.code == "slots-unknown" } })
            #expect(try daemon.command(["fix", "--yes"]).exit == 0)
            try await daemon.ready()
            try await daemon.stop()
        }
    }

    @Test func aReplicaWithAnEmptyManifestSyncsFromItsMaster() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let ports = (0..<3).map { daemon.base + $0 }
            let keys = try await Redis.fill(ports, 200)
            let replica = try #require(try daemon.status().nodes.first { $0.role == .replica })
            let index = replica.port - daemon.base
            try "".write(toFile: manifest(daemon, index), atomically: true, encoding: .utf8)
            kill(try #require(replica.pid), SIGKILL)
            let isBack = await eventually {
                let status = try daemon.status()
                let node = status.nodes.first { $0.name == replica.name }
                return status.cluster.ready && node?.pid != nil && node?.pid != replica.pid
            }
            #expect(isBack, "\(daemon.output.suffix(1500))")
            #expect(try daemon.status().nodes.first { $0.name == replica.name }?.restarts ?? 9 <= 2)
            #expect(try await Redis.missing(keys, on: ports) == 0)
            try await daemon.stop()
        }
    }
}
