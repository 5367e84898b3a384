import ClusterModel

/// That a node has become a replica, or follows another master, the other nodes learn from its own ping alone, and it pings one random node
/// a second. CLUSTER MEET from the node itself tells them at once: a node that knows the sender reads the message like a ping, and adds
/// nothing (docs/engines.md).
extension Turn {
    /// A bus link that does not exist yet is made by a cron that runs every 100 ms (`clusterCron`, src/cluster.c).
    static let announcementPause = Duration.milliseconds(250)

    mutating func announceRoles() {
        guard decision.record?.ghosts != true, !isPaused, distinctViews > 1 else { return }
        for member in members where !isBusy(member.name) {
            guard let report = freshReply(from: member), !report.loading, let myself = report.view.myself,
                let contact = contact(member)
            else { continue }
            let uninformed = members.filter { other in
                other.id != member.id && report.view.knows(other.id) && believes(other, otherThan: myself)
            }
            guard !uninformed.isEmpty else { continue }
            ensure(
                .announce(member.name, contact, host: spec.connectHost, to: uninformed.map(\.ports)),
                retryAfter: Self.announcementPause, repeatAfter: Self.announcementPause)
        }
    }

    /// How many of the views of nodes that answered differ in what they say about roles.
    private var distinctViews: Int { Set(members.compactMap { freshReply(from: $0)?.view.digest }).count }

    /// Whether this node knows the other, and has not heard of its role. Of two masters that claim the same slots, the epoch decides: no
    /// message of the one would change what the other nodes believe.
    private func believes(_ node: Member, otherThan truth: NodeEntry) -> Bool {
        guard let report = freshReply(from: node), !report.loading, let entry = report.view.entry(truth.id),
            !entry.flags.contains(.noaddr), !entry.flags.contains(.handshake)
        else { return false }
        return entry.flags.contains(.master) != truth.flags.contains(.master) || entry.masterID != truth.masterID
    }
}
