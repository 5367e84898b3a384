import ClusterModel
import Planner

/// The hands: they perform orders and report the outcome. They never decide.
package protocol Driver: Sendable {
    func now() -> Moment
    func wall() -> WallTime
    /// Writes the record durably. Returns within the limit, even if the disk does not answer.
    func store(_ record: Record, limit: Duration) async -> RecordWrite
    /// Performs one effect to its end.
    func perform(_ effect: Effect, _ record: Record?) async -> Outcome
    /// The file systems of these folders; as last seen if they do not answer.
    func disks(of folders: [String]) async -> [Disk]
    /// File operations that have not returned for too long.
    func overdue() -> [OverdueWork]
    /// What the kernel reports about the host as a whole.
    func host() -> HostFacts
}

/// The outcome of writing the record.
package enum RecordWrite: Sendable, Equatable {
    case written
    /// The reason, in words.
    case refused(String)
    /// The write has not returned within the limit. It may still succeed; later writes come after it.
    case late
}
