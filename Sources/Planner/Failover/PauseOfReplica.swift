import ClusterModel

/// A master that is told to hand over lets its clients wait. Redis 6.2 goes on doing so when it has become a replica, and
/// its new master counts as one of them: it takes nothing in for up to 10 s, while its link is up, and is then so busy
/// with what has gathered that it does not answer (docs/engines.md; invariant: lossless-switchover).
extension Turn {
    /// `CLUSTER_MF_TIMEOUT` twice (`manualFailoverCheckTimeout`, src/cluster.c), and the time that an order may take.
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
