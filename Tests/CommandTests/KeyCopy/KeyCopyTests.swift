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
        #expect(CopyRefusal("BUSYKEY Target key name already exists.") == .keyExists)
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
