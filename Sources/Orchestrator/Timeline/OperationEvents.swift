import ClusterModel
import ControlAPI
import Planner

/// Events for the operator's operations: start, each step, and outcome.
struct OperationEvents: Sendable {
    func events(_ scene: Scene) -> [TimelineEvent] {
        guard let before = scene.before else { return resumed(scene) }
        return (scene.cycle.record?.operations ?? []).flatMap { operation -> [TimelineEvent] in
            let old = before.record?.operations.first { $0.id == operation.id }
            var events: [TimelineEvent] = []
            if old == nil {
                events.append(event(.operationStarted, operation, scene, "\(title(operation)) started"))
            }
            let news = operation.steps.filter { step in
                step.state != .queued && !(old?.steps.contains { $0.step == step.step && $0.at == step.at } ?? false)
            }
            for step in news {
                events.append(event(.operationStep, operation, scene, "\(title(operation)): \(step.step.words)"))
            }
            if !operation.isOpen, old?.isOpen ?? true { events.append(ended(operation, scene)) }
            return events
        }
    }

    /// A daemon that starts resumes the open operations in its record.
    private func resumed(_ scene: Scene) -> [TimelineEvent] {
        (scene.cycle.record?.operations ?? []).filter(\.isOpen).map { operation in
            event(
                .operationResumed, operation, scene,
                "\(title(operation)) resumed\(operation.currentStep.map { ": \($0.words)" } ?? "")")
        }
    }

    private func ended(_ operation: Operation, _ scene: Scene) -> TimelineEvent {
        let took = Duration.milliseconds(
            max(0, (operation.endedAt ?? scene.wall).milliseconds - operation.startedAt.milliseconds))
        var event = event(
            .operationEnded, operation, scene,
            "\(title(operation)) \(operation.state.rawValue) after \(took.inWords)"
                + (operation.error.map { ": \($0)" } ?? ""))
        event.severity = operation.state == .done ? .info : operation.state == .cancelled ? .warning : .error
        event.data["tookMs"] = .milliseconds(took)
        event.data["error"] = .text(operation.error)
        return event
    }

    private func event(
        _ code: TimelineEvent.Code, _ operation: Operation, _ scene: Scene, _ message: String
    ) -> TimelineEvent {
        TimelineEvent(
            code, at: scene.wall, node: operation.node, message,
            data: [
                "id": .text(operation.id), "kind": .text(operation.name), "state": .text(operation.state.rawValue),
                "step": .text(operation.currentStep?.words),
            ])
    }

    private func title(_ operation: Operation) -> String {
        "operation \(operation.id), \(operation.name)\(operation.node.map { " \($0)" } ?? "")"
    }
}
