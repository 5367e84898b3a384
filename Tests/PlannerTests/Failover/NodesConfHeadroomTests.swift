import ClusterModel
import Planner
import Testing

/// No epoch changes while a node could not save it: first the reserve is released, else the roles stay the same.
/// Invariant: epoch-room.
@Suite struct NodesConfHeadroomTests {
    // MARK: a dead master

    private static func bereaved(_ change: (inout Scene) -> Void = { _ in }) -> Scene {
        var scene = Scene.bereaved { change(&$0) }
        scene.answer("7003")
        return scene
    }

    @Test func theReserveIsReleasedBeforeAPromotion() {
        var scene = Self.bereaved()
        scene.room(15 << 20, reserve: Reserve.bytes)
        let first = scene.turn()
        #expect(first.orders("release-reserve") == [.releaseReserve(folder: "/data")] && first.promotion == nil)
        #expect(first.waits.contains(.reserve))
        scene.answer("7003")
        #expect(scene.decide().promotion?.replica == "7003")
    }

    @Test func theReserveIsKeptWhileTheDiskHasRoom() {
        var scene = Self.bereaved()
        scene.room(16 << 20, reserve: Reserve.bytes)
        #expect(scene.decide().promotion?.replica == "7003")
        #expect(scene.decide().orders("release-reserve") == [])
    }

