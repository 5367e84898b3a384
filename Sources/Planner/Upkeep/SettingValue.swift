import ClusterModel

/// Whether a live value matches the configuration. The engine shows values in its own form: bytes for `1gb`, one line for several, the
/// older names for the newer ones.
package enum SettingValue {
    /// The lines of a directive as one value, as CONFIG SET takes it.
    package static func joined(_ lines: [[String]]) -> String { lines.joined().joined(separator: " ") }

    package static func isSame(_ name: String, _ configured: String, live: String) -> Bool {
        if configured == live { return true }
        if isSecret(name) { return false }
        switch name {
        case "client-output-buffer-limit": return limits(configured).allSatisfy { limits(live)[$0.key] == $0.value }
        case "notify-keyspace-events": return events(configured) == events(live)
        default: return words(configured) == words(live)
        }
    }

    /// Never shown, and never part of a key.
    package static func isSecret(_ name: String) -> Bool {
        ["requirepass", "masterauth", "user", "tls-key-file-pass", "tls-client-key-file-pass"].contains(name)
    }

    /// CONFIG SET rejects these while the engine runs (`IMMUTABLE_CONFIG`, src/config.c); the engine itself reports others that it rejects.
    package static func isFixed(_ name: String) -> Bool {
        fixed.contains(name)
    }

    private static let fixed: Set<String> = [
        "aclfile", "always-show-logo", "aof_rewrite_cpulist", "bgsave_cpulist", "bio_cpulist", "cluster-enabled",
        "databases",
        "disable-thp", "enable-debug-command", "enable-module-command", "enable-protected-configs",
        "io-threads-do-reads",
        "loadmodule", "rdbchecksum", "server_cpulist", "tcp-backlog", "user",
    ]

    private static func words(_ text: String) -> [String] {
        text.split(separator: " ").map { word in
            bytes(word).map(String.init) ?? (word.contains("/") ? String(word) : word.lowercased())
        }
    }

    /// `memtoll`, src/util.c.
    package static func bytes(_ word: some StringProtocol) -> Int64? {
        let digits = word.prefix { $0.isNumber }
        guard !digits.isEmpty, let number = Int64(digits) else { return nil }
        let units: [String: Int64] = [
            "": 1, "b": 1, "k": 1000, "kb": 1 << 10, "m": 1_000_000, "mb": 1 << 20, "g": 1_000_000_000, "gb": 1 << 30,
        ]
        guard let unit = units[word.dropFirst(digits.count).lowercased()] else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit)
        return overflow ? nil : product
    }

    /// By class: hard limit, soft limit, seconds.
    private static func limits(_ text: String) -> [String: [String]] {
        let all = words(text)
        var found: [String: [String]] = [:]
        for start in stride(from: 0, to: all.count - 3, by: 4) {
            found[all[start] == "slave" ? "replica" : all[start]] = Array(all[(start + 1)...(start + 3)])
        }
        return found
    }

    private static func events(_ text: String) -> Set<Character> {
        var flags = Set(text)
        if flags.remove("A") != nil { flags.formUnion("g$lshzxetd") }
        return flags
    }
}
