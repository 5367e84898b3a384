import ClusterModel
import Planner
import Testing

/// Invariants: one-writer, drained-first, complete-candidate, no-late-order, start-or-promote.
@Suite struct FailoverTests {
    // MARK: which replicas are queried, and for how long

    @Test func theReplicasAreQueriedAfterTheDeathOfTheirMaster() {
        let scene = Scene.bereaved()
        let decision = scene.decide()
        #expect(decision.nodes("ask").contains("7003"))
        #expect(decision.orders("promote").isEmpty && decision.nodes("start").isEmpty)
        #expect(decision.waits.contains(.drain(ofReplicasOf: "7000")))
    }

    @Test func aReportFromBeforeTheDeathElectsNoReplica() {
        var scene = Scene.bereaved(replicas: 2) { $0.answer("7003") { $0.replication.offset = 9000 } }
        scene.answer("7003") { $0.replication.offset = 900 }
        scene.answer("7006") { $0.replication.offset = 1000 }
        #expect(scene.decide().promotion?.replica == "7006")
    }

    @Test func aReplicaWhoseLinkIsUpIsStillDraining() {
        var scene = Scene.bereaved()
        scene.answer("7003") { $0.replication.linkUp = true }
        #expect(scene.decide().promotion == nil)
        scene.pass(.milliseconds(99))
        scene.answer("7003") { $0.replication.linkUp = true }
        #expect(scene.decide().promotion == nil)
        scene.answer("7003")
        #expect(scene.decide().promotion?.replica == "7003")
    }

    @Test func after100MillisecondsOnlyDrainedReplicasAreCandidates() {
        var scene = Scene.bereaved(replicas: 2)
        scene.answer("7003") { $0.replication.offset = 1000 }
        scene.answer("7006") { report in
            report.replication.linkUp = true
            report.replication.offset = 2000
        }
        #expect(scene.decide().promotion == nil)
        scene.pass(.milliseconds(100))
        #expect(scene.decide().promotion?.replica == "7003")
    }

    @Test func aReplicaWithALiveLinkIsNeverPromoted() {
        var scene = Scene.bereaved()
        scene.pass(.milliseconds(200))
        scene.answer("7003") { $0.replication.linkUp = true }
        let decision = scene.decide()
        #expect(decision.promotion == nil && !decision.nodes("start").contains("7000"))
        #expect(decision.waits.contains(.candidate(for: "7000")))
    }

    // MARK: choice of the candidate

    @Test(
        arguments: [
            ("the one ahead", ("h", 1000), ("h", 1100), "7006"),
            ("at the same offset the first", ("h", 1000), ("h", 1000), "7003"),
            ("offsets of another history do not compare", ("h", 1000), ("other", 5000), "7003"),
        ])
    func theReplicaWithMostOfTheMastersStreamWins(
        why: String, first: (String, Int64), second: (String, Int64), winner: NodeName
    ) {
        var scene = Scene.bereaved(replicas: 2) { scene in
            for name: NodeName in ["7000", "7003", "7006"] {
                scene.answer(name) { $0.replication.replicationID = "h" }
            }
        }
        for (name, said): (NodeName, (String, Int64)) in [("7003", first), ("7006", second)] {
            scene.answer(name) { report in
                report.replication.replicationID = said.0
                report.replication.offset = said.1
            }
        }
        #expect(scene.decide().promotion?.replica == winner, "\(why)")
    }

    static let unfit = [
        Spoiled("it is loading") { $0.answer("7003") { $0.loading = true } },
        Spoiled("it was being synced") { $0.answer("7003") { $0.replication.syncInProgress = true } },
        Spoiled("it does not follow the master's stream: it was restarted, and has the data of its files") { scene in
            scene.answer("7003") { report in
                report.replication.replicationID = "its own"
                report.replication.offset = 5000
            }
        },
    ]

    @Test(arguments: unfit)
    func withoutACandidateTheMasterRestartsInPlace(condition: Spoiled) {
        var scene = Scene.bereaved()
        condition.spoil(&scene)
        #expect(scene.decide().promotion == nil)
        scene.pass(.milliseconds(200))
        condition.spoil(&scene)
        scene.run { $0.nodes("start") == ["7000"] }
        #expect(scene.masters == ["7000", "7001", "7002"])
        #expect(scene.disk[Scene.folder("7000")]?.nodesFile == .parsed(scene.file("7000")))
    }

