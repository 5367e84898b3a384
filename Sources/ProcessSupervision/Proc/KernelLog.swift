import Glibc

/// The kernel's log about processes killed by the OOM killer (`oom_kill_process`, mm/oom_kill.c):
/// `Out of memory: Killed process 4182 (redis-server) total-vm:…`, or `Memory cgroup out of memory: Killed process …`.
package enum KernelLog {
    /// Whether the kernel's log names this pid as killed since a moment, in clock ticks after boot; nil if the log is not readable
    /// (`kernel.dmesg_restrict`) or does not reach that far back.
    package static func namesKill(of pid: pid_t, after startTime: UInt64) -> Bool? {
        let log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard log >= 0 else { return nil }
        defer { close(log) }
        let ticks = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
        let since = startTime * 1_000_000 / ticks
        var buffer = [UInt8](repeating: 0, count: 8192)
        var sawAny = false
        while true {
            let count = read(log, &buffer, buffer.count)
            if count < 0 {
                // EPIPE: records were overwritten; the next read continues after them (Documentation/ABI/testing/dev-kmsg).
                if errno == EPIPE || errno == EINTR { continue }
                return errno == EAGAIN ? (sawAny ? false : nil) : nil
            }
            guard count > 0 else { return sawAny ? false : nil }
            sawAny = true
            if Record(buffer[..<count])?.isKill(of: pid, since: since) == true { return true }
        }
    }

    /// `6,339,5140900,-;NET: Registered …`: priority, number, microseconds since boot, flags; the text.
    struct Record {
        let microseconds: UInt64
        let text: [UInt8]

        init?(_ bytes: some Collection<UInt8>) {
            guard let semicolon = bytes.firstIndex(of: UInt8(ascii: ";")) else { return nil }
            let fields = bytes[..<semicolon].split(separator: UInt8(ascii: ","))
            guard fields.count > 2, let time = UInt64(String(decoding: fields[2], as: UTF8.self)) else { return nil }
            microseconds = time
            text = Array(bytes[bytes.index(after: semicolon)...].prefix { $0 != UInt8(ascii: "\n") })
        }

        func isKill(of pid: pid_t, since moment: UInt64) -> Bool {
            guard microseconds >= moment else { return false }
            let words = String(decoding: text, as: UTF8.self).split(separator: " ")
            guard let at = words.firstIndex(of: "process"), at > 0, at + 1 < words.count else { return false }
            return words[at - 1] == "Killed" && words[at + 1] == "\(pid)"
        }
    }
}

/// The number of processes that the OOM killer has killed.
package enum MemoryKills {
    /// The count of `cgroup`, or of the cgroup of this process and its children; else that of the whole host. nil if neither is
    /// available. It never decreases.
    package static func count(in cgroup: Cgroup? = nil) -> Int? {
        let own = cgroup?.memoryEvents.map { Int(clamping: $0.killed) }
        return own ?? inCgroup(ProcessTable.read("/proc/self/cgroup") ?? []) ?? field("oom_kill", in: "/proc/vmstat")
    }

    /// Of cgroup v2 (`memory.events`, Documentation/admin-guide/cgroup-v2.rst) and of v1 (`memory.oom_control`). The root
    /// has neither.
    private static func inCgroup(_ bytes: [UInt8]) -> Int? {
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            // `0::/system.slice/clusterd.service`, `4:memory:/user.slice`
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[2] != "/" else { continue }
            if parts[0] == "0", let count = field("oom_kill", in: "/sys/fs/cgroup\(parts[2])/memory.events") {
                return count
            }
            if parts[1].split(separator: ",").contains("memory"),
                let count = field("oom_kill", in: "/sys/fs/cgroup/memory\(parts[2])/memory.oom_control")
            {
                return count
            }
        }
        return nil
    }

    private static func field(_ name: String, in path: String) -> Int? {
        ProcessTable.read(path).flatMap { Cgroup.field(name, in: $0) }.map { Int(clamping: $0) }
    }
}
