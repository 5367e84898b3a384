import ClusterModel
import Planner

/// The hands: they do what they are told, and say what came of it. They never decide.
package protocol Driver: Sendable {
    func now() -> Moment
    func wall() -> WallTime
    /// Writes the record durably. Returns what went wrong, in words.
    func store(_ record: Record) async -> String?
    /// Carries out one effect to its end.
    func perform(_ effect: Effect, _ record: Record?) async -> Outcome
    /// The file systems on which these folders lie.
    func disks(of folders: [String]) -> [Disk]
    /// What the kernel says of the host as a whole.
    func host() -> HostFacts
}
