/// How far a copy of a shard's keys reaches: the memory of a running node, or the files in a folder. Not one number, since little of it is
/// comparable: offsets within one replication stream are, times are if both ends are known, and files by their kind. What none of these
/// prove stays open, and then the roles stay unchanged (invariant: no-older-master).
package struct Freshness: Hashable, Sendable {
    /// The kind of evidence, the weakest first.
    package enum Durability: Int, Comparable, Hashable, Sendable {
        case nothing
        case dump
        /// An append-only file that is incomplete, or that could not be loaded.
        case cutAppendOnly
        case wholeAppendOnly
        /// Saved by a process that stopped as ordered, and unchanged since.
        case cleanStop
        case running

        package static func < (a: Durability, b: Durability) -> Bool { a.rawValue < b.rawValue }
    }

    /// A position in a stream of writes.
    package struct Position: Hashable, Sendable {
        package var replicationID: String
        /// Bytes.
        package var offset: Int64

        package init(replicationID: String, offset: Int64) {
            self.replicationID = replicationID
            self.offset = offset
        }
    }

    package var durability: Durability
    /// Everything up to here is in the copy.
    package var reached: Position?
    /// Whether it ends at `reached`; otherwise it may hold more.
    package var endsThere = false
    /// Everything that the shard had written until then is in the copy.
    package var coversUntil: WallTime?
    /// Nothing that was written later is in the copy.
    package var endsAt: WallTime?
    /// When its node was last seen to hold it completely.
    package var seenAt: WallTime?
    /// When its files were last written, for whatever reason.
    package var writtenAt: WallTime?
    /// When a write of the shard was last appended to the files. A file that was written as a whole proves nothing about that: the engine
    /// writes one at every synchronization and rewrite, even without any client write for days.
    package var appendedAt: WallTime?

    package init(_ durability: Durability) { self.durability = durability }

    /// Nodes are seen together, and what was seen is recorded at least this often while they change.
    package static let granularity = Duration.seconds(15)
    /// Files of nodes in sync are written within this time of each other: `appendfsync everysec`, and a busy disk.
    package static let writeSpread = Duration.seconds(5)

    package enum Comparison: Hashable, Sendable {
        /// It holds everything that the other holds, and more.
        case fresher(because: Evidence)
        /// It is known not to be fresher, or there is no evidence for it.
        case notFresher
        /// Each may hold what the other lacks.
        case undecided(because: Doubt)
    }

    /// What proves that a copy is fresher than another.
    package enum Evidence: Hashable, Sendable {
        /// The other holds no data.
        case otherIsEmpty
        /// In the same stream: bytes.
        case offset(Int64, otherEndsAt: Int64)
        /// In sync until later than the other was saved.
        case inSyncLater
        /// The append-only file of the other is incomplete.
        case otherIsCut
        /// How much later its files were written.
        case writtenLater(by: Duration)
    }

    /// Why neither copy is known to be fresher.
    package enum Doubt: Hashable, Sendable {
        /// One is incomplete, and the other was not in sync at the end.
        case cutOrOutOfSync
        /// Neither is known to hold all of the other.
        case neitherHoldsAll
        /// Two dumps with nothing to compare.
        case incomparableDumps
    }

    package func compared(with other: Freshness) -> Comparison {
        if durability == .nothing { return .notFresher }
        if other.durability == .nothing { return .fresher(because: .otherIsEmpty) }
        return byOffset(other) ?? byTime(other) ?? byKind(other)
    }

    /// The length of the PING that a master sends its replicas in the stream (`*1\r\n$4\r\nPING\r\n`); no write is as short.
    static let pingBytes: Int64 = 14

    private func byOffset(_ other: Freshness) -> Comparison? {
        guard let mine = reached, let theirs = other.reached, mine.replicationID == theirs.replicationID else {
            return nil
        }
        if other.endsThere, mine.offset > theirs.offset {
            return .fresher(because: .offset(mine.offset, otherEndsAt: theirs.offset))
        }
        return endsThere && mine.offset <= theirs.offset + Self.pingBytes ? .notFresher : nil
    }

    private func byTime(_ other: Freshness) -> Comparison? {
        if let end = endsAt, let covered = other.coversUntil, covered >= end { return .notFresher }
        if let end = other.endsAt, let covered = coversUntil, covered >= end {
            return .fresher(because: .inSyncLater)
        }
        return nil
    }

    private func byKind(_ other: Freshness) -> Comparison {
        switch (durability, other.durability) {
        case (.nothing, _), (_, .nothing): return .notFresher
        case (.wholeAppendOnly..., .cutAppendOnly):
            // Complete, and in sync when the other was last seen complete.
            let wasInSync =
                other.seenAt.map { seen in coversUntil.map { $0 + Self.granularity >= seen } ?? false } ?? true
            return wasInSync
                ? .fresher(because: .otherIsCut) : .undecided(because: .cutOrOutOfSync)
        case (.cutAppendOnly, .wholeAppendOnly...), (.dump, .wholeAppendOnly...): return .notFresher
        case (.wholeAppendOnly..., .dump), (.dump, .cutAppendOnly), (.cutAppendOnly, .dump),
            (.cutAppendOnly, .cutAppendOnly):
            return .undecided(because: .neitherHoldsAll)
        case (.dump, .dump):
            return coversUntil == other.coversUntil && reached == nil && other.reached == nil
                ? .notFresher : .undecided(because: .incomparableDumps)
        default:
            guard durability != .running, other.durability != .running, let mine = appendedAt,
                let theirs = other.writtenAt, mine > theirs + Self.writeSpread, let covered = coversUntil,
                other.seenAt.map({ covered + Self.granularity >= $0 }) ?? true
            else { return .notFresher }
            return .fresher(because: .writtenLater(by: .milliseconds(mine.milliseconds - theirs.milliseconds)))
        }
    }
}
