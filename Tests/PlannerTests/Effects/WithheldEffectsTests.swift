import ClusterModel
import Planner
import Testing

/// An effect that would break an invariant is withheld, whichever policy ordered it.
@Suite struct WithheldEffectsTests {
    private func guarded(_ effects: [Effect], _ change: (inout Scene) -> Void = { _ in }) -> Decision {
        var scene = Scene.settled()
        change(&scene)
        var decision = scene.decide()
        decision.effects = effects
        return withholdingViolations(decision, given: scene.record, seeing: scene.seen)
    }

    private static func start(_ node: NodeName) -> Effect {
        .start(.init(node: node, directory: Scene.folder(node), incarnation: 9))
    }

    @Test func aStartBesideARunningProcessIsWithheldAndOtherEffectsAreKept() {
        let decision = guarded([.inspect, Self.start("7000"), .measureUsage([:])])
        #expect(decision.effects == [.inspect, .measureUsage([:])])
        #expect(decision.withheld.count >= 1 && decision.withheld[0].hasPrefix("start 7000 #9: "))
        let finding = decision.finding(.decisionWithheld)
        #expect(finding?.severity == .error && finding?.message.contains("start 7000 #9: ") == true)
    }

    /// Each of the two effects is valid on its own.
    @Test func onlyTheFirstOfTwoOrdersToOneNodeIsCarriedOut() {
        let contact = Effect.Contact(host: "127.0.0.1", port: 7000, process: Scene.identity("7000"))
        let save = Effect.save("7000", contact)
        let configure = Effect.configure("7000", contact, name: "maxmemory", value: "1")
        let decision = guarded([save, configure])
        #expect(decision.effects == [save] && decision.finding(.decisionWithheld) != nil)
    }

    @Test func effectsThatBreakNoRuleAreUnchanged() {
        let scene = Scene.settled()
        let decision = scene.decide()
        #expect(withholdingViolations(decision, given: scene.record, seeing: scene.seen) == decision)
    }
}
