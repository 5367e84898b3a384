import ClusterModel

/// Why a dead master starts again as master, or why another node takes over from it because of its data. The words of these reasons are in
/// `Wording/FailoverReasons+Words.swift`.
package enum VerdictReason: Sendable, Hashable {
    /// `failover: durable`, and the append-only file of the master holds every write.
    case holdsEveryWrite
    /// This replica lags more than `failover-max-lag`: bytes. nil: by an unknown amount.
    case farBehind(NodeName, lag: Int64?, limit: Int64)
    case noRoom(NodesConfShortage)
    case newerData(Freshness.Evidence)
    /// Slots move to or from its shard, and a replica may not have learned of the last ones.
    case slotsMove
    /// The data of this master cannot be loaded, and the candidate was in sync when both were last seen.
    case dataUnreadable(of: NodeName)
    /// The master is alive, and hands over before its disk is full.
    case diskAlmostFull(folder: String, free: Int64)
}

/// Why no replica of a shard would take over if its master died now.
package enum ShardWeakness: Sendable, Hashable {
    case noReplica
    case noneInSync([OutOfSync])
    /// Some are in sync, and none of those could take over.
    case noneAble([Unable])
    case roleKept(RoleKept)
    /// Bytes: `failover-max-lag`.
    case allFarBehind(limit: Int64)

    package struct OutOfSync: Sendable, Hashable {
        package var node: NodeName
        /// nil: the operator stopped it.
        package var health: Assessment.Health?
    }

    package struct Unable: Sendable, Hashable {
        package var node: NodeName
        package var obstacle: TakeoverObstacle
    }
}

/// Why a dead master keeps its role if its data allow it.
package enum RoleKept: Sendable, Hashable {
    case failoverOff
    case paused
    case operation(title: String)
}

/// Why a replica does not take over from its master: it would refuse, or is not known to have the data.
package enum TakeoverObstacle: Sendable, Hashable {
    case refuses(PromotionRefusal)
    case loading
    case synchronizing
    case doesNotFollow(NodeName)
    case otherStream(than: NodeName)
    case notInSync
    case notInSyncSinceStart
    case neverSeenInSync(with: NodeName)
    case outOfSync(with: NodeName)
    /// Only after the last reply of this master.
    case inSyncTooLate(for: NodeName)
    /// How long before the last reply of this master.
    case lastSeenInSync(Duration, before: NodeName)
    /// In the replication stream of this master.
    case lostOffset(in: NodeName)
    /// This master did not answer clusterd while the replica was in sync.
    case masterNeverAnswered(NodeName)
    /// How long its link had been down when its master ended.
    case linkDown(for: Duration)
}
