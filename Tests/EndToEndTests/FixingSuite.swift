import ControlAPI
import Testing

/// Helpers for suites that use `fix` after a change by hand.
protocol FixingSuite {}

extension FixingSuite {
    static var engines: [String] { Engines.all.filter { $0 == "redis-server" || $0.contains("valkey") } }

    func fixed(_ daemon: Daemon, _ codes: Set<String>) async throws {
        let isOffered = await eventually {
            try Set(plan(daemon).repairs.map(\.finding.code)).isSuperset(of: codes)
        }
        let found = try plan(daemon)
        #expect(isOffered, "\(found)")
        let result = try Daemon.run(["fix", "--dir", daemon.data, "--yes"])
        #expect(result.exit == 0, "\(result.errors)")
        try await daemon.ready()
        #expect(await eventually { try plan(daemon).repairs.isEmpty && daemon.command(["check"]).exit == 0 })
    }

    func plan(_ daemon: Daemon) throws -> FixDocument {
        let result = try Daemon.run(["fix", "--dir", daemon.data, "--dry-run", "--json"])
        return try ControlJSON.decode(FixDocument.self, from: Array(result.output.utf8))
    }
}
