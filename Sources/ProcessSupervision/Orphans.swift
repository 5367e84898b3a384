import ClusterModel
import Glibc

/// Ended processes whose parents ended before them. They come to pid 1, which clusterd is in a container, and stay in the table
/// of processes until it asks for them: what an engine had forked to save, what a person ran inside.
struct Orphans {
    /// Between looks. What is watched is buried within milliseconds of its end: a child that has ended at two looks is nobody's.
    static let pace = Duration.seconds(1)

    private struct Ended: Hashable {
        var pid: pid_t
        var startTime: UInt64
    }

    private var ended: Set<Ended> = []
    private var lookedAt: ContinuousClock.Instant?

    /// nil where orphans go to another process.
    static func ofThisProcess() -> Orphans? { getpid() == 1 ? Orphans() : nil }

    mutating func bury(at now: ContinuousClock.Instant = .now) {
        if let lookedAt, now - lookedAt < Self.pace { return }
        lookedAt = now
        let found = Set(Self.endedChildren())
        for child in found.intersection(ended) {
            var info = siginfo_t()
            _ = waitid(P_PID, id_t(child.pid), &info, WEXITED | WNOHANG)
        }
        ended = found
    }

    private static func endedChildren() -> [Ended] {
        // /proc/PID/task/TID/children, proc(5): each thread has its own, and orphans are given to any of them.
        ProcessTable.names(in: "/proc/self/task").flatMap { thread in
            let text = ProcessTable.read("/proc/self/task/\(thread)/children") ?? []
            return text.split(separator: UInt8(ascii: " ")).compactMap { word -> Ended? in
                guard let pid = pid_t(String(decoding: word, as: UTF8.self)), let stat = ProcessTable.Stat(pid),
                    stat.hasEnded
                else { return nil }
                return Ended(pid: pid, startTime: stat.startTime)
            }
        }
    }
}
