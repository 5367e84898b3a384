import ClusterModel
import Planner
import Testing

/// Invariants: clean-stop, no-late-continue.
@Suite struct StopTests {
    func stopping(kill: Bool = false, _ change: (inout Scene) -> Void = { _ in }) -> Scene {
        var scene = Scene.settled()
        change(&scene)
        scene.seen.intent = .stop(asked: scene.now, kill: kill)
        return scene
    }

    func savings(_ decision: Decision) -> [NodeName: Effect.Saving] {
        var found: [NodeName: Effect.Saving] = [:]
        for case .shutdown(let node, _, let saving) in decision.effects { found[node] = saving }
        return found
    }

    /// Its only copy of the keys is in memory.
    private static func withoutAppendOnly(_ scene: inout Scene, _ names: [NodeName]) {
        for name in names { scene.answer(name) { $0.persistence.appendOnly = false } }
    }

    /// SHUTDOWN was sent to these nodes, and they continue to run.
    private func ignore(_ decision: Decision, _ scene: inout Scene, failure: String? = nil) {
        for effect in decision.orders("shutdown") { scene.note(effect, failure: failure) }
    }

    // MARK: the order

    @Test func replicasStopFirstAndThenTheMasters() {
        var scene = stopping()
        var order: [[NodeName]] = []
        let decision = scene.run { decision in
            if !decision.nodes("shutdown").isEmpty { order.append(decision.nodes("shutdown")) }
            #expect(decision.orders("promote").isEmpty && decision.nodes("start").isEmpty)
            return decision.end != nil
        }
        #expect(decision?.end == .done)
        #expect(order == [["7003", "7004", "7005"], ["7000", "7001", "7002"]])
        #expect(scene.disk == Scene.settled().disk)
    }

    @Test func aStopWaitsAtMostTenSecondsForItsReplicas() {
        var scene = stopping()
        let first = scene.decide()
        ignore(first, &scene)
        for name: NodeName in ["7003", "7005"] { scene.die(name, ProcessExit(code: 0)) }
        scene.pass(.milliseconds(9900))
        #expect(!scene.decide().nodes("shutdown").contains("7000"))
        scene.pass(.milliseconds(100))
        #expect(scene.decide().nodes("shutdown") == ["7000", "7001", "7002", "7004"])
    }

    @Test func aStopNamesTheNodesThatItWaitsFor() {
        let decision = stopping { $0.die("7005", ProcessExit(code: 0)) }.decide()
        #expect(decision.waits == [.stop(of: ["7000", "7001", "7002", "7003", "7004"])])
        #expect(decision.assessment.phase == .stopping)
    }

    @Test func noNodeIsStartedOrPromotedDuringAStop() {
        var scene = stopping { $0.die("7000") }
        scene.look()
        scene.answer("7003")
        scene.pass(.seconds(1))
        let decision = scene.decide()
        #expect(decision.orders("promote") == [] && decision.nodes("write") == [] && decision.nodes("start") == [])
    }

    @Test func runningNodesAreAdoptedBeforeTheyAreStopped() {
        var scene = Scene.settled()
        scene.replaceDaemon()
        scene.seen.intent = .stop(asked: scene.now, kill: false)
        scene.run { $0.end == .done }
        #expect(scene.processes.isEmpty)
    }

    @Test func aStopWaitsForARunningStart() {
        var scene = stopping()
        scene.begin(.start(.init(node: "7004", directory: Scene.folder("7004"), incarnation: 1)))
        for name in scene.processes.keys.sorted() { scene.die(name, ProcessExit(code: 0)) }
        let decision = scene.decide()
        #expect(decision.end == nil)
        #expect(decision.waits == [.startsUnderWay(nil)])
    }

    // MARK: saving

    @Test func withoutAnAppendOnlyFileAStopSavesTheDump() {
        let scene = stopping { Self.withoutAppendOnly(&$0, ["7004"]) }
        #expect(savings(scene.decide()) == ["7003": .asConfigured, "7004": .always, "7005": .asConfigured])
    }

    @Test func theRecordKnowsWhetherASilentNodeKeepsAnAppendOnlyFile() {
        let scene = stopping { scene in
            scene.seen.replies["7003"] = nil
            scene.seen.replies["7004"] = nil
            scene.record?.members[4].appendOnly = nil
        }
        #expect(savings(scene.decide()) == ["7003": .asConfigured, "7004": .always, "7005": .asConfigured])
    }

    @Test func aDumpThatCannotBeWrittenIsSkippedIfTheAppendOnlyFileIsComplete() {
        var scene = stopping()
        let first = scene.decide()
        ignore(first, &scene, failure: "ERR Errors trying to SHUTDOWN. Check logs.")
        scene.pass(.milliseconds(200))
        let again = scene.decide()
        #expect(savings(again)["7004"] == .asConfigured)
        ignore(again, &scene, failure: "ERR Errors trying to SHUTDOWN. Check logs.")
        #expect(savings(scene.decide())["7004"] == .never)
    }

