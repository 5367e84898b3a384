import ClusterModel
import Glibc

/// Reaps orphaned processes: exited processes whose parents exited before them. Pid 1, which clusterd is in a container, adopts
/// them, and they stay in the process table until it reaps them. They are children that an engine forked for a save, or commands
/// that a user ran inside.
struct Orphans {
    /// The interval between checks. Watched processes are reaped within milliseconds: a zombie at two checks is an orphan.
    static let pace = Duration.seconds(1)

    private var ended: Set<ProcessIdentity> = []
    private var lookedAt: ContinuousClock.Instant?

    /// nil if another process adopts orphans.
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
