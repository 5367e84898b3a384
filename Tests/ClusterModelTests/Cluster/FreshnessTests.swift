import ClusterModel
import Testing

/// Which of two copies is newer, as far as this can be known. Invariant: no-older-master.
@Suite struct FreshnessTests {
    typealias Durability = Freshness.Durability

    private static func copy(
        _ durability: Durability, stream: String? = nil, _ offset: Int64 = 0, ends: Bool = false,
        covers: Int64? = nil, endsAt: Int64? = nil, seen: Int64? = nil, written: Int64? = nil, rewritten: Int64? = nil
    ) -> Freshness {
        func time(_ seconds: Int64?) -> WallTime? { seconds.map { WallTime(milliseconds: $0 * 1000) } }
        var copy = Freshness(durability)
        copy.reached = stream.map { .init(replicationID: $0, offset: offset) }
        copy.endsThere = ends
        (copy.coversUntil, copy.endsAt, copy.seenAt) = (time(covers), time(endsAt), time(seen))
        copy.appendedAt = time(written)
        copy.writtenAt = time(rewritten ?? written)
        return copy
    }

    enum Word: String, Sendable { case fresher, no, open }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var one: Freshness
        var other: Freshness
        var said: Word
        /// The result for the copies in reverse order.
        var reversed: Word

        init(_ words: String, _ one: Freshness, _ other: Freshness, _ said: Word, _ reversed: Word) {
            testDescription = words
            (self.one, self.other, self.said, self.reversed) = (one, other, said, reversed)
        }
    }

    static let cases = [
        Case("data against none", copy(.dump), copy(.nothing), .fresher, .no),
        Case("none against none", copy(.nothing), copy(.nothing), .no, .no),
        Case(
            "a running replica against a dump of the same stream", copy(.running, stream: "s", 900, ends: true),
            copy(.dump, stream: "s", 100, ends: true, covers: 50, endsAt: 51), .fresher, .no),
        Case(
            "a running replica against a whole file, which may end anywhere",
            copy(.running, stream: "s", 900, ends: true, covers: 100),
            copy(.wholeAppendOnly, stream: "s", 900, covers: 100, seen: 100), .no, .no),
        Case(
            "two dumps of one stream", copy(.dump, stream: "s", 200, ends: true),
            copy(.dump, stream: "s", 100, ends: true),
            .fresher, .no),
        Case(
            "two dumps of different times", copy(.dump, covers: 200, endsAt: 201),
            copy(.dump, covers: 100, endsAt: 101),
            .fresher, .no),
        Case(
            "two dumps of the same second", copy(.dump, covers: 9, endsAt: 10), copy(.dump, covers: 9, endsAt: 10), .no,
            .no),
        Case(
            "a file that was in sync after the other's dump", copy(.wholeAppendOnly, covers: 300),
            copy(.dump, covers: 100, endsAt: 101), .fresher, .no),
        Case(
            "a file that went out of sync before the other's dump", copy(.wholeAppendOnly, covers: 50),
            copy(.dump, covers: 100, endsAt: 101), .open, .no),
        Case(
            "whole against cut, in sync when both were seen", copy(.wholeAppendOnly, covers: 100, seen: 100),
            copy(.cutAppendOnly, seen: 100), .fresher, .no),
        Case(
            "whole against cut, out of sync long before", copy(.wholeAppendOnly, covers: 20, seen: 100),
            copy(.cutAppendOnly, seen: 100), .open, .no),
        Case(
            "whole against cut, and no record", copy(.wholeAppendOnly), copy(.cutAppendOnly), .fresher, .no),
        Case("cut against cut", copy(.cutAppendOnly, seen: 100), copy(.cutAppendOnly, seen: 100), .open, .open),
        Case(
            "a dump against a cut file", copy(.dump, covers: 50, endsAt: 51), copy(.cutAppendOnly, seen: 100), .open,
            .open),
        Case(
            "two whole files: no evidence for either",
            copy(.wholeAppendOnly, stream: "s", 90, covers: 100, seen: 100),
            copy(.wholeAppendOnly, stream: "s", 80, covers: 100, seen: 100), .no, .no),
        Case(
            "two whole files, one written much longer",
            copy(.wholeAppendOnly, covers: 100, seen: 100, written: 99),
            copy(.wholeAppendOnly, covers: 100, seen: 100, written: 40), .fresher, .no),
        Case(
            "two whole files, written within moments",
            copy(.wholeAppendOnly, covers: 100, seen: 100, written: 99),
            copy(.wholeAppendOnly, covers: 100, seen: 100, written: 97), .no, .no),
        Case(
            "two whole files, one rewritten entirely long after",
            copy(.wholeAppendOnly, covers: 100, seen: 100, written: 40, rewritten: 99),
            copy(.wholeAppendOnly, covers: 100, seen: 100, written: 40), .no, .no),
        Case(
            "one written longer, and out of sync for as long",
            copy(.wholeAppendOnly, covers: 10, seen: 100, written: 99),
            copy(.wholeAppendOnly, covers: 100, seen: 100, written: 40), .no, .no),
        Case(
            "two clean exits, the replica's first", copy(.cleanStop, stream: "s", 500, covers: 99, endsAt: 100),
            copy(.cleanStop, stream: "s", 500, covers: 101, endsAt: 102), .no, .fresher),
        Case(
            "a clean exit of long ago against a master that ran on", copy(.cleanStop, covers: 10, endsAt: 11),
            copy(.wholeAppendOnly, covers: 100, seen: 100), .no, .fresher),
    ]

    @Test(arguments: cases) func freshnessIsKnownOnlyIfProven(_ row: Case) {
        #expect(Self.word(row.one.compared(with: row.other)) == row.said)
        #expect(Self.word(row.other.compared(with: row.one)) == row.reversed)
    }

    private static func word(_ comparison: Freshness.Comparison) -> Word {
        switch comparison {
        case .fresher: .fresher
        case .notFresher: .no
        case .undecided: .open
        }
    }

    /// Of two copies at most one is known to be newer.
    @Test func twoCopiesAreNeverBothNewer() {
        let copies = Self.cases.flatMap { [$0.one, $0.other] }
        for one in copies {
            for other in copies where Self.word(one.compared(with: other)) == .fresher {
                #expect(Self.word(other.compared(with: one)) != .fresher, "\(one) and \(other)")
            }
        }
    }
}
