import ClusterModel
import Testing

@testable import clusterd

/// The pure parts of `restore` and `import`.
@Suite struct KeyCopyTests {
    private func master(_ slots: ClosedRange<Int>, keys: Int64 = 0, used: Int64 = 0, most: Int64 = 0) -> TargetMaster {
        TargetMaster(name: "7000", slots: SlotSet(slots), keys: keys, usedMemory: used, maxMemory: most)
    }

    @Test func batchesHaveAboutFourMegabytes() {
        var size = BatchSize()
        size.adapt(keys: 16, bytes: 160)
        #expect(size.keys == 64)
        size.adapt(keys: 64, bytes: 64 << 20)
        #expect(size.keys == 4)
        size.adapt(keys: 4, bytes: 400 << 20)
        #expect(size.keys == 1)
        for _ in 0..<10 { size.adapt(keys: size.keys, bytes: 1) }
        #expect(size.keys == BatchSize.most)
        size.adapt(keys: 0, bytes: 0)
        #expect(size.keys == BatchSize.most)
    }

    @Test func aCopyIntoAClusterThatIsNotEmptyIsRefused() {
        let masters = [master(0...8191), master(8192...16383, keys: 3)]
        #expect(TargetRefusal.of(masters, needed: 1, replacing: false) == .holdsKeys("7000", 3))
        #expect(TargetRefusal.of(masters, needed: 1, replacing: true) == nil)
        var other = master(0...16383)
        other.otherDatabases = [5: 2]
        #expect(TargetRefusal.of([other], needed: 1, replacing: false) == .holdsKeys("7000", 2))
        other.otherDatabases = [:]
        other.hasFunctions = true
        #expect(TargetRefusal.of([other], needed: 1, replacing: false) == .holdsFunctions("7000"))
    }

    @Test func aCopyWithoutRoomOrWithoutAMasterIsRefused() {
        #expect(TargetRefusal.of([master(0...99)], needed: 1, replacing: false) == .notServing(covered: 100))
        let small = master(0...8191, used: 60, most: 100)
        let full = master(8192...16383, used: 120, most: 100)
        #expect(TargetRefusal.of([small, full], needed: 41, replacing: false) == .tooSmall(needed: 41, free: 40))
        #expect(TargetRefusal.of([small, full], needed: 40, replacing: false) == nil)
        #expect(TargetRefusal.of([small, master(8192...16383)], needed: 1 << 40, replacing: false) == nil)
        #expect(TargetRefusal.tooSmall(needed: 41, free: 40).failure.exit == 4)
    }

    @Test func aRefusedKeyIsSentAgainOnlyIfTheRefusalMayPass() {
        #expect(CopyRefusal("MOVED 5 127.0.0.1:7001") == .temporary("MOVED 5 127.0.0.1:7001"))
        #expect(CopyRefusal("OOM command not allowed when used memory > 'maxmemory'.") == .full)
        #expect(CopyRefusal("ERR DUMP payload version or checksum are wrong") == .unreadable)
        #expect(CopyRefusal("ERR Bad data format") == .unreadable)
        #expect(CopyRefusal("NOPERM no") == .other("NOPERM no"))
    }

    @Test func theProgressHasARateAndATime() {
        #expect(CopyProgress.text(done: 100, total: 400, after: .seconds(1)) == "100 of 400 keys, 100 keys/s, 3 s left")
        #expect(CopyProgress.text(done: 0, total: 400, after: .seconds(1)) == "0 of 400 keys, 0 keys/s")
        #expect(CopyProgress.text(done: 50, total: nil, after: .seconds(1)) == "50 keys, 50 keys/s")
    }
}

/// The address of `clusterd import`, and what is refused before anything is copied.
@Suite struct ImportTests {
    @Test func anAddressHasAHostAndMayHaveALogin() throws {
        #expect(try ImportAddress("redis://10.0.0.5").description == "10.0.0.5:6379")
        #expect(try ImportAddress("redis://10.0.0.5:7000/0").description == "10.0.0.5:7000")
        #expect(try ImportAddress("redis://[::1]:7000").description == "[::1]:7000")
        let full = try ImportAddress("redis://app:a%40b@host:1")
        #expect(full.user == "app" && full.password == "a@b" && full.host == "host" && full.port == 1)
        let secret = try ImportAddress("redis://:secret@host")
        #expect(secret.user == nil && secret.password == "secret" && !secret.description.contains("secret"))
    }

    @Test(arguments: [
        "host:1", "rediss://host", "redis://", "redis://host:0", "redis://host:x", "redis://host/3", "redis://[::1",
    ])
    func anAddressThatCannotBeUsedIsRefused(text: String) {
        #expect(throws: Failure.self) { _ = try ImportAddress(text) }
    }

    private func engine(_ name: Engine.Name, _ major: Int, _ minor: Int) -> Engine {
        Engine(name: name, version: EngineVersion(major, minor, 0))
    }

    @Test func aSourceThatCannotBeImportedIsRefused() {
        let redis = engine(.redis, 7, 0)
        #expect(ImportRefusal.of(ImportFacts(engine: redis, keys: [0: 5]), into: redis, switching: true) == nil)
        let node = ImportFacts(engine: redis, isClusterNode: true)
        #expect(ImportRefusal.of(node, into: redis, switching: false) == .isClusterNode)
        let several = ImportFacts(engine: redis, keys: [0: 5, 3: 1])
        #expect(ImportRefusal.of(several, into: redis, switching: false) == .otherDatabases([3: 1]))
        let replica = ImportFacts(engine: redis, isReplica: true)
        #expect(ImportRefusal.of(replica, into: redis, switching: true) == .isReplica)
        #expect(ImportRefusal.of(replica, into: redis, switching: false) == nil)
        let old = ImportFacts(engine: engine(.redis, 6, 0))
        #expect(ImportRefusal.of(old, into: redis, switching: true) == .cannotPause(old.engine))
        let loading = ImportFacts(engine: redis, isLoading: true)
        #expect(ImportRefusal.of(loading, into: redis, switching: false) == .isLoading)
    }

    @Test func aLaterEngineIsNotImportedIntoAnEarlierOne() {
        func reads(_ target: Engine, _ source: Engine) -> Bool {
            ImportRefusal.of(ImportFacts(engine: source), into: target, switching: false) == nil
        }
        #expect(reads(engine(.redis, 7, 0), engine(.redis, 6, 2)))
        #expect(!reads(engine(.redis, 6, 2), engine(.redis, 7, 0)))
        #expect(reads(engine(.valkey, 9, 0), engine(.redis, 7, 2)))
        #expect(!reads(engine(.valkey, 9, 0), engine(.redis, 8, 2)))
        #expect(!reads(engine(.redis, 8, 2), engine(.valkey, 9, 0)))
    }
}
