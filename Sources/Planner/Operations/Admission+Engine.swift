import ClusterModel

/// What a restart with the configured engine needs.
extension Admission {
    /// The replica that is restarted first: in sync, in the shard with the most replicas in sync, and of these the one with the lowest name.
    /// Without it its shard loses as little as possible, and no slot changes its master.
    func canary(among members: [Member]) throws(Failure) -> Member {
        func peers(_ member: Member) -> Int { shard(of: member.name)?.replicasInSync.count ?? 0 }
        let replicas = members.filter { shard(of: $0.name)?.replicasInSync.contains($0.name) == true }
        guard let first = replicas.min(by: { (-peers($0), $0.name) < (-peers($1), $1.name) }) else {
            throw Failure(
                .noReplica,
                "no replica that waits for a restart is in sync, so that none can be the canary: nothing was restarted",
                hint: "clusterd check; or without a canary: clusterd rolling-restart --pending")
        }
        return first
    }

    /// The engine that a start would run must be able to load what the node saves when it stops.
    func checkEngine(_ node: NodeName) throws(Failure) {
        guard let running = seen.report(node)?.engine else { return }
        let next = seen.check.inspection?.engine ?? seen.engine
        guard !next.loads(filesOf: running) else { return }
        throw Failure(
            .engineTooOld,
            "\(node) runs \(running), and \(next) cannot read the files that it saves; nothing was restarted",
            hint: "set engine.server to the engine that the node runs, or a newer one, then: clusterd reload")
    }
}
