import Foundation

/// From kill -9 of a master to the first write of its slots that is accepted, in seconds.
struct Measurement {
    var times: [Double] = []
    /// Kills after which no write was accepted within the limit.
    var failures = 0

    mutating func kill(of cluster: Cluster, round: Int, limit: Double) throws {
        guard eventually(within: 120, every: 50_000, { cluster.isWhole }) else {
            throw Trouble("the cluster in \(cluster.folder) did not become whole")
        }
        let shards = cluster.shards(seenBy: cluster.ports[round % 6]).sorted { $0.slot < $1.slot }
        let shard = shards[round % shards.count]
        let key = Self.key(in: shard.slot)
        // Connections exist before the kill, as those of a client do.
        let heirs = shard.replicas.map(Node.init)
        for heir in heirs { _ = heir.send("PING") }
        guard let pid = Node(shard.master).pid else { throw Trouble("\(shard.master) does not answer") }
        let began = seconds()
        Glibc.kill(pid, SIGKILL)
        let accepted = eventually(within: limit, every: 200) {
            heirs.contains { $0.send("SET", key, "x") == "+OK" }
        }
        let took = seconds() - began
        if accepted { times.append(took) } else { failures += 1 }
        try cluster.revive(shard.master)
    }

    mutating func adoption(by cluster: SupervisedCluster) throws {
        guard eventually(within: 120, every: 50_000, { cluster.isWhole }) else {
            throw Trouble("the cluster in \(cluster.folder) did not become whole")
        }
        times.append(try cluster.replaceDaemon())
    }

    func quantile(_ share: Double) -> Double {
        let sorted = times.sorted()
        guard !sorted.isEmpty else { return .nan }
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }

    /// A key of this slot: found by trying, since a hash is quick.
    private static func key(in slot: Int) -> String {
        var number = 0
        while crc16("bench\(number)") % 16384 != slot { number += 1 }
        return "bench\(number)"
    }

    /// CRC16 of XMODEM, as Redis Cluster hashes keys.
    private static func crc16(_ text: String) -> Int {
        var crc = 0
        for byte in text.utf8 {
            crc ^= Int(byte) << 8
            for _ in 0..<8 { crc = crc & 0x8000 != 0 ? (crc << 1 ^ 0x1021) & 0xFFFF : crc << 1 }
        }
        return crc
    }
}

struct Trouble: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
