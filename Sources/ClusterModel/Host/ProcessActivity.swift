/// The state of a process in /proc at one moment: whether it uses CPU, waits, or is kept from running (proc(5)).
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
    /// CPU time used so far, in user and kernel mode, by all of its threads.
    package var cpuTicks: UInt64
    /// Pages that it had to wait for from a disk (major faults): grows while it is swapped in.
    package var majorFaults: UInt64
    /// The process that traces it; it may still be running.
    package var tracer: Int32?
    /// SIGKILL was sent and has not taken effect yet.
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