    @Test func withoutRoomOnTheReplicasDiskTheMasterRestartsInPlaceAndAFindingSaysSo() {
        var scene = Self.bereaved()
        scene.ownDisk(of: "7003", free: 1 << 19)
        let decision = scene.decide()
        #expect(decision.promotion == nil)
        #expect(
            decision.verdicts.first?.sentence.hasPrefix("7000 is restarted in place as master: there is no room")
                == true)
        let finding = decision.finding(.failoverHeld)
        #expect(finding?.severity == .warning && finding?.node == "7003" && finding?.shard == "7000")
        #expect(
            finding?.message.contains("/data/nodes/7003 has 512 KB free, too little for 7003 to save its nodes.conf")
                == true)
        scene.run { $0.assessment.ready }
        #expect(scene.masters == ["7000", "7001", "7002"] && scene.starts["7000"] == 2)
    }

    @Test func aReserveThatCannotBeReleasedDoesNotCount() {
        var scene = Self.bereaved()
        scene.room(0, reserve: Reserve.bytes)
        scene.note(.releaseReserve(folder: "/data"), failure: "cannot remove /data/reserve: Read-only file system")
        #expect(scene.decide().promotion == nil)
        #expect(scene.decide().finding(.failoverHeld) != nil)
    }

    /// The last acknowledged writes were only in the master's memory, and the replica has them.
    @Test func aMasterThatCouldNotWriteItsFileIsNotRestartedInPlace() {
        var scene = Self.bereaved { $0.answer("7000") { $0.persistence.lastAppendOK = false } }
        scene.room(0)
        for _ in 0..<50 {
            let decision = scene.turn()
            #expect(decision.promotion == nil && decision.nodes("start") == [])
            #expect(decision.finding(.failoverHeld)?.severity == .error || decision.finding(.failoverHeld) == nil)
            scene.pass(.milliseconds(100))
            scene.answer("7003")
        }
        let finding = scene.decide().finding(.failoverHeld)
        #expect(
            finding?.message.contains("clusterd does not restart 7000 in place either: 7003 has newer data") == true)
        scene.room(Scene.plenty)
        scene.run { $0.assessment.ready }
        #expect(scene.masters[0] == "7003")
    }

    /// It is unknown whether the last append before the exit succeeded.
    @Test func aMasterWhoseDiskWasFullAtItsExitIsNotRestartedInPlace() {
        var scene = Self.bereaved()
        // The replica has more than the master had at its last report, and the record is some seconds older.
        scene.record?.members[0].lastSeen?.offset = 900
        scene.answer("7003") { $0.replication.offset = 1100 }
        scene.room(0)
        #expect(scene.decide().finding(.failoverHeld)?.severity == .error)
        // Another clusterd, which never had a report from the master.
        scene.replaceDaemon()
        scene.run { $0.finding(.failoverHeld) != nil }
        #expect(scene.decide().finding(.failoverHeld)?.severity == .error && scene.starts["7000"] == 1)
        scene.room(Scene.plenty)
        scene.run { $0.assessment.ready }
        #expect(scene.masters[0] == "7003")
    }

    @Test func aMasterWhoseDiskWasFullBeforeItsLastReportIsComplete() {
        var scene = Self.bereaved { scene in
            scene.room(0)
            scene.room(Scene.plenty)
            scene.pass(.seconds(1))
            scene.answer("7000")
        }
        scene.record?.members[0].lastSeen?.offset = 900
        scene.ownDisk(of: "7003", free: 0)
        #expect(scene.decide().finding(.failoverHeld)?.severity == .warning)
    }

    @Test func anEmptyMasterIsRestartedInPlaceIfItsReplicaIsEmptyToo() {
        var scene = Self.bereaved()
        scene.disk[Scene.folder("7000")]?.content = DirectoryContent()
        scene.look()
        scene.room(0)
        #expect(scene.decide().finding(.failoverHeld)?.severity == .error)
        scene.answer("7003") { $0.load.keys = 0 }
        #expect(scene.decide().finding(.failoverHeld)?.severity == .warning)
    }

    @Test func aFullDiskOfTheDeadMasterDoesNotPreventAPromotion() {
        var scene = Self.bereaved()
        scene.ownDisk(of: "7000", free: 0)
        #expect(scene.decide().promotion?.replica == "7003")
    }

    @Test func aFullDiskOfTheReplicaPreventsItsPromotion() {
        var scene = Self.bereaved()
        scene.ownDisk(of: "7003", free: 0)
        #expect(scene.decide().promotion == nil)
        #expect(scene.decide().finding(.failoverHeld)?.message.contains("/data/nodes/7003 has 0 MB free") == true)
    }

    @Test func aFullDiskInAnotherShardPreventsAPromotionOnlyIfItsMasterIsIrreplaceable() {
        var scene = Self.bereaved()
        scene.ownDisk(of: "7004", free: 0)
        #expect(scene.decide().promotion?.replica == "7003", "it is a replica")
        scene = Self.bereaved()
        scene.ownDisk(of: "7001", free: 0)
        #expect(scene.decide().promotion?.replica == "7003", "7004 can replace it")
        scene.seen.lastInSync["7004"] = nil
        #expect(scene.decide().promotion == nil)
        #expect(scene.decide().finding(.failoverHeld)?.message.contains("for 7001 to save") == true)
    }

    // MARK: a running master

    @Test func aMasterOnAFullDiskHandsOverToAReplicaWithRoom() {
        var scene = Scene.settled()
        scene.ownDisk(of: "7001", free: 31 << 20)
        let decision = scene.decide()
        #expect(decision.nodes("hand over") == ["7004"])
        #expect(
            decision.verdicts.first?.sentence
                == "7004 takes over from 7001: /data/nodes/7001 has 31 MB free"
        )
        scene.run { $0.assessment.ready }
        #expect(scene.masters == ["7000", "7004", "7002"])
    }

    @Test func theReserveIsReleasedBeforeAMasterOnAFullDiskHandsOver() {
        var scene = Scene.settled()
        scene.ownDisk(of: "7001", free: 1 << 20, reserve: Reserve.bytes)
        let first = scene.turn()
        #expect(first.orders("release-reserve").count == 1 && first.nodes("hand over") == [])
        scene.run { $0.nodes("hand over") == ["7004"] }
    }

    static let unwanted = [
        Spoiled("there is room") { $0.ownDisk(of: "7001", free: 16 << 20, reserve: 16 << 20) },
        Spoiled("they share the disk") { $0.ownDisk(of: "7001", "7004", free: 0) },
        Spoiled("its replica's disk is low") { $0.ownDisk(of: "7004", free: 1 << 20) },
        Spoiled("failover is off") { $0.spec.supervision.failover = .off },
        Spoiled("paused") { scene in _ = try? scene.ask(.pause(nil)) },
        Spoiled("its replica is not in sync") { $0.answer("7004") { $0.replication.syncInProgress = true } },
    ]

    @Test(arguments: unwanted) func aMasterOnAFullDiskDoesNotHandOver(condition: Spoiled) {
        var scene = Scene.settled()
        scene.ownDisk(of: "7001", free: 0)
        condition.spoil(&scene)
        #expect(scene.decide().nodes("hand over") == [])
    }

    @Test func anOperationWithoutRoomFailsWithTheReason() throws {
        var scene = try Scene.ordered(.failover("7004")) { $0.room(0) }
        for _ in 0..<3 {
            #expect(scene.turn().nodes("hand over") == [])
            scene.pass(.seconds(16))
            scene.hear()
        }
        #expect(scene.operation?.state == .failed)
        #expect(scene.operation?.error?.contains("/data has 0 MB free") == true)
        #expect(scene.masters == ["7000", "7001", "7002"])
    }

    /// The time limit of the wait does not restart whenever the free space changes.
    @Test func anOperationWithoutRoomFailsWhileTheFreeSpaceChanges() throws {
        var scene = try Scene.ordered(.failover("7004")) { $0.room(0) }
        for kilobytes in 0..<60 where scene.hasOpenOperations {
            scene.room(Int64(kilobytes) << 10)
            scene.turn()
            scene.pass(.seconds(1))
            scene.hear()
        }
        #expect(scene.operation?.state == .failed && scene.steps.count { $0.hasPrefix("waiting for room") } == 1)
    }
}
