import Glibc

/// The systemd unit of a process.
package enum ServiceUnit {
    /// The unit of this process, for `systemctl`: `clusterd@blue`. nil if it is not a service: in a terminal, or without systemd.
    ///
    /// Does not use sd_pid_get_unit(3), which also reads pid 1, and ProtectProc=invisible hides that.
    package static func name() -> String? { name(inFile: "/proc/self/cgroup") }

    /// The unit of another process.
    package static func name(ofProcess pid: pid_t) -> String? { name(inFile: "/proc/\(pid)/cgroup") }

    private static func name(inFile path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, file)
        return name(inGroups: String(decoding: bytes.prefix(count), as: UTF8.self))
    }

    /// Parses the lines of cgroups(7): `0::/system.slice/system-clusterd.slice/clusterd@blue.service`. In a unit with delegation the
    /// process may be in a cgroup further below.
    package static func name(inGroups text: String) -> String? {
        let suffix = ".service"
        for line in text.split(separator: "\n") where line.hasPrefix("0::") || line.contains(":name=systemd:") {
            guard let unit = line.split(separator: "/").last(where: { $0.hasSuffix(suffix) }) else { continue }
            return String(unit.dropLast(suffix.count))
        }
        return nil
    }
}
