/// One process and no other: pids are used again, a pid with its start time on one boot is not.
package struct ProcessIdentity: Hashable, Sendable, Codable, CustomStringConvertible {
    /// /proc/sys/kernel/random/boot_id.
    package var bootID: String
    package var pid: Int32
    /// Clock ticks since boot: field 22 of /proc/PID/stat (proc(5)).
    package var startTime: UInt64

    package init(bootID: String, pid: Int32, startTime: UInt64) {
        self.bootID = bootID
        self.pid = pid
        self.startTime = startTime
    }
    package var description: String { "pid \(pid)" }
}
