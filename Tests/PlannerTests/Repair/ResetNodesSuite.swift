import ClusterModel
import Testing

@testable import Planner

/// Helpers for suites on members that were changed by hand.
protocol ResetNodesSuite {}

extension ResetNodesSuite {
    typealias Lies = [NodeName: (inout NodeReport) -> Void]

    /// The findings after the longest grace period; every node reports the state that `lies` sets.
    func checked(_ scene: Scene, _ lies: Lies) -> (Scene, Decision) {
        var scene = scene
        for _ in 0..<30 {
            for name in scene.processes.keys.sorted() { scene.answer(name, lies[name] ?? { _ in }) }
            scene.take(scene.decide())
            scene.pass(.milliseconds(500))
        }
        for name in scene.processes.keys.sorted() { scene.answer(name, lies[name] ?? { _ in }) }
        return (scene, scene.decide())
    }

    func entry(_ view: inout NodesView, _ name: NodeName, _ change: (inout NodeEntry) -> Void) {
        guard let index = view.entries.firstIndex(where: { $0.id == Scene.id(name) }) else { return }
        change(&view.entries[index])
    }

    /// A node that was reset: a master without slots that knows no other node and holds nothing.
    func reset(_ name: NodeName, id: NodeID? = nil, keys: Int64 = 0) -> (inout NodeReport) -> Void {
        { report in
            report.view.entries.removeAll { $0.id != Scene.id(name) }
            report.view.entries[0].flags = [.master, .myself]
            report.view.entries[0].masterID = nil
            report.view.entries[0].slots = SlotSet()
            report.view.entries[0].id = id ?? Scene.id(name)
            report.id = id ?? Scene.id(name)
            report.replication.role = .master
            report.replication.linkUp = false
            report.load.keys = keys
        }
    }

    /// Runs the operation to its end. Returns whether the node was stopped.
    func repair(
        _ node: NodeName, _ scene: inout Scene, lies: (NodeName) -> ((inout NodeReport) -> Void)?,
        after: (NodeName) -> ((inout NodeReport) -> Void)? = { _ in nil }
    ) -> Bool {
        var isStopped = false
        finish(&scene, lies: { name, scene in scene.starts[node] == 1 ? lies(name) : after(name) }) { decision in
            isStopped = isStopped || decision.nodes("shutdown") == [node]
        }
        return isStopped
    }

    /// Runs the operation to its end; on every turn each node reports the state that `lies` sets.
    func finish(
        _ scene: inout Scene, turns: Int = 400, lies: (NodeName, Scene) -> ((inout NodeReport) -> Void)?,
        noting: (Decision) -> Void = { _ in }
    ) {
        for _ in 0..<turns where scene.hasOpenOperations {
            let before = scene
            for name in scene.processes.keys.sorted() { scene.answer(name, lies(name, before) ?? { _ in }) }
            let decision = scene.decide()
            noting(decision)
            scene.take(decision)
            for effect in decision.effects {
                if case .ask = effect { continue }
                scene.perform(effect)
            }
            scene.pass(.milliseconds(50))
        }
    }
}
