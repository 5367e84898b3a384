import ClusterModel

extension Verdict {
    package var sentence: String {
        candidate.map { "\($0) takes over from \(master): \(why.words)" }
            ?? "\(master) is restarted in place as master: \(why.words)"
    }
}

extension VerdictReason {
    package var words: String {
        switch self {
        case .slotsMove: "slots move to or from its shard, and a replica may not know of the last ones yet"
        case .holdsEveryWrite: "its append-only file holds every write (failover: durable)"
        case .farBehind(let replica, let lag, let limit):
            "\(replica) is \(lag.map { "\($0) bytes" } ?? "an unknown amount") behind, and failover-max-lag is \(limit)"
        case .noRoom(let shortage): "there is no room for a promotion: \(shortage.words)"
        case .newerData(let evidence): evidence.words
        case .dataUnreadable(let master):
            "the data of \(master) cannot be loaded, and it was in sync when both were last seen"
        case .diskAlmostFull(let folder, let free): "\(folder) has \(Disk.text(free)) free"
        }
    }
}

extension NodesConfShortage {
    /// With the free space, for a finding.
    var words: String { "\(disk.shortage), too little for \(endangered) to save its nodes.conf" }
}

extension Freshness.Evidence {
    var words: String {
        switch self {
        case .otherIsEmpty: "the other folder holds no data"
        case .offset(let offset, let end): "it reaches offset \(offset), and the other ends at \(end)"
        case .inSyncLater: "it was in sync until later than the other was saved"
        case .otherIsCut: "the other's append-only file is cut short"
        case .writtenLater(let time): "its files were written until \(time.inWords) after the other's"
        }
    }
}

extension Freshness.Doubt {
    var words: String {
        switch self {
        case .cutOrOutOfSync: "one is cut short, and the other was not in sync at the end"
        case .neitherHoldsAll: "neither is known to hold all of the other"
        case .incomparableDumps: "the two dumps cannot be compared"
        }
    }
}

extension ShardWeakness {
    package var words: String {
        switch self {
        case .noReplica: "no replica"
        case .noneInSync(let replicas):
            "no replica is in sync: "
                + replicas.map { "\($0.node) \($0.health?.rawValue ?? "stopped")" }.joined(separator: ", ")
        case .noneAble(let replicas): replicas.map { "\($0.node): \($0.obstacle.words)" }.joined(separator: ", ")
        case .roleKept(let reason): reason.words
        case .allFarBehind(let limit):
            "every replica is more than supervision.failover-max-lag (\(limit) bytes) behind"
        }
    }
}

extension RoleKept {
    var words: String {
        switch self {
        case .failoverOff: "supervision.failover is off"
        case .paused: "clusterd is paused"
        case .operation(let title): "\(title) keeps the role"
        }
    }
}

extension TakeoverObstacle {
    /// A sentence's end, whose subject is the replica.
    var words: String {
        switch self {
        case .refuses(let refusal): refusal.words
        case .loading: "it is loading its data"
        case .synchronizing: "it is synchronizing"
        case .doesNotFollow(let master): "it does not follow \(master)"
        case .otherStream(let master): "it does not follow the replication stream of \(master)"
        case .notInSync: "it is not in sync"
        case .notInSyncSinceStart: "it has not been in sync since its start"
        case .neverSeenInSync(let master): "it was never seen in sync while \(master) ran"
        case .outOfSync(let master): "it was out of sync while \(master) ran"
        case .inSyncTooLate(let master): "it came into sync only after the last reply of \(master)"
        case .lastSeenInSync(let time, let master):
            "it was last seen in sync \(time.inWords) before the last reply of \(master)"
        case .lostOffset(let master): "it has lost its offset in the replication stream of \(master)"
        case .masterNeverAnswered(let master): "\(master) did not answer clusterd while it was in sync"
        case .linkDown(let time): "its link had been down for \(time.inWords) when its master ended"
        }
    }
}

extension PromotionRefusal {
    /// A sentence's end.
    var words: String {
        switch self {
        case .noScript(let words): "it rejects the promotion script: \(words)"
        case .noStaleScript: "it runs no script while its master is down (replica-serve-stale-data no)"
        }
    }
}
