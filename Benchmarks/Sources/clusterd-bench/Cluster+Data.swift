extension Cluster {
    /// Writes values of 1000 bytes that do not compress, to all shards alike, and waits until no file is rewritten any more.
    func fill(megabytes: Int) throws {
        var keys = [[String]](repeating: [], count: masters)
        let shards = try shards()
        for number in 0..<megabytes * 1000 {
            let key = "data:\(number)"
            let slot = Slots.slot(of: key)
            keys[(shards.lastIndex { $0.slot <= slot } ?? 0)].append(key)
        }
        let noise = Self.noise()
        for (shard, keys) in zip(shards, keys) {
            let node = Node(shard.master)
            for first in stride(from: 0, to: keys.count, by: 200) {
                let batch = keys[first..<min(first + 200, keys.count)].enumerated().map { offset, key in
                    let start = (first * 31 + offset * 997) % (noise.count - 1000)
                    return ["SET", key, String(decoding: noise[start..<start + 1000], as: UTF8.self)]
                }
                guard let replies = node.pipeline(batch), replies.allSatisfy({ $0 == "+OK" }) else {
                    throw Trouble("\(shard.master) did not accept the data")
                }
            }
        }
        let nodes = ports.map(Node.init)
        try require("no file is rewritten any more", within: 120, every: 50_000) {
            nodes.allSatisfy { node in
                ["aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress"].allSatisfy {
                    node.info($0, of: "persistence") == "0"
                }
            }
        }
    }

    /// Printable characters without a pattern, the same in each run.
    private static func noise() -> [UInt8] {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        return (0..<100_000).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return UInt8(33 + state >> 32 % 94)
        }
    }
}
