import ClusterModel
import Planner

/// The hands: they do what they are told, and say what came of it. They never decide.
package protocol Driver: Sendable {
    func now() -> Moment
    func wall() -> WallTime
    /// Writes the record durably. Returns within the limit, also if the disk does not answer.
    func store(_ record: Record, limit: Duration) async -> RecordWrite
    /// Carries out one effect to its end.
    func perform(_ effect: Effect, _ record: Record?) async -> Outcome
    /// The file systems on which these folders lie; as last seen if they do not answer.
    func disks(of folders: [String]) async -> [Disk]
    /// Work on files that has not returned for too long.
    func overdue() -> [OverdueWork]
    /// What the kernel says of the host as a whole.
    func host() -> HostFacts
}

/// What came of writing the record.
package enum RecordWrite: Sendable, Equatable {
    case written
    /// Why not, in words.
    case refused(String)
    /// It has not returned within the limit. It may still be written; what is ordered later is written after it.
    case late
}
