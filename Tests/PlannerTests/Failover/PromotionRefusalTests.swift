import ClusterModel
import Testing

@testable import Planner

/// A promotion that would be refused is detected while the cluster is healthy.
@Suite struct PromotionRefusalTests {
    private func scene(refusal: String? = nil, stale: String = "yes", version: EngineVersion = .init(7, 0, 15)) -> Scene
    {
        var scene = Scene.settled()
        scene.answer("7003") { $0.engine.version = version }
        scene.seen.check.settings["7003"] = SettingsReply(
            askedAt: scene.now, of: scene.processes["7003"]!, values: ["replica-serve-stale-data": stale],
            scriptRefused: refusal)
        return scene
    }

    @Test func aReplicaWithoutEVALIsAFindingAndNoCandidate() {
        let decision = scene(refusal: "NOPERM User default has no permissions to run the 'eval' command").decide()
        #expect(decision.finding(.promotionRefused)?.node == "7003")
        let why = decision.assessment.shards.first { $0.master == "7000" }?.why?.words
        #expect(why?.contains("NOPERM") == true)
    }

    @Test(arguments: [
        ("no", EngineVersion(6, 2, 5), true), ("no", EngineVersion(7, 0, 15), false),
        ("yes", EngineVersion(6, 2, 5), false),
    ])
    func beforeRedis7AReplicaMustServeStaleDataToBePromoted(stale: String, version: EngineVersion, isRefused: Bool) {
        let decision = scene(stale: stale, version: version).decide()
        #expect((decision.finding(.promotionRefused) != nil) == isRefused)
        #expect((decision.assessment.shards.first { $0.master == "7000" }?.why != nil) == isRefused)
    }

    @Test func theMasterRestartsInPlaceIfItsReplicaWouldRefuseAPromotion() {
        var scene = scene(refusal: "ERR unknown command 'EVAL'")
        scene.die("7000")
        scene.answer("7003") { $0.replication.linkUp = false }
        scene.look()
        let next = scene.come { !$0.orders("promote").isEmpty || $0.nodes("write").contains("7000") }
        #expect(next.orders("promote").isEmpty)
    }
}
