import ClusterModel
import Planner
import Testing

/// The wall clock was set back: earlier observations have later timestamps (invariant: no-older-master).
@Suite struct ClockSetBackTests {
    /// All nodes have exited, the master cleanly, and another daemon starts: `change` sets what the record has of the
    /// replica.
    private func master(_ change: (inout LastSeen) -> Void) -> NodeName? {
        var scene = Scene.settled()
        scene.processes = [:]
        for name: NodeName in ["7000", "7003"] {
            let files = scene.disk[Scene.folder(name)]?.content.appendOnly?.files.indices ?? 0..<0
            for index in files {
                scene.disk[Scene.folder(name)]?.content.appendOnly?.files[index].modified = Scene.wall + .seconds(-3600)
            }
        }
        guard var stop = scene.record?.members[0].lastSeen, var last = scene.record?.members[3].lastSeen else {
            return nil
        }
        stop.at = Scene.wall + .seconds(-60)
        stop.syncedAt = stop.at
        scene.record?.members[0].lastSeen = stop
        scene.record?.members[0].cleanStop = stop
        change(&last)
        scene.record?.members[3].lastSeen = last
        scene.replaceDaemon()
        scene.run { $0.assessment.ready }
        return scene.record?.members.first { member in
            ["7000", "7003"].contains(member.name) && scene.seen.report(member.name)?.replication.role == .master
        }?.name
    }

    @Test func aReplicaInSyncUntilAfterItsMastersExitBecomesMaster() {
        #expect(master { ($0.at, $0.syncedAt) = (Scene.wall, Scene.wall) } == "7003")
        #expect(master { ($0.at, $0.syncedAt) = (Scene.wall + .seconds(-90), Scene.wall + .seconds(-90)) } == "7000")
    }

    @Test func aReplicaLastSeenBeforeTheClockStepDoesNotBecomeMaster() {
        let later = Scene.wall + .seconds(3000)
        #expect(master { ($0.at, $0.syncedAt) = (later, later) } == "7000")
        #expect(master { ($0.at, $0.syncedAt, $0.clockSetBack) = (Scene.wall, Scene.wall, true) } == "7000")
    }

    @Test func aClockStepIsRecordedOnceOtherNodesAreSeenAtEarlierTimes() {
        var scene = Scene.settled()
        scene.die("7004")
        for index in 0..<6 { scene.record?.members[index].lastSeen?.at = Scene.wall + .seconds(4000) }
        scene.pass(.milliseconds(10))
        scene.look()
        scene.hear()
        let record = scene.decide().record
        #expect(record?.member("7004")?.lastSeen?.clockSetBack == true)
        #expect(record?.members.filter { $0.lastSeen?.clockSetBack == true }.count == 1)
    }
}