    @Test func silentReplicasAreWaitedForAtMostThreeSeconds() {
        var scene = Scene.bereaved()
        scene.seen.replies["7003"]?.outcome = .silent
        scene.pass(.milliseconds(2900))
        #expect(scene.decide().waits.contains(.candidate(for: "7000")))
        #expect(scene.decide().nodes("write") == [])
        scene.pass(.milliseconds(100))
        #expect(scene.decide().nodes("write") == ["7000"])
    }

    // MARK: the promotion

    @Test func aPromotionIsRecordedInTheSameDecision() {
        var scene = Scene.bereaved { $0.answer("7000") { $0.replication.offset = 1064 } }
        scene.answer("7003")
        let decision = scene.decide()
        let expected = Effect.Promotion(
            replica: "7003", replicaID: Scene.id("7003"), master: "7000", masterID: Scene.id("7000"),
            orderedAt: scene.seen.wall, deadline: scene.seen.wall + .milliseconds(250), ordered: scene.now, attempt: 1,
            lagBytes: 64, masterSeenAt: Scene.wall, epoch: 3, engine: scene.report("7003")?.engine)
        #expect(decision.record?.promotions == [expected])
        #expect(decision.orders("promote") == [.promote(expected, scene.contact("7003"))])
    }

    @Test func noReplicaIsPromotedWhileTheMasterRuns() {
        var scene = Scene.settled()
        // Under a debugger: a process that is only stopped would be killed first, and replaced once it has exited.
        for _ in 0..<20 { scene.fallSilent(["7000"], ProcessActivity(state: .traced, cpuTicks: 1)) }
        scene.answer("7003") { $0.replication.linkUp = false }
        let decision = scene.decide()
        #expect(decision.deeds == [])
        #expect(decision.assessment.node("7000")?.health == .hung)
    }

    @Test func aShardHasAtMostOnePromotionAtATime() {
        var scene = Scene.bereaved(replicas: 2)
        for name: NodeName in ["7003", "7006"] { scene.answer(name) }
        let first = scene.decide()
        scene.take(first)
        scene.begin(first.orders("promote")[0])
        for name: NodeName in ["7003", "7006"] { scene.answer(name) }
        let meanwhile = scene.decide()
        #expect(meanwhile.promotion == nil)
        #expect(meanwhile.record?.promotions.count == 1)
        #expect(!meanwhile.nodes("start").contains("7000"))
    }

    @Test func aRefusedPromotionIsRetriedOnceTheReplicaRespondsAgain() {
        var scene = Scene.bereaved()
        scene.answer("7003")
        let first = scene.decide()
        scene.take(first)
        scene.pass(.milliseconds(5))
        scene.note(first.orders("promote")[0], failure: "ERR its link is up")
        #expect(scene.decide().promotion == nil, "it was not asked since")
        scene.answer("7003")
        #expect(scene.decide().promotion == nil, "a moment between attempts")
        scene.pass(.milliseconds(20))
        scene.answer("7003")
        let second = scene.decide().promotion
        #expect(second?.attempt == 2)
        #expect(scene.decide().record?.promotions == second.map { [$0] })
    }

    @Test func thePromotionOrderOfAPreviousDaemonStandsUntilItsDeadline() {
        var scene = Scene.bereaved()
        scene.answer("7003")
        scene.take(scene.decide())
        let deadline = scene.record?.promotions.first?.deadline
        scene.replaceDaemon()
        scene.seen.wall = WallTime(milliseconds: (deadline?.milliseconds ?? 0) - 500)
        let decision = scene.run { $0.assessment.node("7003")?.report != nil }
        #expect(decision?.record?.promotions.first?.deadline == deadline)
        let next = scene.come { $0.promotion != nil }
        #expect(scene.seen.wall >= deadline ?? Scene.wall)
        #expect(next.record?.promotions.count == 1)
    }

    /// The order goes to a stopped replica, and the wall clock is set while the order is pending there.
    private func orderedAndHeardLater(by clock: Duration) -> (scene: Scene, promotion: Effect.Promotion?) {
        var scene = Scene.bereaved()
        scene.answer("7003")
        let first = scene.decide()
        scene.take(first)
        scene.begin(first.orders("promote")[0])
        scene.pass(.milliseconds(260))
        scene.seen.wall = scene.seen.wall + clock
        scene.answer("7003")
        return (scene, first.promotion)
    }

