import ClusterModel
import Planner
import Testing

/// The order in which changed settings are restored. Invariant: settings-restored.
@Suite struct SettingOrderTests {
    private func orders(_ decision: Decision) -> [String] {
        decision.effects.compactMap { effect in
            guard case .configure(let node, _, let name, let value) = effect else { return nil }
            return "\(node) \(name) \(value)"
        }
    }

    /// 7000 was started with `appendonly no`, and another setting differs too.
    @Test func theAppendOnlyFileIsRestoredFirstAndOneSettingAtATime() {
        var scene = Scene.settled()
        func stray(_ report: inout NodeReport, appendOnly: Bool) {
            report.persistence.appendOnly = appendOnly
            report.settings["cluster-replica-no-failover"] = "yes"
        }
        scene.answer("7000") { stray(&$0, appendOnly: false) }
        let first = scene.decide()
        #expect(orders(first) == ["7000 appendonly yes"])
        #expect(!first.assessment.ready)
        // While it is in progress, no other effect is ordered for this node.
        for effect in first.effects { if case .configure = effect { scene.begin(effect) } }
        #expect(orders(scene.decide()) == [])
        for effect in first.effects { if case .configure = effect { scene.note(effect, failure: nil) } }
        scene.pass(.milliseconds(10))
        // Its earlier report does not count any more.
        #expect(orders(scene.decide()) == [])
        scene.answer("7000") { stray(&$0, appendOnly: true) }
        #expect(orders(scene.decide()) == ["7000 cluster-replica-no-failover no"])
    }

    @Test func aNodeThatIsLoadingIsLeftUnchanged() {
        var scene = Scene.settled()
        scene.answer("7000") {
            $0.persistence.appendOnly = false
            $0.loading = true
        }
        #expect(orders(scene.decide()) == [])
    }

    @Test func aSettingThatDoesNotLastIsRestoredAgain() {
        var scene = Scene.settled()
        scene.answer("7000") { $0.persistence.appendOnly = false }
        let first = scene.decide()
        for effect in first.effects { if case .configure = effect { scene.note(effect, failure: nil) } }
        scene.pass(.milliseconds(1500))
        scene.answer("7000") { $0.persistence.appendOnly = false }
        #expect(orders(scene.decide()) == [])
        scene.pass(.milliseconds(600))
        scene.answer("7000") { $0.persistence.appendOnly = false }
        #expect(orders(scene.decide()) == ["7000 appendonly yes"])
    }
}
