import ClusterModel

/// What the reports of one process say of a replica's being in sync with its master: from when to when, and how far it
/// came. Forgotten as soon as its data are no longer what they were then (invariant: complete-candidate).
package struct InSync: Sendable, Equatable {
    /// When the first and the last report of this row were asked for that say that it is in sync.
    package var since: Moment
    package var until: Moment
    package var replicationID: String
    /// Of the last of them.
    package var offset: Int64
    package var holdsData: Bool
    /// When the first report after them was asked for; it says that the link is down, or that a synchronisation runs.
    package var lostAt: Moment?

    package init(_ report: NodeReport, at moment: Moment) {
        since = moment
        until = moment
        replicationID = report.replication.replicationID
        offset = report.replication.offset
        holdsData = report.load.holdsData
    }

    /// What is known after one more report of the same process.
    package static func after(_ report: NodeReport, askedAt: Moment, knowing before: InSync?) -> InSync? {
        let replication = report.replication
        // A master follows nobody, and one that loads has dropped what it had.
        guard replication.role == .replica, !report.loading else { return nil }
        guard replication.linkUp, !replication.syncInProgress else {
            // Another stream without a report in sync: its data were replaced, and how far they reach was not seen.
            guard var row = before, row.replicationID == replication.replicationID else { return nil }
            // An interrupted synchronisation may have emptied it first.
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
