/// What /proc tells of a process at one moment: whether it computes, waits, or is kept from running (proc(5)).
package struct ProcessActivity: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        /// R.
        case running
        /// S: it waits for something, and a signal would wake it.
        case asleep
        /// D: it waits in the kernel for a disk, or was frozen.
        case uninterruptible
        /// T: by SIGSTOP, SIGTSTP and the like.
        case stopped
        /// t: by a debugger, at this moment.
        case traced
        /// It has ended.
        case ended
    }

    package var state: State
    /// Used so far, in user and in kernel mode, by all of its threads.
    package var cpuTicks: UInt64
    /// Pages that it had to wait for from a disk: grows while it is swapped in.
    package var majorFaults: UInt64
    /// The process that traces it; it may be running all the same.
    package var tracer: Int32?
    /// SIGKILL was sent and not yet acted on.
    package var isBeingKilled: Bool

    package init(
        state: State, cpuTicks: UInt64, majorFaults: UInt64 = 0, tracer: Int32? = nil, isBeingKilled: Bool = false
    ) {
        self.state = state
        self.cpuTicks = cpuTicks
        self.majorFaults = majorFaults
        self.tracer = tracer
        self.isBeingKilled = isBeingKilled
    }
}
