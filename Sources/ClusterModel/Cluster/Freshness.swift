/// How far a copy of a shard's keys reaches: what a running node holds, or what lies in a folder. Not one number, since
/// little of it can be compared: the offset within one replication stream can, a time can where both ends are known, and
/// of files what kind they are. What none of these prove stays open, and then roles stay as they are (invariant:
/// no-older-master).
package struct Freshness: Hashable, Sendable {
    /// What kind of evidence there is, the weakest first.
    package enum Durability: Int, Comparable, Hashable, Sendable {
        case nothing
        case dump
        /// An append-only file of which an end is missing, or that could not be loaded.
        case cutAppendOnly
        case wholeAppendOnly
        /// Saved by a process that ended as it was told, and not touched since.
        case cleanStop
        case running

        package static func < (a: Durability, b: Durability) -> Bool { a.rawValue < b.rawValue }
    }

    /// A place in a stream of writes.
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
    /// Everything up to here is in it.
    package var reached: Position?
    /// Whether it ends at `reached`; otherwise it may hold more.
    package var endsThere = false
    /// Everything that the shard had written until then is in it.
    package var coversUntil: WallTime?
    /// Nothing that was written later is in it.
    package var endsAt: WallTime?
    /// When its node was last seen to hold it, whole.
    package var seenAt: WallTime?
    /// When its files were last written, for whatever reason.
    package var writtenAt: WallTime?
    /// When a write of the shard was last appended to them. A file that was written as a whole says nothing of that: the engine
    /// does so at every synchronisation and rewrite, also where nobody has written for days.
    package var appendedAt: WallTime?

    package init(_ durability: Durability) { self.durability = durability }

    /// Nodes are seen together, and what was seen is remembered at least so often while they change.
    package static let granularity = Duration.seconds(15)
    /// Files of nodes in sync are written within this of each other: `appendfsync everysec`, and a busy disk.
    package static let writeSpread = Duration.seconds(5)

    package enum Comparison: Hashable, Sendable {
        /// It holds all that the other holds, and more: why, as a sentence's end.
        case fresher(because: String)
        /// It is known not to, or nothing speaks for it.
        case notFresher
        /// Each may hold what the other lacks.
        case undecided(because: String)
    }

    package func compared(with other: Freshness) -> Comparison {
        if durability == .nothing { return .notFresher }
        if other.durability == .nothing { return .fresher(because: "the other folder holds no data") }
        return byOffset(other) ?? byTime(other) ?? byKind(other)
    }

    /// Of the PING that a master sends its replicas in the stream (`*1\r\n$4\r\nPING\r\n`); no write is as short.
    static let pingBytes: Int64 = 14

    private func byOffset(_ other: Freshness) -> Comparison? {
        guard let mine = reached, let theirs = other.reached, mine.replicationID == theirs.replicationID else {
            return nil
        }
        if other.endsThere, mine.offset > theirs.offset {
            return .fresher(because: "it reaches offset \(mine.offset), and the other ends at \(theirs.offset)")
        }
        return endsThere && mine.offset <= theirs.offset + Self.pingBytes ? .notFresher : nil
    }

    private func byTime(_ other: Freshness) -> Comparison? {
        if let end = endsAt, let covered = other.coversUntil, covered >= end { return .notFresher }
        if let end = other.endsAt, let covered = coversUntil, covered >= end {
            return .fresher(because: "it was in sync until later than the other was saved")
        }
        return nil
    }

    private func byKind(_ other: Freshness) -> Comparison {
        switch (durability, other.durability) {
        case (.nothing, _), (_, .nothing): return .notFresher
        case (.wholeAppendOnly..., .cutAppendOnly):
            // Whole, and in sync when the other was last seen whole.
            let wasInSync =
                other.seenAt.map { seen in coversUntil.map { $0 + Self.granularity >= seen } ?? false } ?? true
            return wasInSync
                ? .fresher(because: "the other's append-only file is cut short")
                : .undecided(because: "one is cut short, and the other was not in sync at the end")
        case (.cutAppendOnly, .wholeAppendOnly...), (.dump, .wholeAppendOnly...): return .notFresher
        case (.wholeAppendOnly..., .dump), (.dump, .cutAppendOnly), (.cutAppendOnly, .dump),
            (.cutAppendOnly, .cutAppendOnly):
            return .undecided(because: "neither is known to hold all of the other")
        case (.dump, .dump):
            return coversUntil == other.coversUntil && reached == nil && other.reached == nil
                ? .notFresher : .undecided(because: "the two dumps cannot be compared")
        default:
            guard durability != .running, other.durability != .running, let mine = appendedAt,
                let theirs = other.writtenAt, mine > theirs + Self.writeSpread, let covered = coversUntil,
                other.seenAt.map({ covered + Self.granularity >= $0 }) ?? true
            else { return .notFresher }
            return .fresher(
                because:
                    "its files were written until \(Duration.milliseconds(mine.milliseconds - theirs.milliseconds).inWords) "
                    + "after the other's")
        }
    }
}
