import ClusterModel

/// A master that is ordered to hand over pauses its clients. Redis 6.2 keeps them paused after it has become a replica, and its new master
/// counts as one of them: the replica reads nothing for up to 10 s while its link is up, and is then too busy with the backlog to answer
/// (docs/engines.md; invariant: lossless-switchover).
extension Turn {
    /// `CLUSTER_MF_TIMEOUT` twice (`manualFailoverCheckTimeout`, src/cluster.c), plus the time that an order may take.
    static let longestPause = Duration.seconds(12)

    mutating func endPausesOfReplicas() {
        guard !seen.engine.endsItsPauseAtHandOver else { return }
        for member in members {
            guard let order = member.handedOver, order.bootID == seen.bootID, now - order.at < Self.longestPause,
                let report = freshReply(from: member, since: order.at), report.replication.role == .replica,
                let contact = contact(member)
            else { continue }
            ensure(.unpause(member.name, contact, since: order.at))
        }
    }
}
