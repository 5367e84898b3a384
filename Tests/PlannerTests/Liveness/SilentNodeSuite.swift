import ClusterModel
import Testing

@testable import Planner

/// What several suites ask of a node that falls silent.
protocol SilentNodeSuite {}

extension SilentNodeSuite {
    /// What is decided when this node has been so for that long, second by second.
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

    /// The same, of a node that clusterd continued a moment before.
    func relapse(
        _ node: NodeName, for time: Int = 6, _ change: @escaping (inout Scene) -> Void = { _ in }
    ) -> Decision {
        var scene = Scene.settled()
        scene.hear()
        scene.noteContinued(node)
        return decision(&scene, node, HangTests.stopped, for: time, change)
    }
}
