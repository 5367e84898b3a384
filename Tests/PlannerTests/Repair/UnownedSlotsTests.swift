import ClusterModel
import Planner
import Testing

/// Slots without an owner of which the keys decide who gets them. Invariants: confirmed-repair, last-copy.
@Suite struct UnownedSlotsTests {
    /// The repairs that are offered once every master was counted.
    private func offered(
        _ keys: [NodeName: [Int: Int64]], isRecorded: Bool = false, _ change: (inout Scene) -> Void = { _ in }
    ) -> [String] {
        var scene = Scene.settled()
        scene.turn()
        scene.release(SlotSet(5...6), isRecorded: isRecorded)
        scene.keysBySlot = keys
        change(&scene)
        for _ in 0..<20 {
            scene.pass(.milliseconds(500))
            scene.hear()
            let decision = scene.decide()
            scene.take(decision)
            for effect in decision.orders("count keys") { scene.perform(effect) }
        }
        scene.pass(.milliseconds(500))
        scene.hear()
        return scene.decide().findings.compactMap(\.repair).map(\.id).sorted()
    }

    @Test func aSlotGoesWhereItsKeysAre() {
        #expect(offered(["7001": [5: 3, 6: 1]]) == ["add-slots 7001 5-6"])
    }

    @Test func theNodeWithMostKeysGetsTheSlotAndTheKeysOfTheOthers() {
        #expect(
            offered(["7001": [5: 3], "7002": [5: 1, 6: 2]])
                == ["add-slots 7001 5", "add-slots 7002 6", "return-keys 7002 7001 5"])
    }

    @Test func aSlotWithoutKeysGoesToTheMasterWithTheFewestSlots() {
        #expect(offered([:]) == ["add-slots 7000 5-6"])
    }

    @Test func theNodeThatHadTheSlotGetsTheKeysOfTheOthers() {
        #expect(
            offered(["7000": [5: 1], "7001": [5: 3]], isRecorded: true)
                == ["add-slots 7000 5-6", "return-keys 7001 7000 5"])
    }

    /// Its keys are not known.
    @Test func aMasterThatIsSilentPreventsIt() {
        #expect(offered(["7001": [5: 3]]) { scene in scene.die("7002") } == [])
    }

    @Test func keysOfOtherDatabasesAreNotMoved() {
        var scene = Scene.settled()
        scene.turn()
        scene.release(SlotSet(5...5))
        scene.keysBySlot = ["7001": [5: 3], "7002": [5: 1]]
        for _ in 0..<20 {
            scene.pass(.milliseconds(500))
            scene.hear()
            scene.answer("7002") { $0.load.otherDatabases = [1] }
            let decision = scene.decide()
            scene.take(decision)
            for effect in decision.orders("count keys") { scene.perform(effect) }
        }
        #expect(scene.decide().findings.allSatisfy { $0.repair == nil })
    }
}
