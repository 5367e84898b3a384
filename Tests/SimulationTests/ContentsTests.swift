import ClusterModel
import Testing

@testable import Simulation

/// Data are the keys of every database, and functions.
@Suite struct ContentsTests {
    @Test(arguments: Contents.allCases) func thePlannerWaitsForTheMemoryOfAStoppedReplica(contents: Contents) {
        let world = World.formed(["appendonly": "no"], contents: contents)
        world.run(for: .seconds(4))
        world.killMasterOfStopped("7004", "7001")
        #expect(world.isReady && world.broken.isEmpty, "\(world.account)")
    }

    @Test func aReportCountsDatabasesAndFunctionsLikeINFO() {
        #expect(Contents.firstDatabase.keyspace(7) == [0: 7])
        #expect(Contents.allDatabases.keyspace(7) == [0: 2, 1: 2, 2: 2, 3: 1])
        #expect(Contents.otherDatabases.load(2).otherDatabases == [1, 2] && Contents.otherDatabases.load(2).keys == 2)
        #expect(Contents.libraries.load(7).keys == 0 && Contents.libraries.load(7).libraries == 7)
        #expect(Contents.allCases.allSatisfy { $0.evidence(0) == .noKeys && $0.evidence(1).holdsKeys })
    }
}
