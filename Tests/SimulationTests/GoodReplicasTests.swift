import ClusterModel
import Testing

@testable import Simulation

/// `min-replicas-to-write` while every node is restarted in turn.
@Suite struct GoodReplicasTests {
    private func restarted(replicas: Int, _ index: Int) -> World {
        let world = World.formed(
            replicas: replicas,
            ["appendonly": "yes", "min-replicas-to-write": "1", "cluster-node-timeout": "2000"])
        world.run(for: .seconds(1))
        world.longestRefusal = .zero
        world.refusedWrites = 0
        world.happen(.command(.rollingRestart, index, key: "one"))
        world.run(until: { world.isReady }, atMost: .seconds(300))
        return world
    }

    /// With and without restored roles. After a hand-over the new master has no replica until the first one has
    /// connected.
    @Test(arguments: [1, 2]) func writesAreRejectedOnlyUntilAReplicaFollowsTheNewMaster(index: Int) {
        let world = restarted(replicas: 2, index)
        #expect(world.isReady && world.broken.isEmpty, "\(world.account)")
        #expect(world.record?.operations.last?.state == .done, "\(world.account)")
        #expect(world.longestRefusal <= .milliseconds(200), "\(world.longestRefusal), \(world.refusedWrites) writes")
        #expect(world.refusedWrites <= 6 * world.spec.masters, "\(world.refusedWrites) writes")
    }

    @Test func withTooFewReplicasARollingRestartIsRefusedUnlessForced() {
        let refused = restarted(replicas: 1, 1)
        #expect(refused.record?.operations.isEmpty == true && refused.refusedWrites == 0, "\(refused.account)")
        let forced = restarted(replicas: 1, 3)
        #expect(forced.isReady && forced.broken.isEmpty, "\(forced.account)")
        #expect(forced.longestRefusal > .milliseconds(200), "\(forced.longestRefusal)")
    }
}
