import ClusterModel
import Planner

/// `min-replicas-to-write`: a master with fewer replicas in sync rejects every write (NOREPLICAS).
extension World {
    /// `min-replicas-max-lag`, the engine's default.
    private static let maxLag = Duration.seconds(10)

    /// INFO `min_slaves_good_slaves`. It is counted when a replica connects or disconnects, and each second
    /// (`refreshGoodSlavesCount`, src/replication.c): a stopped replica counts until its last acknowledgement is too
    /// old.
    func goodReplicas(of master: SimulatedEngine) -> Int {
        host.engines.values.count { replica in
            replica.masterID == master.id && replica.link == .up && replica.listens(now)
                && replica.stoppedAt.map { now - $0 <= Self.maxLag } ?? true
        }
    }

    func hasGoodReplicas(_ master: SimulatedEngine) -> Bool {
        master.settings.replicasToWrite == 0 || goodReplicas(of: master) >= master.settings.replicasToWrite
    }

    /// How long the writes to a shard are rejected without interruption because its master has too few replicas in
    /// sync.
    func note(refusesFor replicas: Bool, shard: Int) {
        guard replicas else {
            refusesSince[shard] = nil
            return
        }
        let since = refusesSince[shard] ?? now
        if refusesSince[shard] == nil { tell("writes to shard \(shard) are refused: too few replicas are in sync") }
        refusesSince[shard] = since
        refusedWrites += 1
        longestRefusal = max(longestRefusal, now - since)
    }
}
