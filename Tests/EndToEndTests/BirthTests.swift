import Foundation
import Testing

/// Masters that take their slots over from ghosts, at the birth of a cluster and at a start over data, and what becomes of it if clusterd is
/// killed on the way.
@Suite(.serialized) struct BirthTests {
    /// What has happened when clusterd is killed.
    enum Step: CaseIterable, Sendable {
        case planned, formed, firstTakeover, lastTakeover, ghostsForgotten
    }

    @Test(arguments: Step.allCases, [false, true])
    func aClusterIsBornWholeAlthoughClusterdIsKilled(at step: Step, withItsNodes: Bool) async throws {
        try await withDaemon { daemon in
            let ports = Array(daemon.base..<daemon.base + 3)
            try daemon.up()
            let isThere = await eventually(every: .milliseconds(2)) { try await Self.has(step, daemon, ports) }
            #expect(isThere, "\(daemon.output.suffix(800))")
            // A client that does not wait for ready, and may be refused.
            var kept: [String] = []
            for port in ports { kept += (try? await Redis.fill([port], 10, prefix: "early-\(port)-")) ?? [] }
            kill(daemon.process.processIdentifier, SIGKILL)
            if withItsNodes { for pid in daemon.nodePIDs() { kill(pid, SIGKILL) } }
            _ = await daemon.ended()

            try await daemon.up().ready()
            for port in daemon.base..<daemon.base + 6 {
                let info = try await Redis.send(port, "CLUSTER", "INFO").text ?? ""
                #expect(info.contains("cluster_known_nodes:6\r\n"), "\(info)")
                #expect(info.contains("cluster_slots_ok:16384"), "\(info)")
            }
            let missing = try await Redis.missing(kept, on: Array(daemon.base..<daemon.base + 6))
            #expect(missing == 0, "of \(kept.count)")
            #expect(try daemon.command(["check"]).exit == 0)
            try await daemon.stop()
        }
    }

    /// Invariant: slots-kept. A start over data goes the same way.
    @Test(arguments: [Step.formed, .firstTakeover, .lastTakeover, .ghostsForgotten], [false, true])
    func aStartOverDataKeepsEveryKeyAlthoughClusterdIsKilled(at step: Step, withItsNodes: Bool) async throws {
        try await withDaemon { daemon in
            let all = Array(daemon.base..<daemon.base + 6)
            let ports = Array(all.prefix(3))
            try await daemon.up().ready()
            let kept = try await Redis.fill(ports, 300)
            try await daemon.stop()

            try daemon.up()
            let isThere = await eventually(every: .milliseconds(2)) { try await Self.has(step, daemon, ports) }
            #expect(isThere, "\(daemon.output.suffix(800))")
            kill(daemon.process.processIdentifier, SIGKILL)
            if withItsNodes { for pid in daemon.nodePIDs() { kill(pid, SIGKILL) } }
            _ = await daemon.ended()

            try await daemon.up().ready()
            for port in all {
                let info = try await Redis.send(port, "CLUSTER", "INFO").text ?? ""
                #expect(
                    info.contains("cluster_known_nodes:6\r\n") && info.contains("cluster_slots_ok:16384"), "\(info)")
            }
            #expect(await Self.masters(ports) == 3)
            let missing = try await Redis.missing(kept, on: all)
            #expect(missing == 0, "of \(kept.count)")
            #expect(try daemon.command(["check"]).exit == 0)
            try await daemon.stop()
        }
    }

    private static func has(_ step: Step, _ daemon: Daemon, _ ports: [Int]) async throws -> Bool {
        let record = (try? String(contentsOfFile: daemon.data + "/state.json", encoding: .utf8)) ?? ""
        let isFormed = record.contains("formed")
        let hasGhosts = record.filter { !$0.isWhitespace }.contains("\"ghosts\":true")
        switch step {
        case .planned: return record.contains("planned") || isFormed
        case .formed: return isFormed && hasGhosts
        case .firstTakeover: return await masters(ports) > 0
        case .lastTakeover: return await masters(ports) == 3
        case .ghostsForgotten: return isFormed && !hasGhosts
        }
    }

    private static func masters(_ ports: [Int]) async -> Int {
        var count = 0
        for port in ports {
            let info = try? await Redis.send(port, "INFO", "replication").text
            if info?.contains("role:master") == true { count += 1 }
        }
        return count
    }

    /// An access list may forbid the commands of a takeover.
    @Test func aClusterWithAnAccessListFormsWithoutGhosts() async throws {
        try await withDaemon { daemon in
            let conf = daemon.home + "/conf.yaml"
            try """
            redis:
              user: "default on nopass ~* &* +@all"
            """.write(toFile: conf, atomically: true, encoding: .utf8)
            try daemon.up(["--config", "conf.yaml"])
            try await daemon.ready()
            try await daemon.stop()
        }
    }
}
