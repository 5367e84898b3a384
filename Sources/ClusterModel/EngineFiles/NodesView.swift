/// What one node knows about all nodes: a CLUSTER NODES reply, by id, or the node lines of a nodes.conf, in their order.
package struct NodesView: Hashable, Sendable {
    package var entries: [NodeEntry] {
        didSet { (isSorted, ownPlace, digest) = Self.survey(entries) }
    }
    private var isSorted: Bool
    /// The place of the first entry that is the node's own.
    private var ownPlace: Int?
    /// Of what the entries say about roles, slots, epochs, ports and failures: views with equal digests agree, whichever node has them.
    package private(set) var digest: Digest

    package init(entries: [NodeEntry]) {
        self.entries = entries
        (isSorted, ownPlace, digest) = Self.survey(entries)
    }

    /// The same entries with other times.
    init(_ entries: [NodeEntry], like other: NodesView) {
        self.entries = entries
        (isSorted, ownPlace, digest) = (other.isSorted, other.ownPlace, other.digest)
    }

    package static func == (a: NodesView, b: NodesView) -> Bool { a.digest == b.digest && a.entries == b.entries }
    package func hash(into hasher: inout Hasher) { hasher.combine(digest) }

    package var myself: NodeEntry? { ownPlace.map { entries[$0] } }

    /// Whether both say the same about every node, apart from times.
    package func isCopy(of other: NodesView) -> Bool {
        digest == other.digest && entries.count == other.entries.count
            && entries.indices.allSatisfy { entries[$0].isCopy(of: other.entries[$0]) }
    }

    package func entry(_ id: NodeID) -> NodeEntry? { Self.index(of: id, in: entries, isSorted).map { entries[$0] } }
    package func knows(_ id: NodeID) -> Bool { Self.index(of: id, in: entries, isSorted) != nil }

    /// The epoch of an entry as an engine reports it: a replica has its master's, which clusterd does not write in a file. A master that was
    /// replaced has the epoch of its successor, and a node that still follows it is seen as before.
    package func epoch(of entry: NodeEntry) -> UInt64 { Self.epoch(of: entry, in: entries, isSorted) }

    private static func epoch(of entry: NodeEntry, in entries: [NodeEntry], _ isSorted: Bool) -> UInt64 {
        guard !entry.flags.contains(.master), let master = entry.masterID,
            let index = index(of: master, in: entries, isSorted), entries[index].flags.contains(.master)
        else { return entry.configEpoch }
        return entries[index].configEpoch
    }

    private static func index(of id: NodeID, in entries: [NodeEntry], _ isSorted: Bool) -> Int? {
        guard isSorted else { return entries.firstIndex { $0.id == id } }
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low].id == id ? low : nil
    }

    /// Every slot that some entry owns: fewer than all in a file whose slot list was cut, which its grammar alone does not reveal.
    package var coveredSlots: SlotSet { SlotSet(entries.flatMap(\.slots.ranges)) }

    package static func parse(_ reply: some Sequence<UInt8>) -> NodesView { NodesReply(Array(reply)).view }
    package static func parse(_ reply: String) -> NodesView { parse(reply.utf8) }

    private static func survey(_ entries: [NodeEntry]) -> (isSorted: Bool, ownPlace: Int?, Digest) {
        var isSorted = true
        for index in entries.indices.dropFirst() where !(entries[index - 1].id < entries[index].id) { isSorted = false }
        var digest = Digest()
        for index in entries.indices {
            digest.add(entries[index], epoch: epoch(of: entries[index], in: entries, isSorted))
        }
        return (isSorted, entries.firstIndex { $0.flags.contains(.myself) }, digest)
    }

    /// 128 bits, so that two views that differ never have the same by chance. A sum: the order of the entries makes no difference.
    package struct Digest: Hashable, Sendable {
        private var one: UInt64 = 0
        private var two: UInt64 = 0

        /// What one node says about itself and what others say about it count alike.
        private static let counted: NodeEntry.Flags = [.master, .replica, .fail, .handshake, .noaddr]

        fileprivate mutating func add(_ entry: NodeEntry, epoch: UInt64) {
            var (a, b) = (Lane(seed: 0x9E37_79B9_7F4A_7C15), Lane(seed: 0xD6E8_FEB8_6659_FD93))
            func mix(_ word: UInt64) {
                a.mix(word)
                b.mix(word)
            }
            for word in entry.id.words { mix(word) }
            mix(UInt64(entry.flags.intersection(Self.counted).rawValue))
            if let master = entry.masterID { for word in master.words { mix(word) } }
            mix(epoch)
            mix(UInt64(truncatingIfNeeded: entry.ports.client))
            for range in entry.slots.ranges {
                mix(UInt64(truncatingIfNeeded: range.lowerBound << 16 | range.upperBound))
            }
            one &+= a.state
            two &+= b.state
        }
    }

    /// Rounds as in SplitMix64.
    private struct Lane {
        private(set) var state: UInt64

        init(seed: UInt64) { state = seed }

        mutating func mix(_ word: UInt64) {
            state = (state ^ word) &* 0xBF58_476D_1CE4_E5B9
            state ^= state >> 31
        }
    }
}
