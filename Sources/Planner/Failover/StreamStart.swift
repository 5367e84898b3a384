import ClusterModel

/// When a master begins to send its stream of writes to a replica that has received a copy of its data. From a dump on disk: when the copy is
/// sent. Without one (`repl-diskless-sync yes`): when the replica acknowledges after the child that sent the copy has ended, which the master
/// notices within 100 ms, and the replica acknowledges once a second; until then the replica reports that its link is up, and gets nothing
/// (`replicaPutOnline`, src/replication.c). A master that dies in between takes all of its writes since the copy with it.
/// Invariant: complete-candidate.
extension Turn {
    static let streamDelay = Duration.milliseconds(1200)

    func mayStreamLate(_ master: Member) -> Bool {
        guard let value = RedisConfPlan.configured("repl-diskless-sync", for: master.settingsName, spec) else {
            return seen.engine.synchronizesDiskless
        }
        return value == ["yes"]
    }

    /// Whether its link came up so recently that its master may not send it anything yet. A replica that ran before this clusterd may have
    /// been in sync for long.
    func mayLackStream(_ replica: Member, _ master: Member) -> Bool {
        guard running(replica.name)?.adopted == false, mayStreamLate(master), let row = seen.lastInSync[replica.name]
        else { return false }
        return now - row.since < Self.streamDelay
    }
}
