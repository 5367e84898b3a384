import ClusterModel

/// `min-replicas-to-write`: a master with fewer replicas in sync rejects every write (NOREPLICAS); reads continue.
extension Turn {
    mutating func checkWrites(_ topology: Topology) {
        for member in members where topology.owns(member.id) {
            guard let report = lastHeard(member), report.refusesWrites, let wanted = report.replicasToWrite else {
                continue
            }
            suspect(
                Finding(
                    .writesRefused, .error, node: member.name, shard: member.name,
                    "\(member.name) rejects writes: min-replicas-to-write is \(wanted), but fewer of its replicas are in sync",
                    hint: hint(member, wanted, topology)), for: Self.standing)
        }
    }

    private func hint(_ master: Member, _ wanted: Int, _ topology: Topology) -> String {
        let replicas = replicas(of: master, topology)
        if let stopped = replicas.first(where: { $0.wanted == .stopped }) {
            return "clusterd start-node \(stopped.name)"
        }
        let isConfigured = configuredSettings(master).contains { $0.name == "min-replicas-to-write" }
        if replicas.count < wanted, isConfigured {
            return
                "set redis.min-replicas-to-write to \(replicas.count) or lower in the configuration, then: clusterd reload"
        }
        // Until its replicas are back.
        return "to accept writes without them: redis-cli -p \(master.ports.client) CONFIG SET min-replicas-to-write 0"
    }
}

extension Admission {
    /// Rejects what would leave a master fewer replicas than `min-replicas-to-write` asks for. In a shard whose nodes are all in sync, one
    /// node at a time may be down: a replica, or the master, whose place a replica takes.
    func checkWrites(without node: NodeName, add command: String) throws(Failure) {
        guard let shard = shard(of: node), let master = shard.master, let report = assessment.node(master)?.report,
            let wanted = report.replicasToWrite, !report.refusesWrites
        else { return }
        let left = shard.replicasInSync.count { $0 != node } - (node == master ? 1 : 0)
        guard left < wanted else { return }
        throw Failure(
            .writesWouldStop,
            "min-replicas-to-write is \(wanted), and the shard of \(node) has \(shard.replicasInSync.count) "
                + "\(shard.replicasInSync.count == 1 ? "replica" : "replicas") in sync: without \(node) it rejects writes",
            hint: "to do it anyway: \(command)")
    }
}
