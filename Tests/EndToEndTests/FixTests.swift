import ControlAPI
import Foundation
import ProcessSupervision
import Testing

/// Problems that need the operator, repaired by `fix` on real engines. Invariants: confirmed-repair, no-merge,
/// idle-folder.
@Suite(.serialized) struct FixTests {
    private func fix(_ daemon: Daemon, _ arguments: String...) throws -> (
        exit: Int32, output: String, errors: String
    ) {
        try Daemon.run(["fix", "--dir", daemon.data] + arguments)
    }

    private func plan(_ daemon: Daemon, _ arguments: String...) throws -> FixDocument {
        let result = try Daemon.run(["fix", "--dir", daemon.data, "--dry-run", "--json"] + arguments)
        return try ControlJSON.decode(FixDocument.self, from: Array(result.output.utf8))
    }

    private func quarantine(_ daemon: Daemon) throws -> QuarantineDocument {
        let result = try Daemon.run(["quarantine", "list", "--json", "--dir", daemon.data])
        #expect(result.exit == 0, "\(result.errors)")
        return try ControlJSON.decode(QuarantineDocument.self, from: Array(result.output.utf8))
    }

    private func folder(_ daemon: Daemon, _ index: Int) -> String { "\(daemon.data)/nodes/\(daemon.base + index)" }

