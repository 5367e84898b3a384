import ClusterModel
import Planner
import Testing

/// Whether to replace a dead master or restart it in place: depends on the configuration and on what is known of its
/// files.
/// Invariants: no-older-master, complete-candidate, one-writer.
@Suite struct FailoverDecisionTests {
    // MARK: durable

    private static func durable(_ change: (inout NodeReport) -> Void = { _ in }) -> Scene {
        var scene = Scene.bereaved { scene in
            scene.spec.supervision.failover = .durable
            scene.answer("7000") { report in
                report.persistence.appendFsync = "always"
                change(&report)
            }
        }
        scene.answer("7003")
        return scene
    }

    @Test func withDurableAMasterThatSyncedEveryWriteRestartsInPlace() {
        var scene = Self.durable()
        #expect(scene.decide().promotion == nil)
        scene.run { $0.assessment.ready }
        #expect(scene.masters == ["7000", "7001", "7002"] && scene.starts["7000"] == 2)
    }

    static let notDurable = [
        Spoiled("it synced every second") { scene in
            scene.edit("7000") { $0.persistence.appendFsync = "everysec" }
        },
        Spoiled("it kept no append-only file") { scene in
            scene.edit("7000") { $0.persistence.appendOnly = false }
        },
        Spoiled("it could not write its append-only file") { scene in
            scene.edit("7000") { $0.persistence.lastAppendOK = false }
        },
        Spoiled("its append-only file is missing") { scene in
            scene.disk[Scene.folder("7000")]?.content = DirectoryContent()
            scene.look()
        },
        Spoiled("its manifest names a missing file") { scene in
            scene.disk[Scene.folder("7000")]?.content.appendOnly?.trouble = "it names a file that is not there"
            scene.look()
        },
        Spoiled("its append-only file is shorter than it was") { scene in
            scene.edit("7000") { $0.persistence.appendOnlyBytes = 200 }
            scene.record?.members[0].lastSeen?.appendOnlyBytes = 200
            scene.record?.members[0].lastSeen?.at = Scene.wall + .seconds(5)
        },
    ]

    @Test(arguments: notDurable) func withDurableAMasterThatMayLackWritesIsReplaced(condition: Spoiled) {
        var scene = Self.durable()
        condition.spoil(&scene)
        #expect(scene.decide().promotion?.replica == "7003")
    }

    @Test func withDurableAMasterIsReplacedOnceItsStartFails() {
        var scene = Self.durable()
        scene.run { $0.nodes("start") == ["7000"] }
        scene.pass(.milliseconds(5))
        scene.die("7000", ProcessExit(code: 1), log: ["Bad file format reading the append only file"])
        scene.look()
        scene.pass(.milliseconds(5))
        scene.answer("7003")
        #expect(scene.decide().promotion?.replica == "7003")
    }

    @Test func theFoldersAreSurveyedAfterTheDeathOfAMaster() {
        var scene = Self.durable()
        scene.seen.survey?.askedAt = .seconds(1)
        let decision = scene.decide()
        #expect(decision.promotion == nil && decision.nodes("start") == [])
        #expect(decision.effects.contains { if case .survey = $0 { true } else { false } })
    }

    // MARK: failover-max-lag

    private static func lagging(_ bytes: Int64) -> Scene {
        var scene = Scene.bereaved { scene in
            scene.spec.supervision.failoverMaxLag = 100
            scene.answer("7000") { $0.replication.offset = 1000 + bytes }
        }
        scene.answer("7003")
        return scene
    }

    @Test func aCandidateWithinTheLagLimitIsPromoted() {
        #expect(Self.lagging(100).decide().promotion?.lagBytes == 100)
    }

    @Test func aCandidateBeyondTheLagLimitIsNotPromotedAndTheMasterRestartsInPlace() {
        var scene = Self.lagging(101)
        let decision = scene.decide()
        #expect(decision.promotion == nil)
        #expect(decision.finding(.failoverHeld)?.message.contains("101 bytes behind") == true)
        scene.run { $0.assessment.ready }
        #expect(scene.masters[0] == "7000")
    }

    @Test func aCandidateBeyondTheLagLimitIsPromotedIfTheMastersDataAreLost() {
        var scene = Self.lagging(101)
        scene.disk[Scene.folder("7000")]?.content = DirectoryContent()
        scene.look()
        #expect(scene.decide().promotion?.lagBytes == 101)
    }

    // MARK: off

    @Test func withFailoverOffAMasterWithoutItsDataIsNotStartedOverItsReplica() {
        var scene = Scene.bereaved()
        scene.spec.supervision.failover = .off
        scene.disk[Scene.folder("7000")]?.content = DirectoryContent()
        scene.look()
        scene.answer("7003")
        #expect(scene.decide().promotion?.replica == "7003")
    }

