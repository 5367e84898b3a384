import ClusterModel
import Planner
import Testing

/// Requests operations and carries them out.
extension Scene {
    /// A settled cluster with this operation requested, after `change`.
    static func ordered(
        _ command: Command, masters: Int = 3, replicas: Int = 1, _ change: (inout Scene) -> Void = { _ in }
    ) throws -> Scene {
        var scene = settled(masters: masters, replicas: replicas)
        change(&scene)
        try scene.ask(command)
        scene.pass(.milliseconds(25))
        scene.hear()
        return scene
    }

    @discardableResult
    mutating func ask(_ command: Command, key: String? = nil) throws(Failure) -> Planner.Operation {
        guard let record else { throw Admission.notFormed }
        let decision = decide()
        var admission = Admission(record, spec, decision.assessment, seeing: seen)
        admission.offered = decision.findings.compactMap(\.repair)
        let operation = try admission.admit(command, key: key)
        self.record = admission.record
        return operation
    }

    func refusal(_ command: Command) -> Failure? {
        var scene = self
        return #expect(throws: Failure.self) { () throws in try scene.ask(command) }
    }

    var operation: Planner.Operation? { record?.operations.last }
    var steps: [String] { operation?.steps.map(\.step.words) ?? [] }
    var hasOpenOperations: Bool { record?.operations.contains(where: \.isOpen) == true }

    /// The orders until every operation has ended.
    mutating func carryOut() -> [String] {
        var orders: [String] = []
        run { decision in
            orders += decision.story
            return decision.record?.operations.contains(where: \.isOpen) == false
        }
        return orders
    }
}

extension Decision {
    /// The effects that change which nodes run and which are masters, in short form.
    var story: [String] {
        let kinds: [EffectKey.Kind] = [.handOver, .shutdown, .kill, .killHung, .preserve, .start, .promote]
        return effects.compactMap { effect in
            guard kinds.contains(effect.key.kind), let node = effect.node else { return nil }
            let kind = effect.key.kind == .killHung ? EffectKey.Kind.kill.rawValue : effect.key.kind.rawValue
            return "\(kind) \(node)"
        }
    }
}
