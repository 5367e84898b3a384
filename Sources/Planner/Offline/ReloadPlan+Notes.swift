/// What a plan says about the configuration besides its parts.
extension ReloadPlan {
    package var notes: [String] {
        var notes: [String] = []
        let live = applied + directives
        if !live.isEmpty {
            notes.append("set while the nodes run, where the engine allows it: \(live.joined(separator: ", "))")
        }
        if !heldBack.isEmpty { notes.append("when clusterd restarts: \(heldBack.joined(separator: ", "))") }
        return notes + kept
    }
}
