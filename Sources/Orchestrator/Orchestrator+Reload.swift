import ClusterModel
import ControlAPI
import Planner

extension Orchestrator {
    /// Applies a new, valid configuration. Returns once the running nodes have it, or after the time limit with the progress so far.
    package func reload(_ plan: ReloadPlan) async -> ReloadDocument {
        let asked = driver.now()
        inbox.post(.configured(plan))
        while isApplying(since: asked), driver.now() < asked + .seconds(10) {
            try? await Task.sleep(for: .milliseconds(20))
        }
        return document(plan)
    }

    private func isApplying(since asked: Moment) -> Bool {
        guard cycle.decision.assessment.phase != .stopping, cycle.record?.everReady == true else { return false }
        return cycle.decision.check.isApplying || (cycle.decision.check.reloaded ?? asked - .seconds(1)) < asked
    }

    private func document(_ plan: ReloadPlan) -> ReloadDocument {
        let nodes = cycle.decision.assessment.nodes
        let names = Set(nodes.flatMap(\.pendingRestart)).union(plan.dropped)
        let pending = names.sorted().compactMap { name -> ReloadDocument.Pending? in
            let waiting = nodes.filter { $0.pendingRestart.contains(name) }.map(\.name)
            return waiting.isEmpty ? nil : .init(directive: name, nodes: waiting)
        }
        let unreached = cycle.decision.check.unreached
        let coming = unreached.filter(\.isOnItsWay).map {
            "\($0.node): \($0.why); clusterd compares its settings after that"
        }
        return ReloadDocument(
            cluster: cycle.record?.cluster ?? cycle.spec.name, applied: plan.applied,
            live: plan.directives.filter { name in !pending.contains { $0.directive == name } },
            pendingRestart: pending, pendingDaemon: plan.heldBack, later: plan.later + coming,
            unreached: unreached.filter { !$0.isOnItsWay }.map { .init(node: $0.node, why: $0.why) })
    }
}
