import ClusterModel
import Testing

@testable import Simulation

@Suite struct HiddenProcessTests {
    /// A node is restarted while the disk of the record is full, the daemon exits, and the next one may not inspect
    /// processes: it cannot know that the engine on the port is the node's. Once it may, it adopts that engine, and
    /// never starts a second one.
    @Test func anUnrecordedEngineIsAdoptedOnceItsProcessIsVisible() throws {
        let world = World.formed(guise: .disguised)
        let folder = try #require(world.record?.member("7004")?.directory)
        world.host.disks.append(SimulatedDisk(folder: folder))
        world.disksMatter = true
        world.happen(.fillDisk(of: nil, leaving: 0, isGreedy: true, .seconds(30)))
        world.kill("7004")
        world.run(until: { world.engine(of: "7004")?.serves(world.now) == true })
        let pid = try #require(world.engine(of: "7004")?.identity.pid)
        #expect(world.record?.member("7004")?.process?.pid != pid, "the record was written")
        world.killDaemon()
        world.happen(.emptyDisks)
        world.run(for: .seconds(2))
        world.startDaemon()
        world.run(for: .seconds(10))
        #expect(world.cycle?.decision.findings.contains { $0.code == .endUnproven } == true, "\(world.account)")
        #expect(!world.isReady && world.showProcesses())
        world.settle()
        #expect(world.isReady && world.broken.isEmpty, "\(world.account)")
        #expect(world.engine(of: "7004")?.identity.pid == pid)
    }
}
