/// The server program: Redis or Valkey, and its version.
package struct Engine: Hashable, Sendable, Codable, CustomStringConvertible {
    package enum Name: String, Hashable, Sendable, Codable { case redis, valkey }

    package var name: Name
    package var version: EngineVersion

    package init(name: Name, version: EngineVersion) {
        self.name = name
        self.version = version
    }
    package var description: String { "\(name.rawValue) \(version)" }
    /// `redis-server 7.0.15`.
    package var program: String { "\(name.rawValue)-server \(version)" }

    /// `cluster-port`, ADDSLOTSRANGE, SHUTDOWN NOW/FORCE, hostnames in nodes.conf (Redis 7.0).
    package var isSevenOrLater: Bool { name == .valkey || version >= EngineVersion(7, 0, 0) }
    /// Whether a master that has handed over accepts its new master's stream without further commands (`resetManualFailover`,
    /// src/cluster.c).
    package var endsItsPauseAtHandOver: Bool { isSevenOrLater }

    /// CLUSTER MIGRATESLOTS (Valkey 9.0).
    package var movesSlotsAtomically: Bool { name == .valkey && version >= EngineVersion(9, 0, 0) }

    /// Whether a replica that writes its master's dump to disk looks for the end of it only once a second (Valkey 9: the dump is received in
    /// a thread of its own, src/replication.c).
    package var isSlowToNoticeDump: Bool { name == .valkey && version >= EngineVersion(9, 0, 0) }

    /// The default of `repl-diskless-sync` (Redis 7.0).
    package var synchronizesDiskless: Bool { isSevenOrLater }

    /// `shard-id=` in nodes.conf, and nodes.conf replaced by rename (Redis 7.2).
    package var knowsShardIDs: Bool { name == .valkey || version >= EngineVersion(7, 2, 0) }
}

package struct EngineVersion: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package var major: Int
    package var minor: Int
    package var patch: Int

    package init(_ major: Int, _ minor: Int, _ patch: Int) {
        self.major = major
        self.minor = minor
        self.patch = patch
    }
    /// From text such as `7.0.15`; anything after a third number (`-rc1`) is ignored.
    package init?(_ text: some StringProtocol) {
        let numbers = text.split(separator: ".").map { part in Int(part.prefix { $0.isNumber }) }
        guard numbers.count >= 2, let major = numbers[0], let minor = numbers[1] else { return nil }
        self.init(major, minor, numbers.count > 2 ? numbers[2] ?? 0 : 0)
    }
    package static func < (a: EngineVersion, b: EngineVersion) -> Bool {
        (a.major, a.minor, a.patch) < (b.major, b.minor, b.patch)
    }
    package var description: String { "\(major).\(minor).\(patch)" }
}
