import ClusterModel
import Planner
import Testing

/// `supervision.failback`: when the first node of a shard becomes master again, and when it does not.
@Suite struct FailbackTests {
    /// 7003 is master in place of 7000, which follows it.
    private static func moved(_ failback: ClusterSpec.Supervision.Failback) -> Scene {
        var scene = Scene.settled()
        scene.spec.supervision.failback = failback
        scene.takeOver("7003")
        scene.pass(.seconds(1))
        scene.look()
        scene.hear()
        return scene
    }

    /// The roles after that time.
    private static func masters(_ scene: inout Scene, after time: Duration) -> [NodeName] {
        let end = scene.now + time
        for _ in 0..<20_000 where scene.now < end {
            scene.turn()
            scene.hear()
        }
        return scene.masters
    }

    @Test func rolesStayUnlessConfigured() {
        var scene = Self.moved(.never)
        #expect(Self.masters(&scene, after: .seconds(120)) == ["7003", "7001", "7002"])
        #expect(scene.record?.operations == [])
    }

    @Test func aSteadyClusterGetsItsRolesBack() throws {
        var scene = Self.moved(.after(.seconds(30)))
        #expect(Self.masters(&scene, after: .seconds(20)) == ["7003", "7001", "7002"])
        #expect(scene.decide().finding(.failbackPending)?.node == "7000")
        #expect(Self.masters(&scene, after: .seconds(40)) == ["7000", "7001", "7002"])
        #expect(scene.operation?.title == "failover 7000" && scene.operation?.state == .done)
        #expect(scene.decide().finding(.failbackPending) == nil)
    }

    @Test func itWaitsForTheEndOfAPause() throws {
        var scene = Self.moved(.after(.seconds(5)))
        try scene.ask(.pause(nil))
        #expect(Self.masters(&scene, after: .seconds(60)) == ["7003", "7001", "7002"])
        try scene.ask(.resume)
        #expect(Self.masters(&scene, after: .seconds(60)) == ["7000", "7001", "7002"])
    }

    @Test func aReplicaOutOfSyncPostponesIt() {
        var scene = Self.moved(.after(.seconds(5)))
        #expect(scene.decide().finding(.failbackPending)?.node == "7000")
        scene.answer("7000") { $0.replication.linkUp = false }
        #expect(scene.decide().finding(.failbackPending) == nil)
    }

    @Test func aBusyShardWaitsUntilItIsIdle() {
        var scene = Self.moved(.whenIdle)
        for name in scene.processes.keys.sorted() { scene.answer(name) { $0.load.operationsPerSecond = 500 } }
        #expect(scene.decide().finding(.failbackPending) == nil)
        #expect(Self.masters(&scene, after: .seconds(120)) == ["7000", "7001", "7002"])
    }

    @Test func aSecondOneWaits() {
        var scene = Self.moved(.after(.seconds(5)))
        #expect(Self.masters(&scene, after: .seconds(60)) == ["7000", "7001", "7002"])
        scene.takeOver("7003")
        scene.pass(.seconds(1))
        scene.look()
        scene.hear()
        #expect(Self.masters(&scene, after: .seconds(120)) == ["7003", "7001", "7002"])
        scene.pass(.seconds(600))
        scene.hear()
        #expect(Self.masters(&scene, after: .seconds(60)) == ["7000", "7001", "7002"])
    }
}
