import ClusterModel
import Planner

/// What one turn of the loop is given: to decide it again and again, and measure how long that takes.
package struct StillCluster {
    package var spec: ClusterSpec
    package var record: Record?
    package var seen: Observation
    package var now: Moment

    package func decide() -> Decision { Planner.decide(spec, record, seeing: seen, at: now) }

    /// A formed cluster of that shape at rest, and the same a moment after a master was killed; nil if it did not become ready.
    package static func pair(masters: Int, replicas: Int) -> (atRest: StillCluster, inFailover: StillCluster)? {
        var spec = ClusterSpec(name: "sim", dataDirectory: "/data")
        (spec.masters, spec.replicas) = (masters, replicas)
        spec.directives = [
            .init(name: "appendonly", arguments: ["yes"]), .init(name: "repl-diskless-sync", arguments: ["no"]),
        ]
        let world = World(seed: 8, spec: spec, tells: false)
        world.startDaemon()
        let limit = world.now + .seconds(120)
        while world.cycle?.decision.assessment.ready != true, world.now < limit { world.step() }
        let still = world.now + .seconds(2)
        while world.now < still { world.step() }
        guard let atRest = StillCluster(world), let victim = world.host.pids.first else { return nil }
        world.exit(victim, code: nil, signal: 9)
        while world.cycle?.record?.promotions.isEmpty != false, world.now < still + .seconds(5) { world.step() }
        return StillCluster(world).map { (atRest, $0) }
    }

    private init?(_ world: World) {
        guard let cycle = world.cycle, cycle.record?.stage == .formed else { return nil }
        (spec, record, seen, now) = (cycle.spec, cycle.record, cycle.seen, world.now)
    }
}
