import ClusterModel

/// Why a replica would refuse the order to take over, known in advance.
package enum PromotionRefusal: Sendable, Hashable {
    /// The engine's words about clusterd's script: an ACL or `rename-command` has removed a command.
    case noScript(String)
    /// Before Redis 7.0 a replica without its master runs no script under `replica-serve-stale-data no`.
    case noStaleScript

    var hint: String {
        switch self {
        case .noScript:
            "allow clusterd's user EVAL, INFO, CLUSTER and TIME there (docs/security.md); then clusterd check"
        case .noStaleScript: "remove redis.replica-serve-stale-data from the configuration, then: clusterd reload"
        }
    }
}

extension Turn {
    /// nil: it would obey, or has not been asked yet.
    func reasonNotToObey(_ replica: Member) -> PromotionRefusal? {
        guard let settings = liveSettings(replica) else { return nil }
        if let words = settings.scriptRefused { return .noScript(words) }
        let isOld = freshReply(from: replica)?.engine.isSevenOrLater == false
        return isOld && settings.values["replica-serve-stale-data"] == "no" ? .noStaleScript : nil
    }

    mutating func reportRefusedPromotions(_ topology: Topology) {
        for member in members where !topology.owns(member.id) {
            guard running(member.name) != nil, let refusal = reasonNotToObey(member) else { continue }
            emit(
                Finding(
                    .promotionRefused, .warning, node: member.name,
                    "\(member.name) could not take over from its master: \(refusal.words)", hint: refusal.hint))
        }
    }
}
