import ClusterModel
import Glibc

extension ProcessTable {
    /// /proc/PID/stat: distinguishes stopped, busy and blocked processes.
    package struct Stat: Hashable, Sendable {
        /// The name of the program, at most 15 bytes (`comm`). On Debian it is redis-server, although the file is
        /// redis-check-rdb.
        package var command: String
        package var parent: pid_t
        /// The session (setsid(2)): for an engine that clusterd started, the engine's own pid, which its children inherit.
        package var session: pid_t
        /// R running, S asleep, D in the kernel, T stopped, t traced, Z ended and not reaped, I idle kernel thread, X dead.
        package var state: Character
        /// CPU time in user and kernel mode, in clock ticks.
        package var cpuTicks: UInt64
        /// CPU time of reaped children: saves and rewrites.
        package var cpuTicksOfChildren: UInt64
        /// Resident pages.
        package var residentPages: UInt64
        /// Page faults that needed I/O.
        package var majorFaults: UInt64
        /// Clock ticks after boot.
        package var startTime: UInt64
        package var isKernelThread: Bool
        /// The kernel is terminating it: it executes no further instruction, and has no command line any more.
        package var isExiting: Bool

        /// nil if there is no such process.
        package init?(_ pid: pid_t) {
            guard let bytes = ProcessTable.read("/proc/\(pid)/stat") else { return nil }
            self.init(bytes)
        }

        package init?(_ bytes: [UInt8]) {
            // The name may contain spaces and parentheses: it ends at the last parenthesis.
            guard let open = bytes.firstIndex(of: UInt8(ascii: "(")),
                let close = bytes.lastIndex(of: UInt8(ascii: ")")), open < close
            else { return nil }
            let fields = bytes[(close + 1)...].split(separator: UInt8(ascii: " "))
            // proc(5) counts from 1; the state, after the name, is field 3.
            func number(_ field: Int) -> UInt64? { UInt64(String(decoding: fields[field - 3], as: UTF8.self)) }
            guard fields.count > 21, let state = fields[0].first, let parent = number(4),
                let flags = number(9), let faults = number(12), let user = number(14), let system = number(15),
                let start = number(22),
                let resident = number(24)
            else { return nil }
            self.parent = pid_t(clamping: parent)
            self.session = pid_t(clamping: number(6) ?? 0)
            command = String(decoding: bytes[(open + 1)..<close], as: UTF8.self)
            self.state = Character(Unicode.Scalar(state))
            cpuTicks = user &+ system
            // These are signed, and 0 without a value.
            cpuTicksOfChildren = (number(16) ?? 0) &+ (number(17) ?? 0)
            residentPages = resident
            majorFaults = faults
            startTime = start
            // PF_KTHREAD, include/linux/sched.h
            isKernelThread = flags & 0x20_0000 != 0
            // PF_EXITING
            isExiting = flags & 0x4 != 0
        }

        package var hasEnded: Bool { state == "Z" || state == "X" }

        /// Time since its start.
        package var age: Duration {
            var boot = timespec()
            clock_gettime(CLOCK_BOOTTIME, &boot)
            let ticks = Int64(max(1, sysconf(Int32(_SC_CLK_TCK))))
            let now = Int64(boot.tv_sec) * 1000 + Int64(boot.tv_nsec) / 1_000_000
            return .milliseconds(max(0, now - Int64(clamping: startTime) * 1000 / ticks))
        }
    }

    /// /proc/PID/status.
    package struct Status: Hashable, Sendable {
        /// The effective user id.
        package var userID: uid_t
        /// SIGKILL is pending: the process will execute no further instruction.
        package var isBeingKilled: Bool
        /// The pid of its tracer (ptrace(2)).
        package var tracer: pid_t?

        /// Of the lines that are read.
        private static let initials = Array("UTS".utf8)

        /// nil if there is no such process.
        package init?(_ pid: pid_t) {
            guard let bytes = ProcessTable.read("/proc/\(pid)/status") else { return nil }
            self.init(bytes)
        }

        package init?(_ bytes: [UInt8]) {
            var userID: uid_t?
            var pending: UInt64 = 0
            // Sixty lines, of which four are read, for each node at each question.
            for line in bytes.split(separator: UInt8(ascii: "\n")) where Self.initials.contains(line[line.startIndex]) {
                let words = String(decoding: line, as: UTF8.self).split { $0 == "\t" || $0 == " " }
                guard words.count > 1 else { continue }
                switch words[0] {
                // Real, effective, saved, file system.
                case "Uid:": userID = words.count > 2 ? uid_t(words[2]) : nil
                // Pending for the main thread, and for the whole process.
                case "TracerPid:": tracer = pid_t(words[1]).flatMap { $0 == 0 ? nil : $0 }
                case "SigPnd:", "ShdPnd:": pending |= UInt64(words[1], radix: 16) ?? 0
                default: continue
                }
            }
            guard let userID else { return nil }
            self.userID = userID
            isBeingKilled = pending & (1 << UInt64(SIGKILL - 1)) != 0
        }
    }

    /// Whether the process with this identity is alive. Every user can read `/proc/PID/stat`, so only `hidepid` (proc(5)) can hide
    /// it; kill(2) then shows that a process with this pid exists, but not which one.
    package static func presence(of process: ProcessIdentity) -> ProcessPresence {
        guard process.bootID == bootID() else { return .gone }
        if let stat = Stat(process.pid) {
            return stat.startTime == process.startTime && !stat.hasEnded ? .alive : .gone
        }
        if kill(process.pid, 0) != 0, errno == ESRCH { return .gone }
        // It may have exited between the two checks.
        guard let stat = Stat(process.pid) else { return kill(process.pid, 0) != 0 && errno == ESRCH ? .gone : .hidden }
        return stat.startTime == process.startTime && !stat.hasEnded ? .alive : .gone
    }

    /// The current activity of a process; nil if the process with this identity does not exist any more.
    package static func activity(of process: ProcessIdentity) -> ProcessActivity? {
        guard let stat = Stat(process.pid), stat.startTime == process.startTime, let status = Status(process.pid) else {
            return nil
        }
        let state: ProcessActivity.State =
            switch stat.state {
            case "R": .running
            case "D": .uninterruptible
            case "T": .stopped
            case "t": .traced
            case "Z", "X": .ended
            default: .asleep
            }
        return ProcessActivity(
            state: state, cpuTicks: stat.cpuTicks, majorFaults: stat.majorFaults, tracer: status.tracer,
            isBeingKilled: status.isBeingKilled)
    }
}
