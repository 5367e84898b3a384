import ClusterModel
import Testing

private let a = String(repeating: "a", count: 40)
private let b = String(repeating: "b", count: 40)
private let c = String(repeating: "c", count: 40)
private let d = String(repeating: "d", count: 40)
private let vars = "vars currentEpoch 6 lastVoteEpoch 2\n"
private let master = "\(a) 127.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-16383\n"

private func parse(_ text: String) -> Result<NodesFile, NodesFileError> {
    do throws(NodesFileError) { return .success(try NodesFile.parse(Array(text.utf8))) } catch {
        return .failure(error)
    }
}

/// Invariant: slots-kept.
struct NodesFileTests {
    /// As written by redis-server 8.2.3 and Valkey 9.1.2.
    static let withShardIDs = """
        \(a) 127.0.0.1:7000@17000,,tls-port=0,shard-id=\(d) myself,master - 0 0 3 connected 0-5460 5462 [93->-\(b)]
        \(b) ::1:7001@17001,node-b.example,tls-port=0,shard-id=\(c) master - 0 1700000000123 2 connected 5461 5463-16383
        \(c) 127.0.0.1:7002@17002,,tls-port=0,shard-id=\(d) slave,fail? \(a) 5 6 3 disconnected
        \(d) :0@0 slave,fail,noaddr,nofailover - 1 2 0 disconnected
        vars currentEpoch 6 lastVoteEpoch 2

        """

