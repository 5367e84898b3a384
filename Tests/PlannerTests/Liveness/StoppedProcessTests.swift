import ClusterModel
import Planner
import Testing

/// A stopped process is continued before it is replaced, and never after that.
/// Invariants: no-unrequested-stop, no-late-continue.
@Suite struct StoppedProcessTests: SilentNodeSuite {
    private static let stopped = HangTests.stopped

    @Test(arguments: [(5, false), (6, true)] as [(Int, Bool)])
    func aStoppedProcessIsContinuedAfterTheLimit(seconds: Int, isContinued: Bool) {
        for node in ["7000", "7003"] as [NodeName] {
            let decision = decision(node, Self.stopped, for: seconds)
            #expect(decision.nodes("continue") == (isContinued ? [node] : []))
            #expect(decision.orders("kill").isEmpty && decision.record?.kills.isEmpty == true)
        }
    }

    @Test func allStoppedProcessesAreContinuedAtOnce() {
        var scene = Scene.settled()
        scene.hear()
        for _ in 0..<7 { scene.fallSilent(["7000", "7001", "7004"], Self.stopped) }
        #expect(scene.decide().nodes("continue") == ["7000", "7001", "7004"])
    }

    @Test func aStoppedMasterIsContinuedIfItsShardCannotReplaceIt() {
        let causes: [(inout Scene) -> Void] = [
            { if $0.processes["7003"] != nil { $0.die("7003") } },
            { $0.seen.lastInSync["7003"] = nil },
            { $0.rememberKill("7003", life: 0, at: $0.now - .seconds(60)) },
            { $0.spec.supervision.failover = .off },
        ]
        for cause in causes {
            #expect(decision("7000", Self.stopped, for: 6, cause).nodes("continue") == ["7000"])
        }
        // This also holds if it was continued before: it cannot be replaced, and waiting does not help.
        #expect(relapse("7000") { $0.spec.supervision.failover = .off }.nodes("continue") == ["7000"])
    }

    @Test func aStoppedMasterThatWasReplacedIsKilledAndNeverContinued() {
        let decision = decision("7000", Self.stopped, for: 6) { scene in
            if scene.masters[0] == "7000" { scene.takeOver("7003") }
            // Neither the kill limit of its shard nor a missing replica delays this: the shard has a master.
            scene.rememberKill("7003", life: 0, at: scene.now - .seconds(60))
        }
        #expect(decision.orders("continue").isEmpty)
        #expect(decision.nodes("kill") == ["7000"])
        #expect(decision.finding(.nodeHung)?.hint == nil)
    }

    @Test func aStoppedMasterIsNotContinuedDuringAnElection() {
        let wait = decision("7000", Self.stopped, for: 17) { scene in
            scene.rememberKill("7003", life: 0, at: scene.now - .seconds(60))
            scene.seen.effects = [:]
        }
        #expect(wait.orders("continue").isEmpty && wait.orders("kill").isEmpty)
        #expect(wait.finding(.nodeHung)?.message.contains("the nodes may elect 7003 at any moment") == true)
        // No replica was elected.
        let late = decision("7000", Self.stopped, for: 95) { scene in
            scene.rememberKill("7003", life: 0, at: scene.now - .seconds(60))
            scene.seen.effects = [:]
        }
        #expect(late.nodes("continue") == ["7000"])
        // A replica whose link was never up cannot stand for election.
        let new = decision("7000", Self.stopped, for: 17) { scene in
            scene.rememberKill("7003", life: 0, at: scene.now - .seconds(60))
            scene.answer("7003") { $0.replication.linkUp = false }
        }
        #expect(new.nodes("continue") == ["7000"])
    }

    @Test func duringAPauseAStoppedProcessStaysStopped() {
        let decision = decision("7000", Self.stopped, for: 20) { scene in
            scene.record?.pause = .init(since: Scene.wall, until: nil)
        }
        #expect(decision.orders("continue").isEmpty && decision.orders("kill").isEmpty)
        #expect(
            decision.finding(.nodeHung)?.message.contains("neither continues nor kills it: clusterd is paused") == true)
    }

    @Test func aContinuedProcessIsAFindingForAWhile() {
        var scene = Scene.settled()
        scene.hear()
        scene.noteContinued("7000")
        scene.pass(.seconds(59))
        scene.hear()
        #expect(scene.decide().finding(.nodeContinued)?.node == "7000")
        scene.pass(.seconds(2))
        #expect(scene.decide().finding(.nodeContinued) == nil)
    }
}