    /// A silent node: SHUTDOWN, SHUTDOWN NOSAVE and SIGTERM become due again, and each gets its turn.
    @Test func onlyOneEffectAtATimeIsOrderedForANodeThatDoesNotStop() {
        var scene = stopping()
        var told = Set<String>()
        for _ in 0..<40 {
            let orders = scene.decide().effects.filter { effect in
                if case .ask = effect { return false }
                return effect.node == "7004"
            }
            #expect(orders.count <= 1, "\(orders.map(\.key.description))")
            for order in orders {
                told.insert(order.key.description)
                scene.note(order, failure: "it did not answer within 2 s")
            }
            scene.pass(.seconds(1))
        }
        #expect(told.count >= 3, "\(told.sorted())")
    }

    @Test func withoutAnAppendOnlyFileANodeNeverGetsNOSAVE() {
        var scene = stopping { Self.withoutAppendOnly(&$0, $0.processes.keys.sorted()) }
        for _ in 0..<8 {
            let decision = scene.decide()
            #expect(savings(decision).values.allSatisfy { $0 == .always })
            #expect(decision.orders("kill") == [] && decision.orders("terminate") == [])
            ignore(decision, &scene, failure: "ERR Errors trying to SHUTDOWN. Check logs.")
            scene.pass(.seconds(5))
        }
    }

    // MARK: force

    @Test func aNodeIsKilledOnlyAfterTheLimitAndIfItsAppendOnlyFileIsComplete() {
        var scene = stopping { Self.withoutAppendOnly(&$0, ["7001"]) }
        while scene.now < .seconds(159) {
            let decision = scene.decide()
            #expect(decision.orders("kill") == [])
            ignore(decision, &scene)
            scene.pass(.seconds(1))
        }
        scene.pass(.seconds(1))
        let late = scene.decide()
        #expect(late.nodes("kill") == ["7000", "7002", "7003", "7004", "7005"])
        #expect(late.nodes("shutdown") == ["7001"])
    }

    /// This also holds if the stop limit is shorter than the wait for replicas.
    @Test(arguments: [2, 5, 10, 60])
    func everyNodeGetsAShutdownBeforeItIsKilled(seconds: Int) {
        var scene = stopping { $0.spec.supervision.stopTimeout = .seconds(seconds) }
        var asked = Set<NodeName>()
        for _ in 0..<(4 * seconds + 4) {
            let decision = scene.decide()
            for name in decision.nodes("kill") { #expect(asked.contains(name), "\(name) is killed unasked") }
            asked.formUnion(decision.nodes("shutdown"))
            ignore(decision, &scene)
            scene.pass(.milliseconds(250))
        }
        #expect(
            scene.decide().nodes("kill").count + scene.seen.effects.keys.count { [.kill, .killHung].contains($0.kind) }
                >= 6)
    }

    @Test func aNodeThatCanNeitherSaveNorBeKilledStaysUpWithAReason() {
        var scene = stopping { scene in
            Self.withoutAppendOnly(&scene, ["7001"])
            for name in scene.processes.keys where name != "7001" { scene.die(name, ProcessExit(code: 0)) }
        }
        ignore(scene.decide(), &scene, failure: "ERR Errors trying to SHUTDOWN. Check logs.")
        #expect(scene.decide().end == nil)
        scene.pass(.seconds(62))
        let refusal = scene.decide().refusal
        #expect(refusal?.reason == .notStopped && refusal?.exit == 1)
        #expect(refusal?.message.contains("7001: ERR Errors trying to SHUTDOWN") == true)
        #expect(scene.processes["7001"] != nil)
    }

    @Test func aNodeThatSavesSilentlyHasMoreTime() {
        var scene = stopping { scene in
            Self.withoutAppendOnly(&scene, ["7001"])
            for name in scene.processes.keys where name != "7001" { scene.die(name, ProcessExit(code: 0)) }
        }
        ignore(scene.decide(), &scene)
        scene.pass(.seconds(599))
        #expect(scene.decide().end == nil && scene.decide().orders("kill") == [])
        scene.pass(.seconds(1))
        #expect(scene.decide().refusal?.reason == .notStopped)
    }

    @Test func aStopWithKillKillsNodesAtOnce() {
        let scene = stopping(kill: true) { Self.withoutAppendOnly(&$0, ["7003"]) }
        let decision = scene.decide()
        #expect(decision.nodes("kill") == ["7003", "7004", "7005"])
        #expect(decision.orders("shutdown") == [])
        var end = scene
        #expect(end.run { $0.end != nil }?.end == .done)
    }

    // MARK: nodes that cannot be stopped

    @Test func aStoppedProcessIsContinuedAndThenStopped() {
        var scene = stopping()
        for _ in 0..<2 { scene.fallSilent(["7000"], HangTests.stopped) }
        let decision = scene.decide()
        #expect(decision.nodes("continue") == ["7000"] && decision.orders("kill").isEmpty)
        for effect in decision.orders("continue") { scene.note(effect, failure: nil) }
        #expect(scene.decide().orders("continue").isEmpty, "it was not looked at since")
        scene.answer("7000")
        #expect(scene.run { $0.end != nil }?.end == .done)
    }

