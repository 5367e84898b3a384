import ClusterModel

/// How many full synchronizations of its replicas one master process has recently begun: INFO `sync_full`, which every supported engine
/// has.
package struct FullSyncs: Sendable, Equatable {
    /// The period that counts as recent.
    package static let window = Duration.seconds(60)

    private struct Count: Sendable, Equatable {
        var at: Moment
        var total: Int64
    }

    /// INFO `process_id`.
    private var processID: Int32
    /// When each total was first seen, oldest first; the first entry is from before the window, or is the first one of all.
    private var counts: [Count]

    /// The counts after one more report. nil: the node is not a master, or does not count full synchronizations.
    package static func after(_ report: NodeReport, askedAt: Moment, knowing before: FullSyncs?) -> FullSyncs? {
        guard report.replication.role == .master, let total = report.replication.fullSyncs else { return nil }
        let count = Count(at: askedAt, total: total)
        guard var known = before, known.processID == report.processID, let last = known.counts.last,
            last.total <= total
        else { return FullSyncs(processID: report.processID, counts: [count]) }
        if last.total < total { known.counts.append(count) }
        while known.counts.count > 1, known.counts[1].at + window <= askedAt { known.counts.removeFirst() }
        return known
    }

    private init(processID: Int32, counts: [Count]) {
        self.processID = processID
        self.counts = counts
    }

    /// Full synchronizations begun within the window before `now`, as far as they were seen.
    package func begun(by now: Moment) -> Int64 {
        guard let last = counts.last, let base = counts.last(where: { $0.at + Self.window <= now }) ?? counts.first
        else { return 0 }
        return last.total - base.total
    }
}

extension Turn {
    private static let settledProcess = Duration.seconds(10)

    /// Whether a master repeats full synchronizations: a replica whose process stays up receives the whole data set and loses its link each
    /// time. Each replica may need one full synchronization after a restart, and a second one if the first was interrupted.
    func isInSyncLoop(_ master: Member, _ topology: Topology) -> Bool {
        let replicas = liveReplicas(of: master, topology)
        let begun = seen.fullSyncs[master.name]?.begun(by: now) ?? 0
        guard begun > Int64(max(1, replicas.count)) * 2 else { return false }
        return replicas.contains { replica in
            guard let process = running(replica.name), process.since + Self.settledProcess <= now else { return false }
            guard let row = seen.lastInSync[replica.name], row.lostAt == nil else { return true }
            return row.since + Self.settledProcess > now
        }
    }

    /// Why this replica is not in sync while its master is in such a loop; without a number, so that the wording stays the same.
    func syncLoopTrouble(of replica: Member, _ topology: Topology) -> SyncObstacle? {
        guard let master = topology.master(of: replica.id).flatMap({ find(id: $0) }),
            master.id != replica.id, isInSyncLoop(master, topology)
        else { return nil }
        return .syncLoop(master: master.name)
    }

    mutating func checkSyncLoops(_ topology: Topology) {
        for master in members where topology.owns(master.id) && isInSyncLoop(master, topology) {
            let replicas = liveReplicas(of: master, topology).map(\.name.text)
            suspect(
                Finding(
                    .syncLoop, .warning, node: master.name, shard: master.name,
                    "\(master.name) repeats full synchronizations of \(replicas.isEmpty ? "a replica" : Self.list(replicas)): "
                        + "the replication link breaks each time",
                    hint:
                        "read \(ShellWord.quoted(master.directory + "/redis.log")): if it says 'output buffer limits', give "
                        + "replicas more than all writes during a synchronization take (redis.client-output-buffer-limit: replica HARD "
                        + "SOFT SECONDS), then: clusterd reload"), for: .zero)
        }
    }
}