    @Test func withFailoverOffAMasterWithAnOldDumpIsNotStartedOverItsReplica() {
        var scene = Scene.bereaved()
        scene.spec.supervision.failover = .off
        scene.disk[Scene.folder("7000")]?.content = .dump(savedAt: Scene.wall + .seconds(-60))
        scene.look()
        scene.answer("7003")
        let decision = scene.decide()
        #expect(decision.promotion?.replica == "7003")
        #expect(decision.finding(.masterOlder)?.node == "7000")
    }

    // MARK: the only copy is in memory

    /// The replica is stopped, or busy for long: once it continues, an empty master would make it drop its data.
    @Test(arguments: [ClusterSpec.Supervision.Failover.fast, .durable, .off])
    func anEmptyMasterIsNotStartedOverASilentReplica(failover: ClusterSpec.Supervision.Failover) {
        var scene = Scene.bereaved()
        scene.spec.supervision.failover = failover
        for name: NodeName in ["7000", "7003"] { scene.disk[Scene.folder(name)]?.content = DirectoryContent() }
        scene.look()
        scene.seen.replies["7003"]?.outcome = .silent
        scene.pass(.seconds(60))
        let decision = scene.decide()
        #expect(decision.nodes("write") == [] && decision.nodes("start") == [] && decision.promotion == nil)
        #expect(decision.waits.contains(.newerData(of: "7003", than: "7000")))
        #expect(decision.finding(.masterOlder)?.node == "7000")
        scene.answer("7003")
        #expect(scene.decide().promotion?.replica == "7003")
    }

    /// The replica's memory cannot be compared with a dump before it responds.
    @Test func aMasterWithOnlyADumpIsNotStartedOverASilentReplica() {
        var scene = Scene.bereaved()
        scene.disk[Scene.folder("7000")]?.content = .dump(savedAt: Scene.wall + .seconds(60))
        scene.look()
        scene.seen.replies["7003"]?.outcome = .silent
        scene.pass(.seconds(60))
        let decision = scene.decide()
        #expect(decision.nodes("write") == [] && decision.nodes("start") == [] && decision.promotion == nil)
        #expect(decision.finding(.masterWaits)?.shard == "7000" && decision.finding(.masterWaits)?.node == "7003")
        scene.die("7003")
        scene.look()
        scene.run { $0.nodes("start").contains("7000") }
    }

    /// The replica was stopped while its master continued; it responds, but has not read the rest of its master's
    /// stream.
    @Test func aContinuedReplicaDrainsItsReplicationStreamBeforeItIsCompared() {
        var scene = Scene.bereaved()
        var dump = DirectoryContent.dump(savedAt: Scene.wall + .seconds(60))
        dump.dumps[0].header?.replicationID = scene.report("7003")?.replication.replicationID
        dump.dumps[0].header?.replicationOffset = 1500
        scene.disk[Scene.folder("7000")]?.content = dump
        scene.look()
        scene.silence("7003", for: .seconds(5))
        scene.answer("7003") { $0.replication.linkUp = true }
        let decision = scene.decide()
        #expect(decision.nodes("write") == [] && decision.nodes("start") == [] && decision.promotion == nil)
        #expect(decision.waits.contains(.drainOfReplica("7003", from: "7000")))
        scene.pass(.milliseconds(2))
        scene.answer("7003") { $0.replication.offset = 2000 }
        #expect(scene.decide().promotion?.replica == "7003")
    }

    /// The record shows the replica as empty, as of some seconds ago; the daemon that saw newer data was killed.
    @Test func aMasterIsNotStartedOverAReplicaThatHasNotRespondedToThisDaemon() {
        var scene = Scene.bereaved()
        for name: NodeName in ["7000", "7003"] { scene.disk[Scene.folder(name)]?.content = DirectoryContent() }
        for index in scene.record?.members.indices ?? 0..<0 { scene.record?.members[index].lastSeen?.keys = 0 }
        scene.replaceDaemon()
        scene.look()
        for _ in 0..<80 {
            let decision = scene.decide()
            #expect(decision.nodes("start") == [] && decision.promotion == nil)
            scene.take(decision)
            for effect in decision.effects {
                if case .ask("7003", _) = effect { continue }
                scene.perform(effect)
            }
            scene.pass(.milliseconds(100))
        }
        #expect(scene.decide().finding(.masterWaits)?.node == "7003", "\(scene.decide().waits)")
        scene.run { $0.promotion?.replica == "7003" }
    }

