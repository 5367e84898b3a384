import ClusterModel
import Planner
import Testing

/// The masters of a new cluster take their slots over from ghosts; `Scripts/busy-port.txt` shows the whole of it.
@Suite struct BirthTests {
    private static let masters: [NodeName] = ["7000", "7001", "7002"]

    /// The masters of a new cluster run and have answered.
    private static func unborn(_ change: (inout NodeReport) -> Void = { _ in }) -> Scene {
        var scene = Scene.untouched()
        scene.run { $0.nodes("start") == masters }
        for name in masters { scene.answer(name, change) }
        return scene
    }

    @Test func aMasterTakesOverAtOnceIfItServes() {
        #expect(Self.unborn().decide().nodes("take over") == ["7000"])
    }

    @Test func aMasterThatDoesNotServeYetTakesOverLater() {
        var scene = Self.unborn { $0.clusterStateOK = false }
        #expect(scene.decide().nodes("take over") == [])
        #expect(scene.decide().waits.contains(.slots(of: Self.masters)))
        scene.pass(.milliseconds(500))
        for name in Self.masters { scene.answer(name) { $0.clusterStateOK = false } }
        #expect(scene.decide().nodes("take over") == ["7000"])
    }

    @Test func theNextWaitsUntilItHasHeardOfTheLastTakeover() {
        var scene = Self.unborn()
        scene.turn()
        for name in Self.masters { scene.answer(name) }
        scene.answer("7001") { $0.currentEpoch = 3 }
        scene.answer("7002") { $0.currentEpoch = 3 }
        #expect(scene.decide().nodes("take over") == [])
        scene.answer("7002")
        #expect(scene.decide().nodes("take over") == ["7002"])
    }

    @Test func noReplicaStartsWhileAMasterKnowsAGhost() {
        var scene = Self.unborn()
        let decision = scene.come { !$0.orders("forget").isEmpty }
        #expect(decision.nodes("start") == [] && decision.record?.ghosts == true && !decision.assessment.ready)
        let end = scene.run { $0.assessment.ready }
        #expect(end?.record?.ghosts == nil && end?.assessment.progress.replicasInSync == 3)
    }

    /// The last survey is from before the first start, and shows the ghosts.
    @Test func afterTheBirthNoSlotsBelongToAGhost() {
        var scene = Self.unborn()
        scene.run { $0.assessment.ready }
        for name in scene.processes.keys.sorted() { scene.die(name) }
        let record = scene.decide().record
        #expect(record?.members.prefix(3).map(\.lastSlots) == SlotSet.evenly(among: 3))
    }

    /// The next daemon finds the ghosts in the files.
    @Test func aBirthSurvivesTheLossOfTheRecord() {
        var scene = Self.unborn()
        scene.run { !$0.orders("take over").isEmpty }
        let ids = scene.record?.members.map(\.id)
        scene.loseRecord()
        let end = scene.run { $0.assessment.ready }
        #expect(end?.record?.members.map(\.id) == ids && end?.record?.ghosts == nil)
    }

    @Test(arguments: ["user", "aclfile"]) func anAccessListMeansNoGhosts(directive: String) {
        var scene = Scene.untouched()
        scene.spec.directives.append(.init(name: directive, arguments: ["default"]))
        let decision = scene.run { $0.assessment.ready }
        #expect(decision?.record?.ghosts == nil)
        #expect(scene.seen.effects.keys.allSatisfy { $0.kind != .takeOver })
    }

    @Test(arguments: [20, 21]) func manyMastersFormWithoutGhosts(masters: Int) {
        var scene = Scene.untouched(masters: masters, replicas: 0)
        let decision = scene.come { $0.record?.stage == .planned }
        #expect(decision.record?.ghosts == (masters == 20 ? true : nil))
    }

    /// Invariant: one-writer.
    @Test func aTakeoverFromANodeThatIsNoGhostBreaksARule() {
        let scene = Scene.settled()
        var decision = scene.decide()
        let id = scene.member("7003").id
        let birth = Effect.Promotion(
            replica: "7003", replicaID: id, master: "7003", masterID: id.ghost, orderedAt: nil,
            deadline: scene.seen.wall,
            ordered: nil, attempt: 1, lagBytes: nil)
        decision.effects = [.takeOver(birth, .init(host: "", port: 7003, process: Scene.identity("7003")))]
        #expect(
            violations(in: decision, given: scene.record, seeing: scene.seen)
                == ["7003 takes over although it follows no ghost"])
    }
}