    /// A standalone server in a node's folder, which takes keys and exits.
    private func live(alone folder: String, port: Int, keys: [String]) async throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let server = Process()
        server.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        server.arguments = [
            "redis-server", "--port", "\(port)", "--cluster-enabled", "yes", "--cluster-config-file",
            "nodes-\(port).conf", "--dir", folder, "--appendonly", "yes", "--appendfsync", "always", "--save", "",
        ]
        server.standardOutput = FileHandle.nullDevice
        try server.run()
        defer {
            kill(server.processIdentifier, SIGKILL)
            #expect(ProcessWatch.wait(for: server.processIdentifier, limit: .seconds(20)))
        }
        #expect(await eventually { try await Redis.send(port, "PING") == .simple("PONG") })
        _ = try await Redis.send(port, "CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        for key in keys {
            #expect(await eventually { try await Redis.send(port, "SET", key, "value") == .simple("OK") })
        }
    }

    private func empty(_ folder: String) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
    }

    @Test func fixMovesALoneNodeWithKeysOutOfAMembersPlace() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let ids = try daemon.status().nodes.map(\.id)
            let keys = try await Redis.fill((0..<3).map { daemon.base + $0 }, 300)
            try await daemon.stop()
            let place = folder(daemon, 5)
            try empty(place)
            try await live(alone: place, port: daemon.base + 5, keys: ["lonely-1", "lonely-2"])
            try daemon.up()
            #expect(await eventually { try daemon.status().findings.contains { $0.code == "standalone-with-keys" } })
            #expect(try daemon.command(["check"]).output.contains("     clusterd fix\n"))

            let plan = try plan(daemon)
            #expect(plan.repairs.map(\.id) == ["set-aside \(place)"])
            #expect(plan.repairs.first?.keys?.count == 2)
            #expect(plan.repairs.first?.keys?.names == ["lonely-1", "lonely-2"])
            let refused = try fix(daemon)
            #expect(refused.exit == 4 && refused.errors.contains("clusterd fix --yes"))
            #expect(refused.output.contains("2 keys (lonely-1, lonely-2)"))
            #expect(try fix(daemon, "7999").exit == 64)
            let other = try fix(daemon, "\(daemon.base)", "--yes")
            #expect(other.exit == 0 && other.output == "nothing to fix\n", "\(other.errors)")

            let done = try fix(daemon, "--yes", "\(daemon.base + 5)")
            #expect(done.exit == 0, "\(done.errors)")
            try await daemon.ready()
            #expect(try daemon.status().nodes.map(\.id) == ids)
            #expect(try await Redis.missing(keys, on: (0..<3).map { daemon.base + $0 }) == 0)
            #expect(try fix(daemon).output == "nothing to fix\n")

            let kept = try #require(try quarantine(daemon).folders.last)
            #expect(kept.node?.text == "\(daemon.base + 5)" && kept.keys?.count == 2)
            #expect(kept.why?.contains("of a node that knows no other node") == true)
            // As described in the note: a server reads them from a copy.
            let copy = daemon.home + "/copy"
            try FileManager.default.copyItem(atPath: "\(daemon.data)/quarantine/\(kept.id)", toPath: copy)
            let reader = Process()
            reader.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            reader.arguments = [
                "redis-server", "--port", "\(daemon.base + 8)", "--appendonly", "yes", "--dir", copy, "--save", "",
            ]
            reader.standardOutput = FileHandle.nullDevice
            try reader.run()
            defer {
                kill(reader.processIdentifier, SIGKILL)
                #expect(ProcessWatch.wait(for: reader.processIdentifier, limit: .seconds(20)))
            }
            #expect(await eventually { try await Redis.send(daemon.base + 8, "GET", "lonely-1").text == "value" })

            let asked = try Daemon.run(["quarantine", "remove", kept.id, "--dir", daemon.data])
            #expect(asked.exit == 4 && asked.errors.contains("clusterd quarantine remove \(kept.id) --yes"))
            #expect(try quarantine(daemon).folders.contains { $0.id == kept.id })
            #expect(try Daemon.run(["quarantine", "remove", kept.id, "--yes", "--dir", daemon.data]).exit == 0)
            #expect(try Daemon.run(["quarantine", "remove", kept.id, "--yes", "--dir", daemon.data]).exit == 64)
            #expect(!FileManager.default.fileExists(atPath: "\(daemon.data)/quarantine/\(kept.id)"))
            #expect(
                await eventually { try daemon.command(["events"]).output.contains("deletes quarantine/\(kept.id)") })
            try await daemon.stop()
        }
    }

    @Test func fixMovesCopiedFolders() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let keys = try await Redis.fill((0..<3).map { daemon.base + $0 }, 300)
            try await daemon.stop()
            // One in the place of a replica, and one beside.
            try FileManager.default.removeItem(atPath: folder(daemon, 4))
            try FileManager.default.copyItem(atPath: folder(daemon, 0), toPath: folder(daemon, 4))
            try FileManager.default.copyItem(atPath: folder(daemon, 1), toPath: daemon.data + "/nodes/old")
            try daemon.up()
            #expect(await eventually { try plan(daemon).repairs.count == 2 })
            #expect(Set(try plan(daemon).repairs.map(\.finding.code)) == ["directory-copied"])
            #expect(try fix(daemon, "--yes").exit == 0)
            try await daemon.ready()
            #expect(try await Redis.missing(keys, on: (0..<3).map { daemon.base + $0 }) == 0)
            #expect(!FileManager.default.fileExists(atPath: daemon.data + "/nodes/old"))
            #expect(try quarantine(daemon).folders.count { $0.keys != nil } == 2)
            try await daemon.stop()
        }
    }

    @Test func fixWithoutADaemonChoosesOneOfTwoClusters() async throws {
        try await withDaemon { daemon in
            let ports = [daemon.base, daemon.base + 7]
            for port in ports { try await live(alone: "\(daemon.data)/\(port)", port: port, keys: ["of-\(port)"]) }
            try daemon.up(["--masters", "1", "--replicas", "0"])
            #expect(await daemon.ended() == 4)
            #expect(daemon.output.contains("clusterd fix --dir \(daemon.data) --keep \(ports[0])"))

            let undecided = try fix(daemon, "--yes")
            #expect(undecided.exit == 4 && undecided.errors.contains("clusterd fix --keep \(ports[1])"))
            let plan = try plan(daemon, "--keep", "\(ports[1])")
            #expect(plan.repairs.map(\.finding.code) == ["two-clusters"])
            #expect(plan.repairs.first?.keys?.names == ["of-\(ports[0])"])
            #expect(FileManager.default.fileExists(atPath: "\(daemon.data)/\(ports[0])/nodes-\(ports[0]).conf"))
            let done = try fix(daemon, "--keep", "\(ports[1])", "--yes")
            #expect(done.exit == 0, "\(done.errors)")
            #expect(!FileManager.default.fileExists(atPath: "\(daemon.data)/\(ports[0])"))
            #expect(try quarantine(daemon).folders.map(\.keys?.names) == [["of-\(ports[0])"]])

            try daemon.up(["--masters", "1", "--replicas", "0"])
            try await daemon.ready()
            #expect(try await Redis.send(ports[1], "GET", "of-\(ports[1])").text == "value")
            try await daemon.stop()
            // A folder in quarantine can be deleted without a daemon.
            let held = try #require(try quarantine(daemon).folders.first)
            let young = try Daemon.run(["quarantine", "remove", "--older-than", "1h", "--yes", "--dir", daemon.data])
            #expect(young.exit == 0 && young.errors.contains("no folder in"))
            let gone = try Daemon.run(["quarantine", "remove", "--older-than", "0s", "--yes", "--dir", daemon.data])
            #expect(gone.exit == 0 && gone.output == "deleted   \(held.id)\n", "\(gone.errors)")
            #expect(try quarantine(daemon).folders.isEmpty)
        }
    }

    @Test func aRunningDaemonPreventsAnOfflineFix() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "0"])
            try await daemon.ready()
            let copy = daemon.data + "/nodes/old"
            try FileManager.default.copyItem(atPath: folder(daemon, 0), toPath: copy)
            try FileManager.default.removeItem(atPath: daemon.data + "/control.sock")
            let result = try fix(daemon, "--yes")
            #expect(result.exit == 1 && result.errors.contains("a clusterd runs in"))
            #expect(FileManager.default.fileExists(atPath: copy))
            #expect(try Daemon.run(["fix", "--dir", daemon.home + "/nowhere"]).exit == 3)
            try await daemon.stop()
        }
    }

    /// One of them has another value at the owner.
    @Test func keysOfAnotherNodesSlotReturn() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "3", "--replicas", "0"])
            try await daemon.ready()
            let masters = try daemon.status().nodes.sorted { $0.port < $1.port }
            let owner = try #require(masters[0].id).text
            let key = try #require(try await Redis.fill([masters[0].port], 20).first)
            guard case .integer(let slot) = try await Redis.send(masters[0].port, "CLUSTER", "KEYSLOT", key) else {
                return
            }
            _ = try await Redis.send(masters[1].port, "CLUSTER", "SETSLOT", "\(slot)", "IMPORTING", owner)
            #expect(try await Redis.asking(masters[1].port, "SET", "{\(key)}2", "value") == .simple("OK"))
            #expect(try await Redis.asking(masters[1].port, "SET", key, "other") == .simple("OK"))
            _ = try await Redis.send(masters[1].port, "CLUSTER", "SETSLOT", "\(slot)", "STABLE")
            func repairs() throws -> [RepairDocument] {
                let result = try Daemon.run(["fix", "--dir", daemon.data, "--dry-run", "--json"])
                return try ControlJSON.decode(FixDocument.self, from: Array(result.output.utf8)).repairs
            }
            #expect(await eventually { try repairs().map(\.finding.code) == ["keys-misplaced"] })
            let result = try Daemon.run(["fix", "--dir", daemon.data, "--yes"])
            #expect(result.exit == 0, "\(result.errors)")
            #expect(try repairs().isEmpty)
            #expect(try await Redis.send(masters[0].port, "GET", key).text == "value", "the value of the owner")
            #expect(try await Redis.send(masters[0].port, "GET", "{\(key)}2").text == "value")
            #expect(try await Redis.send(masters[1].port, "CLUSTER", "COUNTKEYSINSLOT", "\(slot)") == .integer(0))
            let list = try Daemon.run(["quarantine", "list", "--dir", daemon.data])
            #expect(list.output.contains("held before clusterd moved"), "\(list.output)")
            try await daemon.stop()
        }
    }
}
