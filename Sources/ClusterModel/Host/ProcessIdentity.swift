/// Exactly one process: pids are reused, a pid with its start time on one boot is not.
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
    /// Nearly all are of one boot.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(pid)
        hasher.combine(startTime)
    }
    package static func == (a: ProcessIdentity, b: ProcessIdentity) -> Bool {
        a.pid == b.pid && a.startTime == b.startTime && a.bootID == b.bootID
    }
}

/// The result of a look for one process. `gone` is a statement about the process; `hidden` is one about the look.
package enum ProcessPresence: Sendable, Hashable {
    case alive, gone
    /// A process with that pid exists, and its start time may not be read.
    case hidden
}

/// A process whose working directory may not be read, so that it may work in any folder that its user may write to.
package struct ConcealedProcess: Sendable, Hashable {
    package var pid: Int32
    /// `comm`: at most 15 bytes.
    package var name: String
    /// The command line; the name if there is none.
    package var command: String
    package var userID: UInt32

    package init(pid: Int32, name: String, command: String, userID: UInt32) {
        self.pid = pid
        self.name = name
        self.command = command
        self.userID = userID
    }
}
