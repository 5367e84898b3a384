import Glibc

/// The unit that this process belongs to.
package enum ServiceUnit {
    /// `clusterd@blue`, as `systemctl` takes it; nil where it is no service: in a terminal, in a container without systemd.
    ///
    /// sd_pid_get_unit(3) would look at pid 1 as well, which ProtectProc=invisible hides.
    package static func name() -> String? { name(inFile: "/proc/self/cgroup") }

    /// Of another process.
    package static func name(ofProcess pid: pid_t) -> String? { name(inFile: "/proc/\(pid)/cgroup") }

    private static func name(inFile path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, file)
        return name(inGroups: String(decoding: bytes.prefix(count), as: UTF8.self))
    }

    /// From the lines of cgroups(7): `0::/system.slice/system-clusterd.slice/clusterd@blue.service`. A unit that delegates its
    /// group may have us further below.
    package static func name(inGroups text: String) -> String? {
        let suffix = ".service"
        for line in text.split(separator: "\n") where line.hasPrefix("0::") || line.contains(":name=systemd:") {
            guard let unit = line.split(separator: "/").last(where: { $0.hasSuffix(suffix) }) else { continue }
            return String(unit.dropLast(suffix.count))
        }
        return nil
    }
}