    @Test(arguments: [-3600, -1, 0, 3600])
    func aWallClockStepDelaysNoShard(seconds: Int) {
        let (scene, first) = orderedAndHeardLater(by: .seconds(seconds))
        #expect(scene.decide().record?.promotions.contains { $0.attempt == first?.attempt } == false)
    }

    @Test func aPromotionOrderMayTakeEffectUntilItsDeadline() {
        var (scene, first) = orderedAndHeardLater(by: .milliseconds(-100))
        #expect(scene.decide().record?.promotions == first.map { [$0] })
        scene.pass(.milliseconds(91))
        scene.answer("7003")
        #expect(scene.decide().record?.promotions.contains { $0.attempt == first?.attempt } == false)
    }

    @Test func theScriptPromotesOnlyBetweenTheOrderAndItsDeadline() throws {
        let promotion = try #require(orderedAndHeardLater(by: .zero).promotion)
        let sent = try #require(promotion.orderedAt)
        let times = [-3_600_000, -1, 0, 250, 251, 3_600_000].map { sent + .milliseconds($0) }
        #expect(times.map(promotion.isObeyed) == [false, false, true, true, false, false])
    }

    @Test func theMastersOfTwoShardsAreReplacedInParallel() {
        var scene = Scene.bereaved()
        scene.die("7001")
        scene.look()
        for name: NodeName in ["7003", "7004"] { scene.answer(name) }
        #expect(scene.decide().nodes("promote") == ["7003", "7004"])
    }

    @Test func withFailoverOffTheMasterRestartsInPlace() {
        var scene = Scene.bereaved()
        scene.spec.supervision.failover = .off
        scene.answer("7003")
        var promoted = false
        scene.run { decision in
            promoted = promoted || decision.promotion != nil
            return decision.assessment.ready
        }
        #expect(!promoted && scene.masters == ["7000", "7001", "7002"])
        #expect(scene.starts["7000"] == 2)
    }
}

extension Scene {
    /// 7000 was just killed; no replica was queried since.
    static func bereaved(replicas: Int = 1, _ change: (inout Scene) -> Void = { _ in }) -> Scene {
        var scene = Scene.settled(replicas: replicas)
        change(&scene)
        scene.pass(.milliseconds(10))
        scene.die("7000")
        scene.look()
        return scene
    }
}

extension Decision {
    var promotion: Effect.Promotion? {
        for case .promote(let promotion, _) in effects { return promotion }
        return nil
    }
}

/// A candidate must have the data now, not in the past; and no replica is promoted over a master that is starting.
@Suite struct CandidateTests {
    /// The replica reports this while its master runs; the master then runs for two more seconds, and is killed.
    private static func outOfSync(_ change: (inout NodeReport) -> Void) -> Scene {
        Scene.bereaved { scene in
            scene.pass(.seconds(1))
            scene.answer("7003", change)
            scene.pass(.seconds(2))
            scene.answer("7000")
        }
    }

    @Test func aReplicaWhoseLinkWasDownWhileItsMasterRanIsNotPromoted() {
        var scene = Self.outOfSync { $0.replication.linkUp = false }
        scene.answer("7003")
        #expect(scene.decide().promotion == nil)
        scene.run { $0.assessment.ready }
        #expect(scene.masters[0] == "7000")
    }

    @Test func aReplicaInAFullSynchronizationIsNotPromoted() {
        var scene = Self.outOfSync { $0.replication.syncInProgress = true }
        scene.answer("7003")
        #expect(scene.decide().promotion == nil)
        scene.run { $0.assessment.ready }
        #expect(scene.masters[0] == "7000")
    }

    @Test func aReplicaThatWasNotInSyncIsPromotedIfTheMastersFilesAreLost() {
        var scene = Self.outOfSync { $0.replication.linkUp = false }
        scene.disk[Scene.folder("7000")]?.content = DirectoryContent()
        scene.look()
        scene.run { $0.assessment.ready }
        #expect(scene.masters[0] == "7003")
    }

    @Test func noReplicaIsPromotedWhileTheMasterStarts() {
        var scene = Scene.bereaved()
        let start = Effect.start(.init(node: "7000", directory: Scene.folder("7000"), incarnation: 1))
        scene.begin(start)
        scene.answer("7003")
        #expect(scene.decide().promotion == nil)
    }
}
