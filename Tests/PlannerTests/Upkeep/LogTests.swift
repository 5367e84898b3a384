import ClusterModel
import Planner
import Testing

/// The nodes' own logs are rotated when they are long.
@Suite struct LogTests {
    private func carryOut(_ decision: Decision, _ scene: inout Scene) {
        for effect in decision.effects { scene.perform(effect) }
    }

    @Test func aLongLogIsRotatedOnce() {
        var scene = Scene.settled()
        scene.logBytes = ["7001": LogPolicy.limit, "7002": LogPolicy.limit - 1]
        carryOut(scene.decide(), &scene)
        let decision = scene.decide()
        #expect(decision.deeds == ["rotate /data/nodes/7001/redis.log"])
        #expect(decision.orders("measure logs").isEmpty)
        // The rotation does not touch the node: it counts as idle, and its last report is still valid.
        #expect(decision.nodes("rotate").isEmpty && decision.assessment.ready)
        carryOut(decision, &scene)
        #expect(scene.decide().deeds == [])
    }

    private func measurements(_ scene: Scene) -> Int {
        scene.decide().effects.count { $0.key.kind == .measureLogs }
    }

    @Test func noLogIsMeasuredDuringARotation() {
        var scene = Scene.settled()
        scene.logBytes = ["7001": LogPolicy.limit]
        carryOut(scene.decide(), &scene)
        for effect in scene.decide().orders("rotate") { scene.begin(effect) }
        scene.pass(.seconds(60))
        scene.hear()
        #expect(measurements(scene) == 0 && scene.decide().orders("rotate").isEmpty)
    }

    @Test func logsAreMeasuredAgainOnlyAfterAnInterval() {
        var scene = Scene.settled()
        carryOut(scene.decide(), &scene)
        scene.pass(.seconds(4))
        scene.hear()
        #expect(measurements(scene) == 0)
        scene.pass(.seconds(1))
        scene.hear()
        #expect(measurements(scene) == 1)
    }

    @Test func aLogThatCannotBeRotatedIsAFindingAndRetried() {
        var scene = Scene.settled()
        scene.logBytes = ["7001": LogPolicy.limit * 2]
        carryOut(scene.decide(), &scene)
        for effect in scene.decide().orders("rotate") { scene.note(effect, failure: "Permission denied") }
        let finding = scene.decide().finding(.logNotRotated)
        #expect(finding?.node == "7001" && finding?.message.contains("Permission denied") == true)
        scene.pass(.seconds(5))
        scene.hear()
        #expect(scene.decide().orders("rotate").count == 1)
    }
}
