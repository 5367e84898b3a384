import ClusterModel

/// What is under way for a node whose own data cannot be loaded, so that the operator has nothing to do yet: a replica takes over, or the
/// shard's master sends it all data.
extension Turn {
    /// In words; nil: nothing, and the node stays down until the operator acts.
    mutating func comeback(
        of member: Member, _ topology: Topology, _ failovers: [NodeID: FailoverDecision]
    ) -> String? {
        guard !isPaused, member.wanted == .running else { return nil }
        let exit = exited(member.name)
        guard exit?.reason.dataUnreadable == true || lacksManifest(member) else { return nil }
        if let exit, RestartPolicy.staysDown(exit, spec.supervision.restart, isRepaired: true) != nil { return nil }
        if let id = topology.master(of: member.id), id != member.id {
            guard let master = find(id: id), isExpected(master, topology) else { return nil }
            return "it copies all data from \(master.name) once \(master.name) serves"
        }
        guard failovers[member.id] == .waits,
            !decision.findings.contains(where: { $0.shard == member.name && $0.severity == .error })
        else { return nil }
        let candidate =
            openPromotion(from: member)?.replica ?? decision.verdicts.first { $0.master == member.name }?.candidate
        return candidate.map { "\($0) takes over its slots, and it then copies all data from there" }
            ?? "clusterd looks for a replica that can take over"
    }

    /// Whether this master runs, can be started, or is what `fix` repairs first.
    private mutating func isExpected(_ master: Member, _ topology: Topology) -> Bool {
        if running(master.name) != nil || seen.isUnderWay(.start, of: master.name) { return true }
        guard master.wanted == .running else { return false }
        if lacksManifest(master) {
            return seen.directory(at: master.directory).map { facts in
                AOFManifest.repair(of: master, facts, after: exited(master.name)?.identity) != nil
            } ?? false
        }
        guard let exit = exited(master.name) else { return true }
        if exit.reason.dataUnreadable { return repair(of: master, exit, topology) != nil }
        return RestartPolicy.staysDown(exit, spec.supervision.restart) == nil
    }
}
