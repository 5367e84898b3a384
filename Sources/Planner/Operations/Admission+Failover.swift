import ClusterModel

/// `failover REPLICA` and `failover --from MASTER`.
extension Admission {
    mutating func failOver(to text: String, force: Bool, _ key: String?) throws(Failure) -> Operation {
        let node = try Self.member(text, record).name
        let slots = slots(of: node)
        if !slots.isEmpty {
            let kind = failover(from: node, to: node, force: force)
            return addEnded(kind, .alreadyMaster(node, slots), key)
        }
        try checkSettled(node, mayLackSlots: force)
        guard let master = shard(of: node)?.master else {
            throw Failure(.noShard, "\(node) belongs to no shard that has slots", hint: "clusterd status")
        }
        guard isRunning(node) else {
            throw Failure(
                .nodeIsStopped, "\(node) does not run and cannot take over", hint: "clusterd start-node \(node)")
        }
        try check(master, [node], add: "clusterd failover \(node) --force", force: force)
        return try add(failover(from: master, to: node, force: force), key)
    }

    mutating func failOver(from text: String, force: Bool, _ key: String?) throws(Failure) -> Operation {
        let node = try Self.member(text, record).name
        if isRunning(node) { try checkSettled(node, mayBeReset: true, mayLackSlots: force) }
        guard !slots(of: node).isEmpty else {
            return addEnded(
                failover(from: node, to: nil, force: force), .notMaster(node, master: shard(of: node)?.master), key)
        }
        let replicas = (shard(of: node)?.replicas ?? []).filter(isRunning)
        guard !replicas.isEmpty else {
            throw Failure(
                .noReplica, "\(node) has no running replica that could take over", hint: "clusterd status")
        }
        try check(node, replicas, add: "clusterd failover --from \(node) --force", force: force)
        return try add(failover(from: node, to: nil, force: force), key)
    }

    private func failover(from master: NodeName, to replica: NodeName?, force: Bool) -> Operation.Kind {
        .failover(
            .init(
                master: master, epoch: assessment.node(master)?.configEpoch ?? 0, replica: replica, force: force,
                replaces: isRunning(master) ? process(of: master) : nil))
    }

    /// A switchover from a living master loses nothing. Everything else needs `--force`.
    private func check(_ master: NodeName, _ candidates: [NodeName], add flag: String, force: Bool) throws(Failure) {
        let held = candidates.filter { candidate in
            seen.lastInSync[candidate] != nil || (assessment.node(candidate)?.report?.replication.offset ?? 0) > 0
        }
        guard !held.isEmpty else {
            throw Failure(
                .replicaEmpty,
                "\(names(candidates)) \(candidates.count == 1 ? "has" : "have") never had the data of \(master)",
                hint: "clusterd status shows when it is in sync")
        }
        if force { return }
        guard isRunning(master) else {
            // An automatic failover that has not happened yet: because of a pause, or of the settings.
            if spec.supervision.failover == .fast { return }
            throw Failure(
                .masterDown,
                "\(master) is down, and supervision.failover is \(spec.supervision.failover.rawValue): the cluster would lose data "
                    + "that is on the disk of \(master) but not on \(names(candidates)) (quarantine/ keeps it)",
                hint: "to fail over anyway: \(flag)")
        }
        guard let health = assessment.node(master)?.health, health == .ok else {
            throw Failure(
                .masterSilent, "\(master) runs but does not answer, so it cannot hand over",
                hint: "to end \(master) and promote its replica with the data that it has: \(flag)")
        }
        guard candidates.contains(where: { assessment.node($0)?.health == .ok && assessment.node($0)?.linkUp == true })
        else {
            throw Failure(
                .replicaNotInSync,
                "\(names(candidates)) \(candidates.count == 1 ? "is" : "are") not in sync with \(master): the missing writes would be lost",
                hint: "to stop \(master) and promote its replica with the data that it has: \(flag)")
        }
    }

    private func names(_ nodes: [NodeName]) -> String { nodes.map(\.text).joined(separator: " ") }
}
