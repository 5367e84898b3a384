/// What one node says in CLUSTER NODES.
struct ClusterView: Equatable {
    struct Member: Equatable {
        var port: Int
        /// The id of its master; nil for a master.
        var master: String?
        var slots: [ClosedRange<Int>]
    }

    /// By node id.
    var members: [String: Member] = [:]

    /// Nil if the text is none, or names a node that fails, is met only now, or has no link.
    init?(_ text: String?) {
        guard let text else { return nil }
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count >= 8, words[7] == "connected" else { return nil }
            let flags = words[2].split(separator: ",")
            guard !flags.contains(where: { ["fail", "fail?", "handshake", "noaddr"].contains($0) }),
                let address = words[1].split(separator: "@").first,
                let port = address.split(separator: ":").last.flatMap({ Int($0) })
            else { return nil }
            let ranges = words.dropFirst(8).compactMap { word -> ClosedRange<Int>? in
                let ends = word.split(separator: "-").compactMap { Int($0) }
                guard let first = ends.first, let last = ends.last, first <= last else { return nil }
                return first...last
            }
            members[words[0]] = Member(
                port: port, master: flags.contains("master") ? nil : words[3], slots: ranges)
        }
    }

    var slotCount: Int { members.values.reduce(0) { $0 + $1.slots.reduce(0) { $0 + $1.count } } }

    struct Shard {
        var master: Int
        var replicas: [Int]
        var slot: Int
    }

    /// By first slot.
    var shards: [Shard] {
        members.compactMap { id, member -> Shard? in
            guard member.master == nil, let slot = member.slots.first?.lowerBound else { return nil }
            return Shard(
                master: member.port, replicas: members.values.filter { $0.master == id }.map(\.port), slot: slot)
        }
        .sorted { $0.slot < $1.slot }
    }
}
