import ControlAPI
import Foundation
import Testing

/// clusterd beside `redis-cli --cluster`: the same damage on two clusters, of which each tool repairs one, and redis-cli's
/// `check` judges both. docs/redis-cli-parity.md cites these tests.
@Suite(.serialized) struct ParityTests: FixingSuite {
    /// What is done to a slot that holds a key.
    enum Damage: CaseIterable {
        /// Its owner is migrating it, and the other master is importing it; no key has moved.
        case halfMoved
        case onlyMigrating
        case onlyImporting
        /// The same as `halfMoved` and `onlyImporting`, and the importing node has a key of the slot.
        case halfMovedWithKeys
        case onlyImportingWithKeys
        /// `CLUSTER DELSLOTS` on every node.
        case released
        /// The same, and the other master has a key of the slot as well.
        case releasedWithKeysOnTwo

        var isMigrating: Bool { self == .halfMoved || self == .onlyMigrating || self == .halfMovedWithKeys }
        var isImporting: Bool { !isReleased && self != .onlyMigrating }
        var isReleased: Bool { self == .released || self == .releasedWithKeysOnTwo }
        var hasKeys: Bool { self == .halfMovedWithKeys || self == .onlyImportingWithKeys }

        var code: String { isReleased ? "slots-uncovered" : "slot-open" }
    }

    /// A cluster with keys, and the damage that a test does to it.
    private struct TestCluster {
        var nodes: [NodeDocument]
        var keys: [String]
        /// Its slot is the damaged one.
        var first: String
        var slot: Int

        var ports: [Int] { nodes.map(\.port) }

        init(_ daemon: Daemon) async throws {
            let nodes = try daemon.status().nodes.sorted { $0.port < $1.port }
            let keys = try await Redis.fill((0..<3).map { daemon.base + $0 }, 200)
            // The first keys are those that the first node accepted: it is the owner of their slots.
            let key = try #require(keys.first)
            guard case .integer(let slot) = try await Redis.send(daemon.base, "CLUSTER", "KEYSLOT", key) else {
                throw NoSlot()
            }
            self.nodes = nodes
            self.keys = keys
            first = key
            self.slot = Int(slot)
        }

        mutating func apply(_ damage: Damage) async throws {
            let owner = try #require(nodes[0].id).text
            let other = try #require(nodes[1].id).text
            if damage.isMigrating {
                _ = try await Redis.send(ports[0], "CLUSTER", "SETSLOT", "\(slot)", "MIGRATING", other)
            }
            if damage.isImporting {
                _ = try await Redis.send(ports[1], "CLUSTER", "SETSLOT", "\(slot)", "IMPORTING", owner)
            }
            if damage.hasKeys {
                #expect(try await Redis.asking(ports[1], "SET", "{\(first)}moved", "value") == .simple("OK"))
                keys.append("{\(first)}moved")
            }
            if damage == .releasedWithKeysOnTwo {
                _ = try await Redis.send(ports[1], "CLUSTER", "SETSLOT", "\(slot)", "IMPORTING", owner)
                #expect(try await Redis.asking(ports[1], "SET", "{\(first)}moved", "value") == .simple("OK"))
                _ = try await Redis.send(ports[1], "CLUSTER", "SETSLOT", "\(slot)", "STABLE")
                keys.append("{\(first)}moved")
            }
            if damage.isReleased {
                for port in ports { _ = try await Redis.send(port, "CLUSTER", "DELSLOTS", "\(slot)") }
            }
        }

        private struct NoSlot: Error {}
    }

    /// Runs `redis-cli --cluster` until it exits, and confirms what it asks: in 7.0 `--cluster-yes` does not answer
    /// the questions about slots without an owner.
    private func redisCLI(_ words: String...) throws -> (exit: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["redis-cli", "--cluster"] + words
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        input.fileHandleForWriting.write(Data("yes\nyes\nyes\n".utf8))
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        input.fileHandleForWriting.closeFile()
        return (process.terminationStatus, text)
    }

    private func judged(_ daemon: Daemon) throws -> (exit: Int32, output: String) {
        try redisCLI("check", "127.0.0.1:\(daemon.base)")
    }

    /// Nodes learn of a repair by gossip.
    private func expectWhole(_ daemon: Daemon, _ cluster: TestCluster) async throws {
        var last = ""
        let isWhole = await eventually(every: .milliseconds(200)) {
            let verdict = try judged(daemon)
            last = verdict.output
            return verdict.exit == 0
        }
        #expect(isWhole, "\(last)")
        #expect(try await Redis.missing(cluster.keys, on: cluster.ports) == 0)
    }

