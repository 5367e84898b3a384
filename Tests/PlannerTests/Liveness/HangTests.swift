import ClusterModel
import Planner
import Testing

/// Which hung processes are killed, and which are not. Invariant: no-unrequested-stop.
@Suite struct HangTests: SilentNodeSuite {
    static let stopped = ProcessActivity(state: .stopped, cpuTicks: 5)
    static let dying = ProcessActivity(state: .uninterruptible, cpuTicks: 5, isBeingKilled: true)
    static let asleep = ProcessActivity(state: .asleep, cpuTicks: 5)

    // MARK: killed

    @Test(arguments: [(5, false), (6, true)] as [(Int, Bool)])
    func aMasterThatIsStoppedAgainIsKilledAfterTheLimit(seconds: Int, isKilled: Bool) throws {
        let decision = relapse("7000", for: seconds)
        #expect(decision.nodes("kill") == (isKilled ? ["7000"] : []))
        // The record is written before the effect.
        #expect(decision.record?.kills.map(\.node) == (isKilled ? ["7000"] : []))
        if isKilled {
            let kill = try #require(decision.record?.kills.first)
            #expect(
                kill.cause
                    == "it was stopped (state T) again after clusterd had continued it, for 5 s and did not answer")
            // The master is replaced after it was reaped, and not before.
            #expect(decision.orders("promote").isEmpty)
        }
    }

    @Test func aHungMasterIsReplacedOnlyAfterItsExit() throws {
        var scene = Scene.settled()
        scene.hear()
        scene.noteContinued("7000")
        let kill = decision(&scene, "7000", Self.stopped, for: 6)
        scene.take(kill)
        for effect in kill.orders("kill") { scene.begin(effect) }
        for _ in 0..<2 {
            scene.fallSilent(["7000"], Self.stopped)
            #expect(scene.decide().orders("promote").isEmpty && scene.decide().orders("kill").isEmpty)
        }
        scene.die("7000")
        #expect(scene.run { $0.nodes("promote") == ["7003"] } != nil)
    }

    @Test func aStoppedReplicaIsKilledWhileItsMasterAnswers() {
        #expect(relapse("7003").nodes("kill") == ["7003"])
    }

    @Test func aProcessStoppedMuchLaterIsContinuedAgain() {
        var scene = Scene.settled()
        scene.hear()
        scene.noteContinued("7000")
        scene.pass(.seconds(61))
        #expect(decision(&scene, "7000", Self.stopped, for: 6).nodes("continue") == ["7000"])
    }

    @Test func aBlockedProcessIsKilledOnlyAfterFiveMinutes() {
        #expect(decision("7000", Self.asleep, for: 299).orders("kill").isEmpty)
        #expect(decision("7000", Self.asleep, for: 303).nodes("kill") == ["7000"])
    }

    @Test func theKillLimitFollowsTheConfiguration() {
        #expect(
            decision("7000", Self.stopped, for: 6) { $0.spec.supervision.hangTimeout = .seconds(30) }
                .orders("continue").isEmpty)
        var scene = Scene.settled()
        scene.spec.supervision.hangTimeout = .seconds(1)
        #expect(decision(&scene, "7000", Self.stopped, for: 2).nodes("continue") == ["7000"])
        // A blocked process has two minutes, however short the limit is.
        scene = Scene.settled()
        scene.spec.supervision.hangTimeout = .seconds(1)
        #expect(decision(&scene, "7000", Self.asleep, for: 100).orders("kill").isEmpty)
    }

    // MARK: not killed

    struct Spared: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var look = HangTests.stopped
        var seconds = 20
        var change: @Sendable (inout Scene) -> Void = { _ in }

        init(
            _ what: String, _ look: ProcessActivity = HangTests.stopped, seconds: Int = 20,
            _ change: @escaping @Sendable (inout Scene) -> Void = { _ in }
        ) {
            testDescription = what
            self.look = look
            self.seconds = seconds
            self.change = change
        }
    }

    @Test(
        arguments: [
            Spared("a debugger traces it", .init(state: .traced, cpuTicks: 5, tracer: 99)),
            Spared("it is busy (using CPU)", .init(state: .running, cpuTicks: 5), seconds: 400),
            Spared("its replica is silent too") { $0.fallSilent(["7003"], HangTests.stopped, time: .zero) },
            Spared("its replica was never in sync") { $0.seen.lastInSync["7003"] = nil },
            Spared("its replica has just died") { scene in if scene.processes["7003"] != nil { scene.die("7003") } },
            Spared("no replica may take over") { $0.spec.supervision.failover = .off },
            Spared("a turn of the loop was late a moment ago") { scene in
                scene.seen.listening = scene.now
                scene.seen.vitals["7000"]?.startAnew()
            },
            Spared("a command of clusterd may block it") { scene in
                scene.begin(.configure("7000", scene.contact("7000"), name: "appendonly", value: "yes"))
            },
            Spared("another killed process has not exited") { scene in
                scene.rememberKill("7001", at: scene.now)
                scene.fallSilent(["7001"], HangTests.stopped, time: .zero)
            },
            Spared("a node of its shard was killed nine minutes ago") { scene in
                scene.rememberKill("7003", life: 0, at: scene.now - .seconds(540))
            },
            Spared("another node has only just responded again") { scene in
                scene.fallSilent(["7001"], HangTests.stopped, time: .zero)
                scene.answer("7001")
            },
            Spared("several are blocked at once", HangTests.asleep, seconds: 400) {
                $0.fallSilent(["7001"], HangTests.asleep, time: .zero)
            },
        ])
    func aNodeIsNotKilledUnderTheseConditions(_ spared: Spared) {
        var scene = Scene.settled()
        scene.hear()
        scene.noteContinued("7000")
        let decision = decision(&scene, "7000", spared.look, for: spared.seconds, spared.change)
        #expect(decision.orders("kill").isEmpty)
        #expect(decision.record?.kills.contains { $0.node == "7000" } != true)
    }

    @Test func afterTenMinutesAnotherNodeOfTheShardMayBeKilled() {
        let old = relapse("7000") { scene in
            scene.rememberKill("7003", life: 0, at: scene.now - .seconds(601))
        }
        #expect(old.nodes("kill") == ["7000"] && old.record?.kills.count == 1)
        let otherBoot = relapse("7000") { scene in
            scene.rememberKill("7003", life: 0, at: scene.now, boot: "another")
        }
        #expect(otherBoot.nodes("kill") == ["7000"])
    }

    @Test func stoppedNodesAreKilledOneByOneIfTheirShardsCanFailOver() {
        var scene = Scene.settled()
        scene.hear()
        for node in ["7000", "7001"] as [NodeName] { scene.noteContinued(node) }
        for _ in 0..<7 { scene.fallSilent(["7000", "7001"], Self.stopped) }
        let first = scene.decide()
        #expect(first.nodes("kill") == ["7000"])
        #expect(first.finding(.hostTrouble) != nil)
        scene.take(first)
        for effect in first.orders("kill") { scene.begin(effect) }
        scene.fallSilent(["7000", "7001"], Self.stopped)
        #expect(scene.decide().orders("kill").isEmpty)
        scene.die("7000")
        scene.fallSilent(["7001"], Self.stopped, time: .zero)
        #expect(scene.decide().nodes("kill") == ["7001"])
    }

    @Test func aKillThatDidNotHappenIsForgotten() {
        var scene = Scene.settled()
        scene.hear()
        scene.noteContinued("7000")
        let kill = decision(&scene, "7000", Self.stopped, for: 6)
        scene.take(kill)
        for effect in kill.orders("kill") { scene.note(effect, failure: "it is no longer as it was") }
        scene.answer("7000")
        #expect(scene.decide().record?.kills.isEmpty == true)
    }

    // MARK: findings

    @Test func theFindingOnAHungNodeNamesTheNextAction() {
        let first = decision("7000", Self.stopped, for: 5).finding(.nodeHung)
        #expect(first?.hint == "kill -CONT 7000" && first?.message.contains("clusterd continues it (SIGCONT)") == true)
        let message = relapse("7000", for: 5).finding(.nodeHung)
        #expect(message?.severity == .error && message?.hint == "kill -CONT 7000")
        #expect(message?.message.contains("kills and replaces it if this lasts for 5 s") == true)
        let alone = decision("7000", Self.asleep, for: 302) { $0.seen.lastInSync["7003"] = nil }
        #expect(
            alone.finding(.nodeHung)?.message.contains(
                "clusterd does not kill it: no replica that could take over answers")
                == true)
    }

    @Test(
        arguments: [
            (ProcessActivity(state: .running, cpuTicks: 5), Assessment.Health.busy, .nodeBusy),
            (.init(state: .stopped, cpuTicks: 5), .hung, .nodeHung),
            (.init(state: .traced, cpuTicks: 5, tracer: 4), .hung, .nodeHung),
            (.init(state: .uninterruptible, cpuTicks: 5), .hung, .nodeHung),
        ] as [(ProcessActivity, Assessment.Health, ReasonCode)])
    func theHealthOfASilentNodeFollowsItsProcessState(
        look: ProcessActivity, health: Assessment.Health, code: ReasonCode
    ) {
        let decision = decision("7003", look, for: 6)
        #expect(decision.assessment.node("7003")?.health == health)
        #expect(decision.finding(code)?.node == "7003")
        #expect(self.decision("7003", look, for: 2).finding(code) == nil)
    }

    @Test func anErrorReplyIsASignOfLifeAndAFinding() {
        var scene = Scene.settled()
        scene.seen.replies["7004"]?.outcome = .answered("NOAUTH Authentication required.")
        #expect(scene.decide().finding(.nodeRefuses)?.message.contains("NOAUTH") == true)
        #expect(scene.decide().assessment.node("7004")?.health == .unreachable)
        scene.seen.replies["7004"]?.outcome = .answered("BUSY Redis is busy running a script.")
        #expect(scene.decide().finding(.nodeBusy)?.hint?.hasPrefix("redis-cli -p 7004 SCRIPT KILL") == true)
        #expect(scene.decide().assessment.node("7004")?.health == .busy)
    }

    @Test func aNodeThatSurvivesSIGKILLIsReportedAndItsShardFailsOver() {
        let decision = decision("7000", Self.dying, for: 3)
        #expect(decision.finding(.nodeUnkillable)?.node == "7000")
        #expect(decision.orders("kill").isEmpty)
        // A pending SIGKILL proves death: its replica is about to be promoted once its link is down.
        var scene = Scene.settled()
        let first = self.decision(&scene, "7000", Self.dying, for: 1)
        #expect(first.finding(.nodeUnkillable) == nil)
        #expect(first.waits.contains(.drain(ofReplicasOf: "7000")))
        scene.pass(.milliseconds(5))
        scene.answer("7003") { $0.replication.linkUp = false }
        #expect(scene.decide().nodes("promote") == ["7003"])
    }

    /// A process that hangs in the kernel keeps its sockets, and its replica's link stays up as long.
    private func unkillable(_ mode: ClusterSpec.Supervision.Failover) -> Scene {
        var scene = Scene.settled()
        scene.spec.supervision.failover = mode
        scene.record?.members[0].lastSeen?.appendFsync = "always"
        scene.hear()
        for _ in 0..<4 {
            #expect(scene.decide().orders("promote").isEmpty)
            scene.fallSilent(["7000"], Self.dying)
        }
        return scene
    }

    @Test func anUnkillableMasterIsReplacedOnceItsReplicaHasDrained() {
        let scene = unkillable(.fast)
        #expect(scene.report("7003")?.replication.linkUp == true)
        let orders = scene.decide().orders("promote")
        #expect(orders.compactMap(\.node) == ["7003"])
        guard case .promote(let promotion, _)? = orders.first else { return }
        #expect(promotion.linkStays == true)
    }

    @Test func withDurableTheFindingTellsTheOperatorWhatToDo() throws {
        var scene = unkillable(.durable)
        let finding = try #require(scene.decide().finding(.nodeUnkillable))
        #expect(scene.decide().orders("promote").isEmpty)
        #expect(finding.message.contains("7003 does not take over"))
        #expect(finding.hint == "clusterd failover 7003 --force")
        _ = try scene.ask(.failover("7003", force: true))
        var promoted: [NodeName] = []
        for _ in 0..<20 where promoted.isEmpty {
            let decision = scene.decide()
            promoted = decision.nodes("promote")
            scene.take(decision)
            scene.fallSilent(["7000"], Self.dying, time: .milliseconds(100))
        }
        #expect(promoted == ["7003"])
    }
}

