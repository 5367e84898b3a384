import ControlAPI
import Foundation
import Testing

/// The engine of a cluster changes while a client writes. Invariants: lossless-switchover, no-older-master.
@Suite(.serialized) struct EngineChangeTests {
    struct Path: Sendable, CustomTestStringConvertible {
        var engines: [String]
        var testDescription: String { engines.joined(separator: " to ") }
    }

    static let paths = [
        Path(engines: ["redis-6.2", "redis-server", "redis-8.2"]), Path(engines: ["redis-server", "valkey-9.1"]),
    ]

    private static func server(_ name: String) -> String? {
        Engines.all.first { $0 == name || $0.contains("/\(name)/") }
    }

    private func configure(_ daemon: Daemon, _ server: String) throws -> String {
        let path = daemon.home + "/conf.yaml"
        try "engine: {server: \(server)}\n".write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    private func masters(_ daemon: Daemon) throws -> [Int] {
        try daemon.status().nodes.filter { $0.role == .master }.map(\.port)
    }

    private func versions(_ daemon: Daemon) throws -> [String] {
        Set(try daemon.status().nodes.compactMap { $0.engine?.version }).sorted()
    }

    /// A cluster with that engine, and a client that writes to it.
    private func withWriter(
        _ server: String, _ body: (Daemon, ClusterWriter) async throws -> Void
    ) async throws {
        try await withDaemon { daemon in
            try daemon.up(["--config", try configure(daemon, server)])
            try await daemon.ready()
            let writer = ClusterWriter(try daemon.status().nodes.map(\.port))
            await writer.start(lanes: 4)
            #expect(await eventually { await writer.writes > 200 })
            try await body(daemon, writer)
            await writer.end()
            #expect(await writer.failures == [])
            try await daemon.ready()
            #expect(try await writer.lost(on: try masters(daemon)).acknowledged == [])
            try await daemon.stop()
        }
    }

    @Test(arguments: paths) func theEngineChangesWithoutAFailedWrite(_ path: Path) async throws {
        let servers = path.engines.compactMap(Self.server)
        guard servers.count == path.engines.count else { return }
        try await withWriter(servers[0]) { daemon, writer in
            for server in servers.dropFirst() {
                _ = try configure(daemon, server)
                let reload = try daemon.command(["reload"])
                #expect(reload.exit == 0, "\(reload.errors)")
                #expect((reload.output + reload.errors).contains("clusterd rolling-restart --canary"))
                let canary = try daemon.command(["rolling-restart", "--canary", "--timeout", "120s"])
                #expect(canary.exit == 0, "\(canary.errors)")
                #expect(try versions(daemon).count == 2)
                #expect(try !daemon.status().findings.contains { $0.code == "versions-differ" })
                let rest = try daemon.command(["rolling-restart", "--pending", "--timeout", "300s"])
                #expect(rest.exit == 0, "\(rest.errors)")
                try await daemon.ready()
                #expect(try versions(daemon).count == 1)
                let before = await writer.writes
                #expect(await eventually { await writer.writes > before + 100 })
            }
            // The former engine cannot load the files: nothing changes.
            _ = try configure(daemon, servers[0])
            let refused = try daemon.command(["reload"])
            #expect(refused.exit != 0 && refused.errors.contains("cannot read the files"), "\(refused.errors)")
        }
    }

    /// The program works, also as a check of directives, and ends when a node is started with it.
    @Test func anEngineThatDoesNotComeUpEndsTheRollingRestartAndTheNodeGoesBack() async throws {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        let found = folders.map { "\($0)/redis-server" }.first { FileManager.default.isExecutableFile(atPath: $0) }
        let engine = try #require(found, "no redis-server in PATH")
        try await withWriter(engine) { daemon, _ in
            let broken = daemon.home + "/broken"
            let script =
                "#!/bin/sh\ncase \"$1\" in */nodes/*) echo 'cannot start' >&2; exit 1 ;; esac\nexec \(engine) \"$@\"\n"
            try script.write(toFile: broken, atomically: true, encoding: .utf8)
            chmod(broken, 0o755)
            _ = try configure(daemon, broken)
            #expect(try daemon.command(["reload"]).exit == 0)
            let pids = try daemon.status().nodes.map(\.pid)
            let canary = try daemon.command(["rolling-restart", "--canary", "--timeout", "120s"])
            #expect(canary.exit != 0 && canary.errors.contains("starts again with"), "\(canary.errors)")
            try await daemon.ready()
            #expect(zip(pids, try daemon.status().nodes.map(\.pid)).filter { $0 != $1 }.count == 1)
            #expect(try daemon.status().findings.contains { $0.code == "engine-held" })
            _ = try configure(daemon, engine)
            #expect(try daemon.command(["reload"]).exit == 0)
            let isReleased = await eventually {
                try !daemon.status().findings.contains { $0.code == "engine-held" }
            }
            #expect(isReleased)
        }
    }

    /// Nothing is changed by the reload of an engine that rejects a directive.
    @Test func anEngineThatRejectsADirectiveIsRefused() async throws {
        let servers = ["redis-server", "redis-6.2"].compactMap(Self.server)
        guard servers.count == 2 else { return }
        try await withDaemon { daemon in
            let path = daemon.home + "/conf.yaml"
            func write(_ server: String) throws {
                let text = "engine: {server: \(server)}\nredis: {latency-tracking: yes}\n"
                try text.write(toFile: path, atomically: true, encoding: .utf8)
            }
            try write(servers[0])
            try daemon.up(["--masters", "1", "--replicas", "1", "--config", path])
            try await daemon.ready()
            try write(servers[1])
            let refused = try daemon.command(["reload"])
            #expect(refused.exit == 78 && refused.errors.contains("latency-tracking"), "\(refused.errors)")
            try await daemon.stop()
        }
    }
}