    @Test(arguments: Damage.allCases)
    func clusterdRepairsWhatRedisCLIReports(damage: Damage) async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            var cluster = try await TestCluster(daemon)
            #expect(try judged(daemon).exit == 0)
            #expect(try daemon.command(["check"]).exit == 0)
            try await cluster.apply(damage)
            #expect(try judged(daemon).exit == 1)
            #expect(await eventually { try daemon.command(["check"]).exit == 1 })
            try await fixed(daemon, [damage.code])
            try await expectWhole(daemon, cluster)
            try await daemon.stop()
        }
    }

    /// The same on a cluster without a daemon; the next daemon has nothing to add.
    @Test(arguments: Damage.allCases)
    func clusterdAcceptsWhatRedisCLIRepaired(damage: Damage) async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            var cluster = try await TestCluster(daemon)
            #expect(try daemon.command(["detach"]).exit == 0)
            #expect(await daemon.ended() == 0)
            try await cluster.apply(damage)
            #expect(try judged(daemon).exit == 1)
            // Right after the damage, nodes may still disagree, and redis-cli gives up.
            let isFixed = await eventually(every: .milliseconds(500)) {
                _ = try redisCLI("fix", "127.0.0.1:\(daemon.base)")
                return try judged(daemon).exit == 0
            }
            #expect(isFixed)
            try await expectWhole(daemon, cluster)
            try daemon.up()
            try await daemon.ready()
            #expect(await eventually { try plan(daemon).repairs.isEmpty && daemon.command(["check"]).exit == 0 })
            #expect(try await Redis.missing(cluster.keys, on: cluster.ports) == 0)
            try await daemon.stop()
        }
    }

    /// redis-cli looks at slots alone.
    @Test func checkReportsAStoppedReplicaAndRedisCLIDoesNot() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let replica = try #require(try daemon.status().nodes.first { $0.role == .replica })
            #expect(try daemon.command(["stop-node", replica.name.text]).exit == 0)
            #expect(try judged(daemon).exit == 0)
            let isReported = await eventually {
                let result = try daemon.command(["check", "--json"])
                let document = try ControlJSON.decode(CheckDocument.self, from: Array(result.output.utf8))
                return document.findings.contains { $0.code == "node-stopped" && $0.node == replica.name }
            }
            #expect(isReported)
            try await daemon.stop()
        }
    }

    /// Both tools import the same server, with an hour to live on one key.
    @Test func bothToolsImportTheSameKeys() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--replicas", "0"])
            let other = try Daemon()
            defer { other.cleanUp() }
            try other.up(["--replicas", "0"])
            let source = try await Standalone(beside: daemon)
            defer { source.end() }
            try await CopiedKeys.fill([source.port])
            try await daemon.ready()
            try await other.ready()
            let mine = try daemon.command(["import", source.address])
            #expect(mine.exit == 0, "\(mine.errors)")
            let theirs = try redisCLI(
                "import", "127.0.0.1:\(other.base)", "--cluster-from", "127.0.0.1:\(source.port)", "--cluster-copy")
            #expect(theirs.exit == 0, "\(theirs.output)")
            let held = try await CopiedKeys.contents(daemon.masterPorts())
            #expect(try await CopiedKeys.names(other.masterPorts()) == Set(held.keys))
            #expect(try await CopiedKeys.contents([source.port]) == held)
            try await other.stop()
            try await daemon.stop()
        }
    }

    @Test func statusHasTheFiguresOfRedisCLIInfo() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let keys = try await Redis.fill((0..<3).map { daemon.base + $0 }, 300)
            var info = ""
            let isSame = await eventually {
                let nodes = try daemon.status().nodes
                info = try redisCLI("info", "127.0.0.1:\(daemon.base)").output
                let lines = info.split(separator: "\n").map(String.init)
                var total = 0
                for master in nodes where master.role == .master {
                    let held = Int(master.keys ?? 0)
                    let replicas = nodes.count { $0.replicaOf == master.name }
                    let figures = "-> \(held) keys | \(slots(of: master)) slots | \(replicas) "
                    guard lines.contains(where: { $0.contains(":\(master.port) ") && $0.contains(figures) }) else {
                        return false
                    }
                    total += held
                }
                return total == keys.count
            }
            #expect(isSame, "\(info)")
            try await daemon.stop()
        }
    }

    private func slots(of node: NodeDocument) -> Int {
        node.slots.reduce(0) { sum, range in
            let ends = range.split(separator: "-").compactMap { Int($0) }
            guard let first = ends.first, let last = ends.last else { return sum }
            return sum + last - first + 1
        }
    }

    /// `redis-cli --cluster set-timeout`.
    @Test func aReloadSetsTheNodeTimeoutOfEveryNodeAcrossRestarts() async throws {
        try await withDaemon { daemon in
            let conf = daemon.home + "/conf.yaml"
            func configure(_ timeout: Int) throws {
                try "redis: {cluster-node-timeout: \(timeout)}\n".write(
                    toFile: conf, atomically: true, encoding: .utf8)
            }
            func timeout(of port: Int) async throws -> String? {
                try await Redis.send(port, "CONFIG", "GET", "cluster-node-timeout").elements?.last?.text
            }
            try configure(4000)
            try daemon.up(["--config", conf])
            try await daemon.ready()
            try configure(6000)
            #expect(try daemon.command(["reload"]).exit == 0)
            let nodes = try daemon.status().nodes
            for node in nodes { #expect(try await timeout(of: node.port) == "6000") }
            let replica = try #require(nodes.first { $0.role == .replica })
            #expect(try daemon.command(["restart-node", replica.name.text]).exit == 0)
            #expect(try await timeout(of: replica.port) == "6000")
            try await daemon.stop()
        }
    }
}
