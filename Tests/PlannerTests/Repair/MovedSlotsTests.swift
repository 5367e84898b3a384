import ClusterModel
import Testing

@testable import Planner

/// What the record shows of slots that moved to another shard.
@Suite struct MovedSlotsTests: ResetNodesSuite {
    /// CLUSTER SETSLOT NODE on a master whose config epoch is the higher one.
    @Test func slotsThatMovedToAnotherShardAreReported() throws {
        let moved = SlotSet(0...29)
        let lies = Lies(
            uniqueKeysWithValues: FolderClassificationTests.six.map { name in
                (
                    name,
                    { report in
                        self.entry(&report.view, "7000") { $0.slots = $0.slots.subtracting(moved) }
                        self.entry(&report.view, "7001") { $0.slots = $0.slots.union(moved) }
                    }
                )
            })
        let scene = Scene.settled()
        let before = try #require(scene.record)
        let (_, decision) = checked(scene, lies)
        let after = try #require(decision.record)
        #expect(after.movedSlots(since: before) == [.init(from: "7000", to: "7001", slots: moved)])
        #expect(after.movedSlots(since: after).isEmpty)
    }

    @Test func aFailoverMovesNoSlotsBetweenShards() throws {
        var scene = Scene.settled()
        let before = try #require(scene.record)
        scene.die("7000")
        scene.run { decision in
            decision.assessment.ready && decision.assessment.node("7000")?.role == .replica
        }
        let after = try #require(scene.record)
        #expect(after.member("7003")?.lastSlots != nil)
        #expect(after.movedSlots(since: before).isEmpty)
    }
}
