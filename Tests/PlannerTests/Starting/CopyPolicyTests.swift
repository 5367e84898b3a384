import ClusterModel
import Planner
import Testing

/// Which second copies in quarantine are discarded. Invariant: last-copy.
@Suite struct CopyPolicyTests {
    private static let gigabyte = Int64(1) << 30
    private static let day: Int64 = 86_400

    /// A settled cluster with these copies: node, age in days, and bytes.
    private static func scene(
        _ copies: [(node: String, days: Double, bytes: Int64)], free: Int64 = 100 * gigabyte,
        minimum: Int64 = 512 << 20
    ) -> Scene {
        var scene = Scene.settled()
        scene.spec.minimumFreeBytes = minimum
        scene.room(free, reserve: Reserve.bytes)
        let kept = copies.enumerated().compactMap { index, copy in
            KeptCopy(
                folder: "2023111\(index)T000000Z-\(copy.node)-data-\(index)",
                at: scene.seen.wall + .seconds(-Int64(copy.days * Double(day))), bytes: copy.bytes)
        }
        scene.seen.check.inspection = HostInspection(
            askedAt: scene.now, engine: scene.seen.engine, quarantineBytes: 0, quarantineFolders: kept.count,
            copies: kept)
        return scene
    }

    /// The indexes of the discarded copies.
    private static func discarded(_ scene: Scene) -> [Int] {
        scene.decide().effects.compactMap { effect in
            guard case .discardCopy(let folder) = effect else { return nil }
            return folder.last.flatMap { Int(String($0)) }
        }.sorted()
    }

    @Test func theNewestCopyOfANodeIsKeptRegardlessOfItsAge() {
        #expect(Self.discarded(Self.scene([("7000", 300, 10), ("7001", 8, 10)])) == [])
        #expect(Self.discarded(Self.scene([("7000", 300, 10), ("7000", 8, 10), ("7001", 8, 10)])) == [0])
    }

    @Test(arguments: [(6.9, []), (7.1, [0])] as [(Double, [Int])])
    func anOlderCopyIsDiscardedAfterAWeek(days: Double, gone: [Int]) {
        #expect(Self.discarded(Self.scene([("7000", days, 10), ("7000", 1, 10)])) == gone)
    }

    @Test func theOldestCopiesAreDiscardedUntilTheOthersFit() {
        let copies: [(String, Double, Int64)] = [
            ("7000", 3, Self.gigabyte / 2), ("7000", 2, Self.gigabyte / 2), ("7000", 1, Self.gigabyte / 2),
        ]
        // The limit is a tenth of the free space, and never less than a gigabyte.
        #expect(Self.discarded(Self.scene(copies, free: 5 * Self.gigabyte)) == [0])
        #expect(Self.discarded(Self.scene(copies, free: 16 * Self.gigabyte)) == [])
        let large = copies.map { ($0.0, $0.1, $0.2 * 4) }
        #expect(Self.discarded(Self.scene(large, free: 5 * Self.gigabyte)) == [0, 1], "and the newest stays")
    }

    @Test func onAFullDiskAllButTheNewestCopiesAreDiscarded() {
        let copies: [(String, Double, Int64)] = [("7000", 3, 10), ("7000", 2, 10), ("7001", 2, 10), ("7001", 1, 10)]
        #expect(Self.discarded(Self.scene(copies, free: 100 << 20)) == [0, 2])
        #expect(Self.discarded(Self.scene(copies, free: 600 << 20)) == [])
    }

    @Test func noCopyIsDiscardedWhileTheClusterIsNotReady() {
        var scene = Self.scene([("7000", 300, 10), ("7000", 8, 10)])
        scene.seen.wasReady = false
        #expect(Self.discarded(scene) == [])
    }

    @Test func otherFoldersInTheQuarantineAreNotCopies() {
        let wall = WallTime(milliseconds: 0)
        #expect(KeptCopy(folder: "20231110T000000Z-7000", at: wall, bytes: 1) == nil)
        #expect(KeptCopy(folder: "20231110T000000Z-7000-append-only", at: wall, bytes: 1) == nil)
        #expect(KeptCopy(folder: "20231110T000000Z-7000-data-3", at: wall, bytes: 1)?.node == "7000")
    }
}
