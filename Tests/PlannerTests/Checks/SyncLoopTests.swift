import ClusterModel
import Testing

@testable import Planner

/// A master that repeats full synchronizations of its replica.
@Suite struct SyncLoopTests {
    /// For this many seconds, `7000` starts another full synchronization each `every` seconds, and `7003` has no link.
    private func run(_ seconds: Int, every: Int, linkUp: Bool = false) -> (Scene, Decision) {
        var scene = Scene.settled()
        var decision = scene.decide()
        for second in 0..<seconds {
            for name in scene.processes.keys.sorted() {
                scene.answer(name) { report in
                    if name == "7000" { report.replication.fullSyncs = 1 + Int64(second / every) }
                    if name == "7003" { report.replication.linkUp = linkUp }
                }
            }
            decision = scene.decide()
            scene.take(decision)
            scene.pass(.seconds(1))
        }
        return (scene, decision)
    }

    @Test func aFullSynchronizationLoopIsAFindingWithItsNodes() throws {
        let (_, decision) = run(40, every: 5)
        let finding = try #require(decision.finding(.syncLoop))
        #expect(finding.node == "7000" && finding.shard == "7000" && finding.severity == .warning)
        #expect(finding.message == "7000 repeats full synchronizations of 7003: the replication link breaks each time")
        #expect(finding.hint?.contains("client-output-buffer-limit") == true)
        // The finding names why the link is down.
        #expect(decision.finding(.linkDown) == nil)
    }

    @Test func twoFullSynchronizationsAreNotALoop() {
        let (_, decision) = run(40, every: 20)
        #expect(decision.finding(.syncLoop) == nil && decision.finding(.linkDown) != nil)
    }

    @Test func oldFullSynchronizationsDoNotCount() {
        let (first, _) = run(40, every: 5)
        var scene = first
        for _ in 0..<70 {
            for name in scene.processes.keys.sorted() {
                scene.answer(name) { report in if name == "7000" { report.replication.fullSyncs = 8 } }
            }
            scene.take(scene.decide())
            scene.pass(.seconds(1))
        }
        #expect(scene.decide().finding(.syncLoop) == nil)
    }

    @Test func aReplicaInSyncIsNotInALoop() {
        let (_, decision) = run(40, every: 5, linkUp: true)
        #expect(decision.finding(.syncLoop) == nil)
    }

    @Test func theSynchronizationCountRestartsWithANewProcess() {
        let report = { (pid: Int32, total: Int64) in
            var report = Scene.settled().report("7000")!
            report.processID = pid
            report.replication.fullSyncs = total
            return report
        }
        var known = FullSyncs.after(report(1, 5), askedAt: .seconds(0), knowing: nil)
        known = FullSyncs.after(report(1, 7), askedAt: .seconds(10), knowing: known)
        #expect(known?.begun(by: .seconds(11)) == 2)
        #expect(known?.begun(by: .seconds(80)) == 0)
        known = FullSyncs.after(report(2, 9), askedAt: .seconds(12), knowing: known)
        #expect(known?.begun(by: .seconds(13)) == 0)
    }

    /// An operation that waits for the replica reports the same reason.
    @Test func aRestartThatWaitsForTheReplicaReportsTheLoop() throws {
        var scene = Scene.settled()
        try scene.ask(.restartNode("7003"))
        var steps = Set<String>()
        for second in 0..<60 {
            let isRestarted = scene.starts["7003"] == 2
            for name in scene.processes.keys.sorted() {
                scene.answer(name) { report in
                    if name == "7000" { report.replication.fullSyncs = 1 + Int64(second) }
                    if name == "7003", isRestarted { report.replication.linkUp = false }
                }
            }
            let decision = scene.decide()
            scene.take(decision)
            for effect in decision.effects {
                if case .ask = effect { continue }
                scene.perform(effect)
            }
            steps.formUnion(scene.steps)
            scene.pass(.seconds(1))
        }
        #expect(
            steps.contains(
                "waiting for 7003 to be in sync: 7000 repeats full synchronizations, and the replication link breaks each time"
            ),
            "\(steps)")
    }
}