    @Test func aPauseDoesNotPreventTheStopOfAStoppedProcess() {
        var scene = stopping { $0.record?.pause = .init(since: Scene.wall, until: nil) }
        for _ in 0..<2 { scene.fallSilent(["7004"], HangTests.stopped) }
        #expect(scene.decide().nodes("continue") == ["7004"])
    }

    @Test func aStopKillsAStoppedProcessThatWasReplaced() {
        var scene = stopping { $0.takeOver("7003") }
        for _ in 0..<2 { scene.fallSilent(["7000"], HangTests.stopped) }
        let decision = scene.decide()
        #expect(decision.nodes("kill") == ["7000"] && decision.orders("continue").isEmpty)
    }

    @Test func aProcessThatCannotBeAdoptedIsNotStopped() {
        var scene = Scene.settled()
        scene.replaceDaemon()
        scene.seen.intent = .stop(asked: scene.now, kill: false)
        for name in scene.processes.keys where name != "7001" { scene.processes[name] = nil }
        var decision = scene.decide()
        for _ in 0..<400 where decision.end == nil {
            for effect in decision.effects {
                if case .adopt = effect {
                    scene.note(effect, failure: "too many open files")
                } else {
                    scene.perform(effect)
                }
            }
            scene.pass(.milliseconds(100))
            decision = scene.decide()
        }
        #expect(decision.refusal?.reason == .notStopped && decision.refusal?.exit == 1)
        #expect(decision.refusal?.message.contains("7001") == true)
        #expect(decision.refusal?.message.contains("too many open files") == true)
    }

    @Test(arguments: [
        (
            "ERR Errors trying to SHUTDOWN. Check logs.",
            "7001: its dump cannot be written: Error moving temp DB file temp-1.rdb on the final destination dump.rdb",
            "into /data/nodes/7001"
        ),
        ("WRONGPASS invalid username-password pair", "7001: WRONGPASS", "set redis.requirepass and redis.masterauth"),
        ("NOAUTH Authentication required.", "7001: NOAUTH", "set redis.requirepass and redis.masterauth"),
    ])
    func aRefusedStopNamesTheNodeTheReasonAndTheNextStep(failure: String, why: String, hint: String) {
        var scene = stopping { scene in
            Self.withoutAppendOnly(&scene, ["7001"])
            for name in scene.processes.keys where name != "7001" { scene.die(name, ProcessExit(code: 0)) }
        }
        ignore(scene.decide(), &scene, failure: failure)
        scene.seen.inquiries["7001"] = .init(
            of: Scene.identity("7001"), namedByKernel: nil, memoryKills: nil,
            log: [
                "1:M 28 Nov 2026 19:00:00.000 * Saving the final RDB snapshot before exiting.",
                "1:M 28 Nov 2026 19:00:00.000 # Error moving temp DB file temp-1.rdb on the final destination dump.rdb",
                "1:M 28 Nov 2026 19:00:00.000 # Error trying to save the DB, can't exit.",
                "1:M 28 Nov 2026 19:00:00.000 # Errors trying to shut down the server. Check the logs for more information.",
            ])
        scene.pass(.seconds(60))
        let refusal = scene.decide().refusal
        #expect(refusal?.message.contains("7001 still runs") == true, "\(refusal?.message ?? "")")
        #expect(refusal?.message.contains(why) == true, "\(refusal?.message ?? "")")
        #expect(refusal?.hint?.contains(hint) == true, "\(refusal?.hint ?? "")")
    }

    // MARK: detach

    @Test func detachLeavesTheNodesRunningAndRecordsThem() {
        var scene = Scene.settled()
        scene.record?.members[2].process = nil
        scene.seen.intent = .detach
        let decision = scene.decide()
        #expect(decision.end == .done && decision.effects == [])
        #expect(decision.record?.members[2].process == Scene.identity("7002"))
    }

    @Test func detachWaitsUntilARunningStartIsRecorded() {
        var scene = Scene.settled()
        scene.seen.intent = .detach
        scene.begin(.start(.init(node: "7004", directory: Scene.folder("7004"), incarnation: 1)))
        #expect(scene.decide().end == nil)
    }

    // MARK: replacement of the daemon

    @Test func aDaemonThatIsReplacedRecordsTheNodesAndStartsNoEffect() {
        var scene = Scene.settled()
        scene.record?.members[2].process = nil
        scene.die("7000", ProcessExit(signal: 9))
        scene.seen.intent = .makeWay(asked: scene.now)
        let decision = scene.decide()
        #expect(decision.end == .done && decision.effects == [])
        #expect(decision.record?.members[2].process == Scene.identity("7002"))
    }

    @Test func aDaemonThatIsReplacedWaitsBrieflyForRunningEffects() {
        var scene = Scene.settled()
        scene.seen.intent = .makeWay(asked: scene.now)
        scene.begin(.adopt("7004", Scene.identity("7004")))
        #expect(scene.decide().end == nil && scene.decide().wake == scene.now + .seconds(1))
        scene.now = scene.now + .seconds(1)
        #expect(scene.decide().end == .done)
    }
}
