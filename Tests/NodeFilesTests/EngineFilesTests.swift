import ClusterModel
import Foundation
import NodeFiles
import Testing

/// Files written by real engines, read by us; and files written by us, read by real engines. Invariant:
/// unknown-is-data.
@Suite(.enabled(if: !RedisServer.programs.isEmpty), .timeLimit(.minutes(2)))
struct EngineFilesTests {
    @Test(arguments: RedisServer.programs)
    func aNodeThatNeverHadAKeyHoldsNoKeys(program: String) async throws {
        let folder = try TemporaryFolder()
        let server = try await RedisServer.start(
            program, in: folder.path, ["--cluster-enabled", "yes", "--appendonly", "yes"])
        try server.call("SAVE")
        server.kill9()
        let facts = directoryFacts(folder.path)
        #expect(!facts.content.holdsKeys && !facts.content.isEmpty, "\(facts.content)")
        #expect(facts.content.dumps.map(\.name) == ["dump.rdb"] && facts.content.others.isEmpty)
        let engine = try RedisServer.engine(program)
        #expect(facts.content.appendOnly?.directoryName == (engine.isSevenOrLater ? "appendonlydir" : nil))
        #expect(facts.content.dumps.first?.header?.engineVersion == engine.version.description)
        guard case .parsed(let file) = facts.nodesFile else { return #expect(Bool(false), "\(facts.nodesFile)") }
        #expect(file.view.entries.count == 1 && file.view.myself != nil && facts.nodesFileName == "nodes.conf")
        #expect(facts.exists && facts.writable && facts.ownerUserID == getuid() && (facts.freeBytes ?? 0) > 0)
    }

    @Test(arguments: RedisServer.programs)
    func aKeyIsFoundInTheDumpAndInTheAppendOnlyFile(program: String) async throws {
        for (options, expectsDump) in [(["--appendonly", "no"], true), (["--appendonly", "yes"], false)] {
            let folder = try TemporaryFolder()
            let server = try await RedisServer.start(program, in: folder.path, options)
            try server.call("SET", "key", "value")
            if expectsDump { try server.call("SAVE") }
            server.kill9()
            let content = directoryFacts(folder.path).content
            #expect(content.holdsKeys)
            #expect(content.dumps.contains { $0.evidence == .keys } == expectsDump)
            #expect(content.appendOnly?.files.contains { $0.evidence == .keys } == (expectsDump ? nil : true))
        }
    }

    @Test(arguments: RedisServer.programs)
    func aFlushedDumpHoldsNoKeysAndAFlushedAppendOnlyFileCountsAsKeys(program: String) async throws {
        let folder = try TemporaryFolder()
        let server = try await RedisServer.start(program, in: folder.path, ["--appendonly", "yes"])
        try server.call("SET", "key", "value")
        try server.call("FLUSHALL")
        try server.call("SAVE")
        server.kill9()
        let content = directoryFacts(folder.path).content
        #expect(content.dumps.map(\.evidence) == [.noKeys])
        #expect(content.holdsKeys)
    }

    @Test(arguments: RedisServer.programs)
    func aDumpWithOnlyAFunctionHoldsData(program: String) async throws {
        guard try RedisServer.engine(program).isSevenOrLater else { return }
        let folder = try TemporaryFolder()
        let server = try await RedisServer.start(program, in: folder.path)
        try server.call("FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function() return 1 end)")
        try server.call("SAVE")
        server.kill9()
        let content = directoryFacts(folder.path).content
        #expect(content.dumps.map(\.evidence) == [.functions] && content.holdsKeys)
    }

    /// The first command in an increment after a start is SELECT. An engine that wrote its only key and lost it by
    /// expiry in a transaction is rare, so the file is truncated after SELECT here.
    @Test(arguments: RedisServer.programs)
    func anAppendOnlyFileWithOnlySelectHoldsNoKeys(program: String) async throws {
        let folder = try TemporaryFolder()
        let server = try await RedisServer.start(
            program, in: folder.path, ["--appendonly", "yes", "--aof-use-rdb-preamble", "no"])
        try server.call("SET", "key", "value")
        server.kill9()
        let before = try #require(directoryFacts(folder.path).content.appendOnly?.files.last)
        let path = "\(folder.path)/\(before.name)"
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let select = Data("*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n".utf8)
        #expect(bytes.starts(with: select) && before.evidence == .keys)
        try select.write(to: URL(fileURLWithPath: path))
        #expect(!directoryFacts(folder.path).content.holdsKeys)
    }

    @Test(arguments: RedisServer.programs)
    func dataUnderOtherNamesAreFound(program: String) async throws {
        let folder = try TemporaryFolder()
        let seven = try RedisServer.engine(program).isSevenOrLater
        let names = ["--dbfilename", "dump-30001.rdb", "--appendfilename", "appendonly-30001.aof"]
        let options = names + (seven ? ["--appenddirname", "appendonlydir-30001"] : [])
        let server = try await RedisServer.start(program, in: folder.path, options + ["--appendonly", "yes"])
        try server.call("SET", "key", "value")
        try server.call("SAVE")
        server.kill9()
        let facts = directoryFacts(folder.path)
        #expect(facts.dataNames.dump == "dump-30001.rdb" && facts.dataNames.appendOnly == "appendonly-30001.aof")
        #expect(facts.content.dumps.map(\.evidence) == [.keys] && facts.content.appendOnly?.trouble == nil)
        #expect(facts.content.appendOnly?.files.isEmpty == false && facts.content.others.isEmpty)
        // With a redis.conf that names other files, the engine would not load them; they are found nevertheless.
        try folder.write("redis.conf", "dbfilename new.rdb\n")
        let other = directoryFacts(folder.path)
        #expect(other.content.dumps.isEmpty && other.content.others.count >= 2 && other.content.holdsKeys)
    }

    @Test(arguments: RedisServer.programs)
    func theEngineStartsInTheClusterOfOurNodesFile(program: String) async throws {
        let engine = try RedisServer.engine(program)
        let folder = try TemporaryFolder()
        var random = SystemRandomNumberGenerator()
        let port = try RedisServer.freePort()
        let planned = plannedFile(port: port, using: &random)
        try writeDurably(planned.rendered(for: engine), to: "\(folder.path)/nodes.conf", mode: 0o600)
        let server = try await RedisServer.start(program, in: folder.path, port: port, ["--cluster-enabled", "yes"])
        defer { server.kill9() }
        let view = NodesView.parse(try server.call("CLUSTER", "NODES"))
        #expect(view.myself?.id == planned.view.myself?.id)
        #expect(Set(view.entries.map(\.id)) == Set(planned.view.entries.map(\.id)))
        for entry in planned.view.entries {
            let seen = try #require(view.entry(entry.id))
            #expect(
                seen.slots == entry.slots && seen.masterID == entry.masterID && seen.configEpoch == entry.configEpoch)
            #expect(seen.ports == entry.ports && (seen.host == entry.host || seen.host.isEmpty))
            #expect(seen.flags.contains(.master) == entry.flags.contains(.master))
            #expect(seen.hostname == (engine.isSevenOrLater ? entry.hostname : nil))
        }
        if engine.knowsShardIDs {
            let own = try server.call("CLUSTER", "MYSHARDID").trimmingCharacters(in: .newlines)
            #expect(own == planned.view.myself?.shardID?.text)
        }
        try server.call("CLUSTER", "SAVECONFIG")
        guard case .parsed(let saved) = directoryFacts(folder.path).nodesFile else { return #expect(Bool(false)) }
        #expect(saved.currentEpoch == 9 && saved.lastVoteEpoch == 8 && saved.view.coveredSlots == .all)
        if engine.knowsShardIDs {
            for entry in planned.view.entries { #expect(saved.view.entry(entry.id)?.shardID == entry.shardID) }
        }
    }

    private func plannedFile(port: Int, using random: inout some RandomNumberGenerator) -> NodesFile {
        let shards = (0..<2).map { _ in NodeID(using: &random) }
        var entries: [NodeEntry] = []
        for (index, host) in ["127.0.0.1", "127.0.0.1", "::1"].enumerated() {
            // No process listens on the peers' ports.
            var entry = NodeEntry(
                id: NodeID(using: &random), host: host, ports: PortPair(client: index == 0 ? port : index))
            entry.flags = index == 2 ? .replica : .master
            entry.masterID = index == 2 ? entries[0].id : nil
            entry.configEpoch = index == 1 ? 9 : 4
            if index < 2 { entry.slots = SlotSet.evenly(among: 2)[index] }
            if index == 1 { entry.hostname = "peer.example" }
            entry.auxiliary = [("tls-port", "0"), ("shard-id", shards[index % 2].text)]
            entries.append(entry)
        }
        entries[0].flags.insert(.myself)
        return NodesFile(view: NodesView(entries: entries), currentEpoch: 9, lastVoteEpoch: 8)
    }
}
