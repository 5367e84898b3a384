import ClusterModel
import Testing

@testable import Simulation

/// The wall clock is set while the monotonic clock continues.
@Suite struct ClockStepTests {
    private static let steps: [Duration] = [-86_400, -3600, -1, 1, 3600, 86_400].map { .seconds($0) }

    @Test(arguments: steps) func aClockStepDuringAPromotionDelaysNoShard(step: Duration) {
        let world = World.formed()
        world.kill("7001")
        world.run(until: { world.isOrdered("promote") })
        #expect(world.isOrdered("promote"), "\(world.account)")
        world.stepClock(by: step)
        world.run(until: { world.engine(of: "7004")?.isMaster == true }, atMost: .seconds(5))
        #expect(world.engine(of: "7004")?.isMaster == true, "\(world.account)")
        world.settle()
        #expect(world.isReady && world.broken.isEmpty, "\(world.account)")
    }

    /// The next daemon finds the order in the record, and its replica does not respond.
    @Test(arguments: steps) func aPromotionOrderOfAPreviousDaemonDelaysItsShardOnlyForSeconds(step: Duration) {
        let world = World.formed()
        world.kill("7001")
        world.run(until: { world.isOrdered("promote") })
        world.pause("7004", for: .seconds(3))
        world.killDaemon()
        world.stepClock(by: step)
        world.startDaemon()
        world.run(until: { world.isReady }, atMost: .seconds(20))
        #expect(world.isReady && world.broken.isEmpty, "\(world.account)")
    }

    @Test(arguments: steps) func aClockStepBetweenTwoDaemonsPromotesNoOlderReplica(step: Duration) {
        let world = World.formed(["appendonly": "no"])
        world.run(for: .seconds(8))
        world.happen(.stop)
        world.run(until: { world.ended != nil })
        world.stepClock(by: step)
        world.startDaemon()
        world.settle()
        world.checkNothingIsLost()
        #expect(world.isReady && world.broken.isEmpty, "\(world.account)")
    }

    /// By the clock it was in sync until after its master was stopped, but its data are older.
    @Test func aReplicaThatWasDownDuringAClockStepBackIsNotPromoted() throws {
        let world = World.formed()
        let place = try #require(world.record?.index("7004"))
        let folder = try #require(world.record?.member("7004")?.directory)
        world.host.disks.append(SimulatedDisk(folder: folder))
        world.disksMatter = true
        world.happen(.fillDisk(of: place, leaving: 0, isGreedy: true, .seconds(600)))
        world.kill("7004")
        world.run(for: .seconds(1))
        world.stepClock(by: .seconds(-3600))
        world.run(for: .seconds(16))
        #expect(world.engine(of: "7004") == nil)
        world.happen(.stop)
        world.run(until: { world.ended != nil })
        world.happen(.emptyDisks)
        world.startDaemon()
        world.settle()
        world.checkNothingIsLost()
        #expect(world.isReady && world.broken.isEmpty, "\(world.account)")
        #expect(world.engine(of: "7001")?.isMaster == true)
    }

    /// By the clock, each node was started after its last report.
    @Test(arguments: steps) func afterAClockStepThePlannerWaitsForTheMemoryOfAStoppedReplica(step: Duration) {
        let world = World.formed(["appendonly": "no"])
        world.stepClock(by: step)
        world.run(for: .seconds(8))
        world.killMasterOfStopped("7004", "7001")
        #expect(world.isReady && world.broken.isEmpty, "\(world.account)")
    }
}
