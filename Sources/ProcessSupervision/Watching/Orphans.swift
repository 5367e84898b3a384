import ClusterModel
import Glibc

/// Ended processes whose parents ended before them. They come to pid 1, which clusterd is in a container, and stay in the table
/// of processes until it asks for them: what an engine had forked to save, what a person ran inside.
struct Orphans {
    /// Between looks. What is watched is buried within milliseconds of its end: a child that has ended at two looks is nobody's.
    static let pace = Duration.seconds(1)

    private var ended: Set<ProcessIdentity> = []
    private var lookedAt: ContinuousClock.Instant?

    /// nil where orphans go to another process.
    static func ofThisProcess() -> Orphans? { getpid() == 1 ? Orphans() : nil }

    mutating func bury(at now: ContinuousClock.Instant = .now) {
        if let lookedAt, now - lookedAt < Self.pace { return }
        lookedAt = now
        let found = Set(ProcessTable.children().filter(\.hasEnded).map(\.identity))
        for child in found.intersection(ended) {
            var info = siginfo_t()
            _ = waitid(P_PID, id_t(child.pid), &info, WEXITED | WNOHANG)
        }
        ended = found
    }
}
