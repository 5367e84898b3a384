import ClusterModel

/// What the reports of one process say about a replica's time in sync with its master: from when to when, and up to which offset. Dropped
/// as soon as its data have changed (invariant: complete-candidate).
package struct InSync: Sendable, Equatable {
    /// When the first and the last report of this row that say "in sync" were requested.
    package var since: Moment
    package var until: Moment
    package var replicationID: String
    /// From the last of them.
    package var offset: Int64
    package var holdsData: Bool
    /// When the first later report was requested that says the link is down or a synchronization runs.
    package var lostAt: Moment?

    package init(_ report: NodeReport, at moment: Moment) {
        since = moment
        until = moment
        replicationID = report.replication.replicationID
        offset = report.replication.offset
        holdsData = report.load.holdsData
    }

    /// The row after one more report of the same process.
    package static func after(_ report: NodeReport, askedAt: Moment, knowing before: InSync?) -> InSync? {
        let replication = report.replication
        // A master follows no node, and a node that loads has dropped what it had.
        guard replication.role == .replica, !report.loading else { return nil }
        guard replication.linkUp, !replication.syncInProgress else {
            // Another stream without a report in sync: its data were replaced, and it is unknown how far they reach.
            guard var row = before, row.replicationID == replication.replicationID else { return nil }
            // An interrupted synchronization may have emptied it first.
            if row.holdsData, !report.load.holdsData { return nil }
            if row.lostAt == nil { row.lostAt = askedAt }
            return row
        }
        guard var row = before, row.lostAt == nil, row.replicationID == replication.replicationID,
            replication.offset >= row.offset
        else { return InSync(report, at: askedAt) }
        row.until = askedAt
        row.offset = replication.offset
        row.holdsData = report.load.holdsData
        return row
    }
}
