import ClusterModel

/// What a node held when it was last queried. In the record, so that a daemon that finds nothing running can tell which folder holds the
/// newest data.
package struct LastSeen: Sendable, Equatable, Codable {
    package var at: WallTime
    package var role: Role
    package var replicationID: String
    package var offset: Int64
    /// Of all databases.
    package var keys: Int64
    /// Libraries of functions; nil: none.
    package var libraries: Int64?
    /// When it last held everything: a replica in sync, or a master.
    package var syncedAt: WallTime?
    /// The process and boot in which this was seen.
    package var bootID: String
    /// nil: it kept none.
    package var appendOnlyBytes: Int64?
    package var appendFsync: String?
    /// It could not write it, or had not yet; nil: it had.
    package var appendOnlyFailed: Bool?
    /// The wall clock was set back since, and others were seen at times before this one: it proves no order. nil: it was not.
    package var clockSetBack: Bool?

    package init(_ report: NodeReport, at: WallTime, syncedAt: WallTime?, bootID: String) {
        self.at = at
        role = report.replication.role
        replicationID = report.replication.replicationID
        offset = report.replication.offset
        keys = report.load.keys
        libraries = report.load.libraries > 0 ? report.load.libraries : nil
        self.syncedAt = syncedAt
        self.bootID = bootID
        appendOnlyBytes = report.persistence.appendOnly ? report.persistence.appendOnlyBytes : nil
        appendFsync = report.persistence.appendFsync
        appendOnlyFailed = report.persistence.appendOnly && !report.isAppended ? true : nil
    }

    var holdsData: Bool { keys > 0 || (libraries ?? 0) > 0 }

    /// `300 keys and 1 library of functions`.
    var amount: String { NodeReport.Load.amount(keys: keys, libraries: libraries ?? 0) }

    /// Smaller steps make no difference: the engine reports whole seconds.
    static let clockStep = Duration.seconds(1)

    /// Whether its times can be compared with those that are recorded now.
    func isComparable(at wall: WallTime) -> Bool { clockSetBack != true && at <= wall + Self.clockStep }

    var position: Freshness.Position { .init(replicationID: replicationID, offset: offset) }

    /// Another stream, another role, or another persistence: worth an immediate write.
    func isOtherKind(than other: LastSeen) -> Bool {
        role != other.role || replicationID != other.replicationID || appendFsync != other.appendFsync
            || (appendOnlyBytes == nil) != (other.appendOnlyBytes == nil) || appendOnlyFailed != other.appendOnlyFailed
            || (syncedAt == nil) != (other.syncedAt == nil) || holdsData != other.holdsData
    }

    /// Idle masters send their replicas a few bytes now and then.
    static let idleBytes: Int64 = 1024

    func hasMoved(since other: LastSeen) -> Bool {
        keys != other.keys || libraries != other.libraries || offset > other.offset + Self.idleBytes
    }
}

extension Turn {
    /// Between writes of the record while keys change; half of what `Freshness` assumes.
    static let lastSeenPace = Duration.seconds(7)
    /// Between writes at rest, so that "in sync until" stays recent.
    static let lastSeenRest = Duration.seconds(600)

    /// World before record, and not on every change: immediately if the kind of a node's data changes, otherwise now and then, for all
    /// nodes together so that they can be compared.
    mutating func noteLastSeen() {
        let news = members.compactMap { member in lastSeen(member).map { (member, $0) } }
        let isDue = news.contains { member, new in
            guard let old = member.lastSeen else { return true }
            if new.isOtherKind(than: old) { return true }
            let age = Duration.milliseconds(new.at.milliseconds - old.at.milliseconds)
            return age >= (new.hasMoved(since: old) ? Self.lastSeenPace : Self.lastSeenRest) || age < .zero
        }
        guard isDue else { return }
        for (member, new) in news {
            guard let index = place(of: member.name) else { continue }
            set(\.lastSeen, new, at: index)
            set(\.cleanStop, nil, at: index)
            continueStream(index, new)
        }
        markSetBack()
    }

    /// From now on nodes are seen at times before those at which others were last seen: those are later by the clock, but older.
    private mutating func markSetBack() {
        for (index, member) in members.enumerated() {
            guard let last = member.lastSeen, last.clockSetBack != true, !last.isComparable(at: seen.wall) else {
                continue
            }
            for path in [\Member.lastSeen, \Member.cleanStop] {
                guard var noted = member[keyPath: path] else { continue }
                noted.clockSetBack = true
                set(path, noted, at: index)
            }
        }
    }

    /// Streams that this node's data continue: its own, and those that it was part of before a restart or a promotion.
    private mutating func continueStream(_ index: Int, _ new: LastSeen) {
        var streams = decision.record?.members[index].streams ?? []
        guard streams.last != new.replicationID, new.syncedAt != nil else { return }
        // A replica takes its master's data in place of its own.
        if new.role == .replica { streams = [] }
        streams.append(new.replicationID)
        set(\.streams, Array(streams.suffix(4)), at: index)
    }

    /// nil: it cannot be determined now, and the last known value stays.
    private func lastSeen(_ member: Member) -> LastSeen? {
        guard let report = freshReply(from: member), !report.loading, !report.replication.syncInProgress else {
            return nil
        }
        let isWhole = report.replication.role == .master || report.replication.linkUp
        // For a replica that never was in sync, only its data at the start are known.
        guard isWhole || seen.lastInSync[member.name] != nil else { return nil }
        let synced =
            isWhole ? seen.wall : seen.lastInSync[member.name].map { seen.wall + (.zero - (now - $0.until)) }
        return LastSeen(report, at: seen.wall, syncedAt: synced, bootID: seen.bootID)
    }

    /// A requested end that succeeded: what it held is on disk.
    mutating func noteCleanStops() {
        for member in members {
            guard let exit = exited(member.name), exit.reason.kind == .clean, let report = exit.lastReport,
                !report.loading, report.view.myself?.followsGhost != true,
                member.cleanStop.map({ $0.at < exit.wall }) ?? true,
                let index = place(of: member.name)
            else { continue }
            let synced = report.replication.role == .master ? exit.wall : member.lastSeen?.syncedAt
            let stop = LastSeen(report, at: exit.wall, syncedAt: synced, bootID: seen.bootID)
            set(\.cleanStop, stop, at: index)
            set(\.lastSeen, stop, at: index)
        }
    }
}
