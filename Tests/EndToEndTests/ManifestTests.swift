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
        for damage in ["", "# a comment\n", "file appendonly.aof.1.base.rdb seq 1 ty"] {
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

    @Test func aReplicaWithAnEmptyManifestTakesAFreshCopy() async throws {
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
