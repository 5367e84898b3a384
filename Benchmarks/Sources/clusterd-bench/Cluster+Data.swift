extension Cluster {
    /// Writes values of 1000 bytes that do not compress, to all shards alike, and waits until no file is rewritten any more.
    func fill(megabytes: Int) throws {
        let noise = Self.noise()
        try fill(Keys("data", count: megabytes * 1000)) { number in
            let start = number * 997 % (noise.count - 1000)
            return String(decoding: noise[start..<start + 1000], as: UTF8.self)
        }
    }

    /// The same with these keys. The value is that of the key with this number.
    func fill(_ keys: Keys, value: (Int) -> String) throws {
        for (port, numbers) in keys.numbers(by: try owners()) {
            let node = Node(port)
            for first in stride(from: 0, to: numbers.count, by: 200) {
                let batch = numbers[first..<min(first + 200, numbers.count)].map { number in
                    ["SET", keys.names[number], value(number)]
                }
                guard let replies = node.pipeline(batch), replies.allSatisfy({ $0 == "+OK" }) else {
                    throw Trouble("\(port) did not accept the data")
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

    /// The port of the master of each slot, as the first node that answers sees it.
    func owners() throws -> [Int] {
        for port in ports {
            guard let view = ClusterView(Node(port).send("CLUSTER", "NODES")), view.slotCount == Slots.count else {
                continue
            }
            var owners = [Int](repeating: 0, count: Slots.count)
            for member in view.members.values {
                for range in member.slots {
                    for slot in range { owners[slot] = member.port }
                }
            }
            return owners
        }
        throw Trouble("none of the \(ports.count) nodes from \(ports[0]) knows the owners of all slots")
    }

    /// Throws unless each key is at the owner of its slot, and on no other master.
    func checkPresence(of keys: Keys) throws {
        var (found, held) = (0, 0)
        for (port, numbers) in keys.numbers(by: try owners()) {
            let node = Node(port)
            for first in stride(from: 0, to: numbers.count, by: 200) {
                let batch = numbers[first..<min(first + 200, numbers.count)].map { ["EXISTS", keys.names[$0]] }
                guard let replies = node.pipeline(batch) else { throw Trouble("\(port) does not answer") }
                found += replies.filter { $0 == ":1" }.count
            }
            let reply = node.send("EVAL", "return #redis.call('KEYS', ARGV[1])", "0", keys.prefix + ":*") ?? "no answer"
            guard let count = Int(reply.dropFirst()) else { throw Trouble("\(port) does not count its keys: \(reply)") }
            held += count
        }
        guard found == keys.names.count, held == keys.names.count else {
            throw Trouble("of \(keys.names.count) keys \(found) are at their owners, and \(held) on all masters")
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