extension Scene {
    /// These nodes do not respond for a second, and their processes are then seen in this state; the other nodes
    /// respond.
    mutating func fallSilent(_ nodes: [NodeName], _ look: ProcessActivity, time: Duration = .seconds(1)) {
        let askedAt = now
        pass(time)
        for name in processes.keys.sorted() where !nodes.contains(name) && time > .zero { answer(name) }
        for name in nodes {
            guard case .running(let process) = seen.processes[name] else { continue }
            let reply = NodeReply(askedAt: askedAt, answeredAt: now, of: process.identity, outcome: .silent)
            seen.note(reply, of: name, look)
        }
    }

    /// clusterd has just continued this node's process.
    mutating func noteContinued(_ node: NodeName) {
        guard case .running(let process) = seen.processes[node] else { return }
        note(.continueStopped(node, process.identity, HangTests.stopped, attempt: 1), failure: nil)
        answer(node)
    }

    /// A process of this node was killed because it was hung.
    mutating func rememberKill(_ node: NodeName, life: Int = 1, at moment: Moment, boot: String = Scene.bootID) {
        var process = Self.identity(node, life: life)
        process.bootID = boot
        let shard = member(node).shard
        record?.kills = [.init(node: node, process: process, shard: shard, at: moment, cause: "it hung")]
    }
}