    @Test func theMasterStartsOnceTheSilentReplicaEndsAndTheLossIsReported() {
        var scene = Scene.bereaved()
        for name: NodeName in ["7000", "7003"] { scene.disk[Scene.folder(name)]?.content = DirectoryContent() }
        scene.look()
        scene.seen.replies["7003"]?.outcome = .silent
        scene.pass(.seconds(60))
        _ = scene.decide()
        scene.die("7003")
        scene.look()
        let end = scene.run { $0.assessment.ready }
        #expect(scene.masters[0] == "7000" && end?.finding(.dataMissing)?.node == "7000")
    }

    // MARK: orders with an unknown outcome

    @Test func aSilentReplicaWithAPendingPromotionIsKilledBeforeAnotherIsPromoted() {
        var scene = Scene.bereaved(replicas: 2)
        for name: NodeName in ["7003", "7006"] { scene.answer(name) }
        let first = scene.decide()
        scene.take(first)
        scene.begin(first.orders("promote")[0])
        scene.seen.replies["7003"] = nil
        scene.pass(.milliseconds(300))
        scene.answer("7006")
        #expect(scene.decide().promotion == nil, "the order is void by now; it may have been carried out before")
        scene.pass(.seconds(5))
        scene.answer("7006")
        let later = scene.decide()
        #expect(later.promotion == nil && later.nodes("kill") == ["7003"])
        scene.note(first.orders("promote")[0], failure: "the node closed the connection")
        scene.die("7003")
        scene.run { $0.assessment.ready }
        #expect(scene.masters[0] == "7000", "the time for a failover is over by then")
    }

    @Test func aReplicaThatRespondsAfterTheDeadlineIsKnownNotToBePromoted() {
        var scene = Scene.bereaved(replicas: 2)
        for name: NodeName in ["7003", "7006"] { scene.answer(name) }
        let first = scene.decide()
        scene.take(first)
        scene.begin(first.orders("promote")[0])
        scene.pass(.milliseconds(251))
        for name: NodeName in ["7003", "7006"] { scene.answer(name) }
        #expect(scene.decide().record?.promotions.first?.deadline != first.record?.promotions.first?.deadline)
    }

    @Test func replicasOfAMasterMarkedFailHaveTimeForTheirOwnElection() {
        var scene = Scene.bereaved()
        let declared = { (report: inout NodeReport) in
            for index in report.view.entries.indices where report.view.entries[index].id == Scene.id("7000") {
                report.view.entries[index].flags.insert(.fail)
            }
        }
        scene.answer("7003", declared)
        #expect(scene.decide().promotion == nil)
        scene.pass(.seconds(2))
        scene.answer("7003", declared)
        #expect(scene.decide().promotion?.epoch == 3)
    }

    @Test func withoutAMajorityThePlannerDoesNotWaitForAnElection() {
        var scene = Scene.bereaved()
        scene.die("7001")
        scene.look()
        scene.answer("7003") { report in
            for index in report.view.entries.indices where report.view.entries[index].id == Scene.id("7000") {
                report.view.entries[index].flags.insert(.fail)
            }
        }
        #expect(scene.decide().promotion?.replica == "7003")
    }

    // MARK: a shard without a running node

    @Test func theFolderOfADeadPromotedReplicaIsSurveyedBeforeItsOldMasterStarts() {
        var scene = Scene.bereaved()
        scene.answer("7003")
        scene.take(scene.decide())
        scene.takeOver("7003")
        scene.pass(.milliseconds(5))
        scene.die("7003")
        // The survey of its folder is older than its exit.
        let decision = scene.decide()
        #expect(decision.nodes("write") == [] && decision.nodes("start") == [])
        let end = scene.run { $0.assessment.ready }
        #expect(scene.masters[0] == "7003" && end?.assessment.node("7000")?.replicaOf == "7003")
    }
}

extension Scene {
    /// The node is stopped, and does not respond for this time.
    mutating func silence(_ name: NodeName, for time: Duration) {
        guard case .running(let process) = seen.processes[name] else { return }
        let asked = now
        pass(time)
        let reply = NodeReply(askedAt: asked, answeredAt: now, of: process.identity, outcome: .silent)
        seen.note(reply, of: name, ProcessActivity(state: .stopped, cpuTicks: 5))
    }

    /// Replaces what the dead node last reported.
    mutating func edit(_ name: NodeName, _ change: (inout NodeReport) -> Void) {
        guard case .exited(var exit) = seen.processes[name], var report = exit.lastReport else { return }
        change(&report)
        exit.lastReport = report
        seen.processes[name] = .exited(exit)
    }
}

extension DirectoryContent {
    static func dump(savedAt: WallTime) -> DirectoryContent {
        var content = DirectoryContent()
        var header = RDBHeader(formatVersion: 10)
        header.savedAt = savedAt
        content.dumps = [DataFile(name: "dump.rdb", size: 100, modified: savedAt, evidence: .keys, header: header)]
        return content
    }
}
