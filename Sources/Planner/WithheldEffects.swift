import ClusterModel

/// The last line of defence: an effect that breaks an invariant is not carried out, whatever policy ordered it, and a finding reports it.
/// The simulator and the tests of the planner count such an effect as a fault of the policy.
package func withholdingViolations(
    _ decision: Decision, given record: Record?, seeing seen: Observation
) -> Decision {
    guard !violations(in: decision, given: record, seeing: seen).isEmpty else { return decision }
    var kept = decision
    kept.effects = []
    var words: [String] = []
    for effect in decision.effects {
        // Checked together with the earlier ones: two effects that are correct alone may not be correct together.
        var trial = decision
        trial.effects = kept.effects + [effect]
        let broken = violations(in: trial, given: record, seeing: seen)
        if broken.isEmpty {
            kept.effects.append(effect)
        } else {
            words += broken.map { "\(effect.key): \($0)" }
        }
    }
    kept.withheld = words
    kept.findings.append(
        Finding(
            .decisionWithheld, .error,
            "clusterd withheld its own decision, because it breaks a rule that protects data: "
                + words.joined(separator: "; ") + ". This is a bug in clusterd: please report it with its events",
            hint: "clusterd events -n 200"))
    return kept
}
