import ControlAPI
import Foundation
import RESP
import Testing

/// clusterd as an ACL user of its own, with exactly the permissions that docs/security.md lists.
@Suite(.serialized) struct LeastPrivilegeTests {
    /// The lines of the document, with these passwords.
    private func documentedUsers() throws -> [String] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: root.appendingPathComponent("docs/security.md"), encoding: .utf8)
        return page.split(separator: "\n").filter { $0.hasPrefix("user ") }.map(String.init)
    }

    /// The commands run on all nodes (with subcommands from Redis 7.0 on), and the rejected ones.
    private actor Watch {
        private(set) var seen: Set<String> = []
        private(set) var refused: Set<String> = []

        func look(_ ports: [Int]) async {
            for port in ports {
                if let log = try? await Redis.send(port, "ACL", "LOG", user: "admin", password: "adm1n") {
                    for entry in log.elements ?? [] {
                        let words = (entry.elements ?? []).map { $0.text ?? "" }
                        if !words.contains("admin") { refused.insert(words.prefix(10).joined(separator: " ")) }
                    }
                }
                let stats = try? await Redis.send(port, "INFO", "commandstats", user: "admin", password: "adm1n")
                for line in (stats?.text ?? "").split(separator: "\r\n") where line.hasPrefix("cmdstat_") {
                    seen.insert(line.dropFirst(8).prefix { $0 != ":" }.lowercased())
                }
            }
        }
    }

    private func ask(_ port: Int, _ words: String...) async throws -> RESPValue {
        try await Redis.send(port, words, user: "admin", password: "adm1n")
    }

    @Test(arguments: Engines.all)
    func aFullLifeCycleNeedsExactlyTheDocumentedCommands(server: String) async throws {
        try await withDaemon { daemon in
            let users = try documentedUsers()
            #expect(users.count == 2)
            let file = daemon.home + "/users.acl"
            let admin = "user admin on >adm1n ~* &* +@all"
            try ((users + [admin, "user default off"]).joined(separator: "\n") + "\n")
                .write(toFile: file, atomically: true, encoding: .utf8)
            for name in ["clusterd", "replica"] {
                try "\(name.uppercased())-PASSWORD\n".write(
                    toFile: "\(daemon.home)/\(name)", atomically: true, encoding: .utf8)
            }
            let conf = daemon.home + "/conf.yaml"
            func configure(_ memory: String) throws {
                try """
                engine: {auth-user: clusterd, auth-pass: {file: \(daemon.home)/clusterd}}
                redis:
                  aclfile: \(file)
                  masteruser: replica
                  masterauth: {file: \(daemon.home)/replica}
                  cluster-node-timeout: 5000
                  maxmemory: \(memory)
                """.write(toFile: conf, atomically: true, encoding: .utf8)
            }
            try configure("100mb")
            try daemon.up(["--server", server, "--config", conf])
            try await daemon.ready()
            let ports = try daemon.status().nodes.map(\.port)
            let watch = Watch()
            let watching = Task {
                await eventually(within: .seconds(600)) {
                    await watch.look(ports)
                    return Task.isCancelled
                }
            }
            defer { watching.cancel() }

            // A master that dies, a hand-over, a restart of every node, another configuration.
            try await daemon.loseAMaster()
            await watch.look(ports)
            let master = try #require(try daemon.status().nodes.first { $0.role == .master })
            let restart = try daemon.command(["restart-node", master.name.text])
            #expect(restart.exit == 0, "\(restart.errors)")
            await watch.look(ports)
            let rolling = try daemon.command(["rolling-restart"])
            #expect(rolling.exit == 0, "\(rolling.errors)")
            try configure("200mb")
            #expect(try daemon.command(["reload"]).exit == 0)
            #expect(try await ask(ports[0], "CONFIG", "GET", "maxmemory").elements?.last?.text == "209715200")
            await watch.look(ports)
            try await damageAndRepair(daemon, server)
            #expect(try daemon.command(["check"]).exit == 0)
            await watch.look(ports)

            // No command is rejected, and no listed command is unused: except for a node's shutdown, after which it
            // reports nothing, a save after a full disk, commands for 6.2 only, and slots of Valkey. SETSLOT, REPLICATE
            // and MEET are also used by the test itself.
            #expect(await watch.refused == [])
            if !server.contains("redis-6.2") {
                let granted = users.joined(separator: " ").split(separator: " ").filter { $0.hasPrefix("+") }
                    .map { $0.dropFirst().lowercased() }
                let seen = await watch.seen
                let unused =
                    ["shutdown", "bgsave", "client|unpause"] + (server.contains("valkey") ? ["cluster|addslots"] : [])
                #expect(granted.filter { !seen.contains($0) } == unused)
            }
            let call = try Daemon.run(["call", "--socket", daemon.data + "/control.sock", "DBSIZE"])
            #expect(
                call.exit == 1 && call.output.contains("NOPERM"),
                "commands of the operator are not permitted to clusterd")
            #expect(!daemon.output.contains("PASSWORD"))
            try await daemon.stop()
        }
    }

    private func damageAndRepair(_ daemon: Daemon, _ server: String) async throws {
        let masters = try daemon.status().nodes.filter { $0.role == .master }.sorted { $0.port < $1.port }
        let slots = masters.compactMap { $0.slots.first?.split(separator: "-").first.flatMap { Int($0) } }
        let (first, second) = (masters[0], masters[1])
        let (one, two) = (try #require(first.id).text, try #require(second.id).text)
        // The other Valkey nodes forget the owner of a slot within seconds, and then it has none.
        let isKept = !server.contains("valkey")
        if isKept { _ = try await ask(first.port, "CLUSTER", "DELSLOTS", "\(slots[0])") }
        _ = try await ask(first.port, "CLUSTER", "SETSLOT", "\(slots[0] + 1)", "MIGRATING", two)
        _ = try await ask(second.port, "CLUSTER", "SETSLOT", "\(slots[0] + 1)", "IMPORTING", one)
        let replica = try #require(try daemon.status().nodes.first { $0.replicaOf == first.name })
        _ = try await ask(replica.port, "CLUSTER", "REPLICATE", two)
        try await repair(daemon, Set((isKept ? ["slots-uncovered"] : []) + ["slot-open", "replica-misplaced"]))

        let stranger = try await Stranger(beside: daemon, server: server)
        _ = try await ask(first.port, "CLUSTER", "MEET", "127.0.0.1", "\(stranger.port)")
        #expect(await eventually { try daemon.status().findings.contains { $0.code == "foreign-node" } })
        stranger.end()
        try await repair(daemon, ["ghost-node"])
    }

    private func repair(_ daemon: Daemon, _ codes: Set<String>) async throws {
        func found() throws -> Set<String> {
            let plan = try Daemon.run(["fix", "--dir", daemon.data, "--dry-run", "--json"])
            return Set(
                try ControlJSON.decode(FixDocument.self, from: Array(plan.output.utf8)).repairs.map(\.finding.code))
        }
        #expect(await eventually { try found() == codes }, "\(codes)")
        let fix = try Daemon.run(["fix", "--dir", daemon.data, "--yes"])
        #expect(fix.exit == 0, "\(fix.errors)")
        #expect(await eventually { try found().isEmpty && daemon.status().cluster.ready })
    }
}