    @Test func everyFieldOfANodesFileIsRead() throws {
        let file = try parse(Self.withShardIDs).get()
        #expect(file.currentEpoch == 6 && file.lastVoteEpoch == 2)
        let (first, second, third, fourth) = (
            file.view.entries[0], file.view.entries[1], file.view.entries[2], file.view.entries[3]
        )
        #expect(file.view.myself == first && file.view.entries.count == 4)
        #expect(first.host == "127.0.0.1" && first.ports == PortPair(client: 7000) && first.hostname == nil)
        #expect(first.auxiliary == [("tls-port", "0"), ("shard-id", d)] && first.shardID?.text == d)
        #expect(first.flags == [.myself, .master] && first.masterID == nil && first.configEpoch == 3)
        #expect(first.slots.texts == ["0-5460", "5462"] && first.linkConnected)
        #expect(
            first.migrating.map(\.slot) == [93] && first.migrating.map(\.node.text) == [b] && first.importing.isEmpty)
        #expect(second.host == "::1" && second.ports == PortPair(client: 7001) && second.hostname == "node-b.example")
        #expect(second.pongReceived == 1_700_000_000_123)
        #expect(third.masterID == first.id && third.flags == [.replica, .pfail] && !third.linkConnected)
        #expect(third.pingSent == 5)
        #expect(fourth.host.isEmpty && fourth.ports.client == 0)
        #expect(fourth.flags == [.replica, .fail, .noaddr, .nofailover])
        #expect(file.view.coveredSlots == .all)
    }

    @Test func theAddressIsWrittenInTheFormatOfEachEngine() throws {
        let file = try parse(Self.withShardIDs).get()
        func lines(_ name: Engine.Name, _ version: EngineVersion) -> [String] {
            String(decoding: file.rendered(for: Engine(name: name, version: version)), as: UTF8.self)
                .split(separator: "\n").map(String.init)
        }
        for engine in [lines(.redis, .init(8, 2, 3)), lines(.redis, .init(7, 2, 0)), lines(.valkey, .init(9, 1, 2))] {
            #expect(engine.joined(separator: "\n") + "\n" == Self.withShardIDs)
        }
        let seven = lines(.redis, .init(7, 0, 15))
        #expect(seven[0].hasPrefix("\(a) 127.0.0.1:7000@17000 myself,master"))
        #expect(seven[1].hasPrefix("\(b) ::1:7001@17001,node-b.example master"))
        let six = lines(.redis, .init(6, 2, 14))
        #expect(six[1].hasPrefix("\(b) ::1:7001@17001 master"))
        #expect(six[4] == "vars currentEpoch 6 lastVoteEpoch 2")
    }

    @Test func aRedisFileHasNoFieldsOfValkey() throws {
        let text =
            "\(a) 10.0.0.1:7000@17000,,availability-zone=z1,shard-id=\(d) myself,master - 0 0 1 connected\n" + vars
        let file = try parse(text).get()
        #expect(file.rendered(for: Engine(name: .valkey, version: .init(9, 1, 2))) == Array(text.utf8))
        let redis = String(decoding: file.rendered(for: Engine(name: .redis, version: .init(8, 2, 3))), as: UTF8.self)
        #expect(redis.hasPrefix("\(a) 10.0.0.1:7000@17000,,shard-id=\(d) myself"))
    }

    @Test func aNodesFileSurvivesARoundTrip() throws {
        let file = try parse(Self.withShardIDs).get()
        let eight = Engine(name: .redis, version: .init(8, 2, 3))
        #expect(try NodesFile.parse(file.rendered(for: eight)) == file)
        let old = try parse(master + "\(b) 127.0.0.1:7001@17001 noflags - 0 0 0 disconnected\n" + vars).get()
        for engine in [eight, Engine(name: .redis, version: .init(6, 2, 14))] {
            #expect(try NodesFile.parse(old.rendered(for: engine)) == old)
        }
    }

    @Test func thePaddingOfAnInPlaceWriteIsTolerated() throws {
        #expect(try parse(master + vars + "\n\n\n\n").get().view.entries.count == 1)
    }

    @Test func everyTruncationIsDetectedExceptBeforeAnOlderEnd() throws {
        let whole = Array(Self.withShardIDs.utf8)
        for length in 0..<whole.count {
            switch parse(String(decoding: whole[..<length], as: UTF8.self)) {
            case .success: Issue.record("a file cut at \(length) was taken for a whole one")
            case .failure(.empty): #expect(length == 0)
            case .failure(.torn): #expect(length > 0)
            case .failure(let error): Issue.record("cut at \(length): \(error)")
            }
        }
    }

    @Test(arguments: [
        ("only newlines", "\n\n\n", "torn 3"),
        ("no vars line", master, "torn 1"),
        ("vars without its end", master + "vars cur", "torn 2"),
        ("NUL bytes", String(repeating: "\0", count: 64), "corrupt 1"),
        ("text", "hello\n", "corrupt 1"),
        ("no myself", "\(a) 127.0.0.1:7000@17000 master - 0 0 1 connected\n" + vars, "corrupt 2"),
        ("two myself", master + "\(b) 127.0.0.1:7001@17001 myself,master - 0 0 1 connected\n" + vars, "corrupt 2"),
        ("seven fields", master + "\(b) 127.0.0.1:7001@17001 master - 0 0 1\n" + vars, "corrupt 2"),
        ("a short id", "\(a.dropLast()) 127.0.0.1:7000@17000 myself,master - 0 0 1 connected\n" + vars, "corrupt 1"),
        ("an upper-case id", master.replacing("aaaa", with: "AAAA") + vars, "corrupt 1"),
        ("an unknown flag", master.replacing("myself", with: "myself,bogus") + vars, "corrupt 1"),
        ("a double id", master + "\(a) 127.0.0.1:7001@17001 master - 0 0 1 connected\n" + vars, "corrupt 2"),
        ("a slot twice", master + "\(b) 127.0.0.1:7001@17001 master - 0 0 1 connected 5\n" + vars, "corrupt 2"),
        ("a slot too high", master.replacing("16383", with: "16384") + vars, "corrupt 1"),
        ("an unknown master", master + "\(b) 127.0.0.1:7001@17001 slave \(c) 0 0 1 connected\n" + vars, "corrupt 2"),
        ("a replica with slots", "\(b) h:7001@17001 slave \(a) 0 0 1 connected 5\n", "corrupt 1"),
        ("itself without a master", "\(a) h:7001@17001 myself,slave - 0 0 1 connected\n" + vars, "corrupt 1"),
        ("both roles", master.replacing("master", with: "master,slave") + vars, "corrupt 1"),
        ("a port too high", master.replacing("7000@", with: "70000@") + vars, "corrupt 1"),
        ("no colon", master.replacing(":", with: ";") + vars, "corrupt 1"),
        ("a wrong link state", master.replacing(" connected", with: " conn") + vars, "corrupt 1"),
        ("a broken aux field", master.replacing("@17000", with: "@17000,,tls-port") + vars, "corrupt 1"),
        ("a broken shard id", master.replacing("@17000", with: "@17000,,shard-id=1") + vars, "corrupt 1"),
        ("half of vars", master + "vars currentEpoch 6\n", "corrupt 2"),
        ("more behind vars", master + vars + "rentEpoch 5 lastVoteEpoch 0\n", "corrupt 3"),
    ])
    func anErrorInANodesFileNamesTheLine(what: String, text: String, expected: String) {
        switch parse(text) {
        case .success: Issue.record("\(what): was taken")
        case .failure(.empty): Issue.record("\(what): empty")
        case .failure(.torn(let line, let why)):
            #expect("torn \(line)" == expected && !why.isEmpty, "\(what)")
        case .failure(.corrupt(let line, let why)):
            #expect("corrupt \(line)" == expected && !why.isEmpty, "\(what): \(why)")
        }
    }

    /// An in-place write that was truncated in its slot list, followed by the rest of the older text: the grammar is
    /// valid, the slot coverage is not.
    @Test func aTruncatedSlotListIsVisibleInTheCoverage() throws {
        let file = try parse(master.replacing("0-16383", with: "0-16") + vars).get()
        #expect(file.view.coveredSlots.count == 17)
    }

    @Test func unknownFieldsOfAReplyAreSkipped() {
        let reply = """
            \(a) 127.0.0.1:7000@17000,host,new=field,odd myself,master,brandnew - 0 0 1 connected 0-5 later [7-<-\(b)]
            this is no node
            \(b) 127.0.0.1:7001@17001 handshake - 0 0 0 disconnected
            """
        let view = NodesView.parse(reply)
        #expect(view.entries.map(\.id.text) == [a, b])
        #expect(view.myself?.flags == [.myself, .master])
        #expect(view.myself?.slots.texts == ["0-5"] && view.myself?.importing.map(\.slot) == [7])
        #expect(view.entries[1].flags == .handshake)
        #expect(NodesView.parse("").entries.isEmpty)
    }

    @Test func arbitraryBytesNeverCrashTheParsers() {
        var random = SplitMix64(seed: 41)
        let whole = Array(Self.withShardIDs.utf8)
        for _ in 0..<4000 {
            let bytes = mutated(whole, &random)
            if let file = try? NodesFile.parse(bytes) {
                let engine = Engine(name: .valkey, version: .init(9, 1, 2))
                #expect(
                    (try? NodesFile.parse(file.rendered(for: engine)))?.view.entries.count == file.view.entries.count)
            }
            _ = NodesView.parse(bytes)
        }
    }
}

/// Changes, removes, duplicates or inserts some bytes.
func mutated(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
    var bytes = bytes
    for _ in 0...Int.random(in: 0...4, using: &random) where !bytes.isEmpty {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        let end = min(bytes.count, at + Int.random(in: 1...60, using: &random))
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.removeSubrange(at..<end)
        case 2: bytes.insert(contentsOf: bytes[at..<end], at: at)
        case 3: bytes.insert(bytes.randomElement(using: &random) ?? 0, at: at)
        default: bytes.removeSubrange(at...)
        }
    }
    return bytes
}
