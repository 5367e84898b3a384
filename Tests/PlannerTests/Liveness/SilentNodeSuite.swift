import ClusterModel
import Testing

@testable import Planner

/// Helpers for suites in which a node falls silent.
protocol SilentNodeSuite {}

extension SilentNodeSuite {
    /// The decision after this node was in this state for this time, second by second.
    func decision(
        _ node: NodeName, _ look: ProcessActivity, for time: Int, _ change: (inout Scene) -> Void = { _ in }
    ) -> Decision {
        var scene = Scene.settled()
        return decision(&scene, node, look, for: time, change)
    }

    func decision(
        _ scene: inout Scene, _ node: NodeName, _ look: ProcessActivity, for time: Int,
        _ change: (inout Scene) -> Void = { _ in }
    ) -> Decision {
        scene.hear()
        for _ in 0..<time {
            scene.fallSilent([node], look)
            change(&scene)
        }
        return scene.decide()
    }

    /// The same for a node that clusterd continued a moment before.
    func relapse(
        _ node: NodeName, for time: Int = 6, _ change: @escaping (inout Scene) -> Void = { _ in }
    ) -> Decision {
        var scene = Scene.settled()
        scene.hear()
        scene.noteContinued(node)
        return decision(&scene, node, HangTests.stopped, for: time, change)
    }
}
