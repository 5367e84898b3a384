import ClusterModel

/// Which replicas could take over from a master with its data; every caller asks here. A replica has the data if it was in sync at its last
/// report before the master's end, and that report is close to the master's last one. For every other replica, its files and the master's
/// decide (`MemberFreshness`). Invariant: complete-candidate.
extension Turn {
    /// A replica that answered after the death.
    struct Candidate {
        var member: Member
        var report: NodeReport
        var offset: Int64 { report.replication.offset }

        func isAhead(of other: Candidate) -> Bool {
            !report.loading && !report.replication.syncInProgress && offset > other.offset
                && report.replication.replicationID == other.report.replication.replicationID
        }
    }

    /// How much later than its replica a master may have answered last. At rest each is asked once per second.
    static let closeness = Duration.seconds(3)
    /// How long before the end of a master is noticed its replicas may see their links go down.
    static let noticeLimit = Duration.seconds(1)
    /// INFO says for how many whole seconds a link has been down.
    static let linkGranularity = Duration.seconds(1)

    /// The replicas that answered after the death and have the master's data, the highest offset first.
    /// - Parameter isForced: the operator accepts what a replica lacks that was in sync some time ago.
    func candidates(
        for master: Member, death: Moment, among ended: [Candidate], isForced: Bool, _ survey: Observation.Survey
    ) -> [Candidate] {
        let fit = ended.filter { lack(of: $0, master, death: death, isForced: isForced, survey) == nil }
            .sorted { a, b in (b.offset, a.member.name) < (a.offset, b.member.name) }
        // A replica further along the same stream has more than the first of these, whatever it lacks of the master's data.
        guard let first = fit.first, !ended.contains(where: { $0.isAhead(of: first) }) else { return [] }
        return fit
    }

    /// Why this replica is not known to have the data of its dead master; nil: it has them.
    func lack(
        of contender: Candidate, _ master: Member, death: Moment, isForced: Bool = false, _ survey: Observation.Survey
    ) -> TakeoverObstacle? {
        let report = contender.report
        if let refusal = reasonNotToObey(contender.member) { return .refuses(refusal) }
        if report.loading { return .loading }
        if report.replication.syncInProgress { return .synchronizing }
        if let stream = lastStream(of: master), stream.position.replicationID != report.replication.replicationID {
            return .otherStream(than: master.name)
        }
        let name = contender.member.name
        let isAdopted = running(name)?.adopted == true
        guard let row = seen.lastInSync[name] else {
            guard isAdopted else { return .notInSyncSinceStart }
            return isForced || followedUntilTheEnd(contender, master, survey)
                ? nil : .neverSeenInSync(with: master.name)
        }
        if isForced { return nil }
        guard report.replication.replicationID == row.replicationID, report.replication.offset >= row.offset else {
            return .lostOffset(in: master.name)
        }
        return lack(in: row, isAdopted: isAdopted, master, death: death)
    }

    /// Compares what was seen of a replica with what was seen of its master.
    private func lack(in row: InSync, isAdopted: Bool, _ master: Member, death: Moment) -> TakeoverObstacle? {
        guard let served = seen.lastServed[master.name] else {
            // This clusterd has never had an answer from the master: both nodes were running before it started.
            guard isAdopted else { return .masterNeverAnswered(master.name) }
            return wasLostLongBefore(death, row)
        }
        // The link of a replica that has loaded a whole copy may be up for a moment after the master's end.
        let complete = !isAdopted && mayStreamLate(master) ? row.since + Self.streamDelay : row.since
        if complete > served { return .inSyncTooLate(for: master.name) }
        if let lost = row.lostAt, lost <= served { return .outOfSync(with: master.name) }
        // Without a limit on the missing bytes (`failover-max-lag`) there is no limit on the age of the last report either.
        if served - row.until > Self.closeness, spec.supervision.failoverMaxLag != nil {
            return .lastSeenInSync(served - row.until, before: master.name)
        }
        // A process of the master that never answered because it did not come up has written nothing that a replica could miss.
        guard exited(master.name)?.lastReport?.loading == false else { return nil }
        return wasLostLongBefore(death, row)
    }

    private func wasLostLongBefore(_ death: Moment, _ row: InSync) -> TakeoverObstacle? {
        guard let lost = row.lostAt, death - lost > Self.noticeLimit else { return nil }
        return .linkDown(for: death - lost)
    }

    /// Both nodes were running before this clusterd started, and the master was gone at the first look: compares how long the link has been
    /// down, as the engine reports it, with the time of the last write to the master's append-only file.
    private func followedUntilTheEnd(_ contender: Candidate, _ master: Member, _ survey: Observation.Survey) -> Bool {
        guard seen.lastServed[master.name] == nil, let end = linkEnd(contender.member, contender.report),
            let files = survey.directories.first(where: { $0.path == master.directory })?.content.appendOnly,
            let written = files.files.filter({ $0.size > 0 }).map(\.modified).max()
        else { return false }
        return written <= end + Self.linkGranularity
    }

    /// When the link of a replica went down, as it reports, and not later; nil: it was never up.
    func linkEnd(_ member: Member, _ report: NodeReport) -> WallTime? {
        guard let down = report.replication.linkDownFor, let asked = seen.replies[member.name]?.askedAt else {
            return nil
        }
        return seen.wall + (.zero - (now - asked)) + (.zero - down)
    }

    /// Whether a replica missed a part of what its master wrote while both answered, or whether that is unknown.
    func fellBehind(_ replica: Member, _ master: Member) -> Bool {
        guard let row = seen.lastInSync[replica.name] else { return true }
        guard let lost = row.lostAt, let served = seen.lastServed[master.name] else { return false }
        return lost <= served
    }

    /// Why this replica could not take over if its master ended now; nil: it could. The master may be silent.
    func lackNow(_ replica: Member, _ report: NodeReport, _ master: Member) -> TakeoverObstacle? {
        guard report.replication.role == .replica, report.view.myself?.masterID == master.id else {
            return .doesNotFollow(master.name)
        }
        if let refusal = reasonNotToObey(replica) { return .refuses(refusal) }
        guard isInSync(report), !mayLackStream(replica, master), let row = seen.lastInSync[replica.name],
            row.lostAt == nil
        else { return .notInSync }
        if let served = seen.lastServed[master.name] {
            return row.since <= served ? nil : .inSyncTooLate(for: master.name)
        }
        return running(replica.name)?.adopted == true
            ? nil : .masterNeverAnswered(master.name)
    }
}
