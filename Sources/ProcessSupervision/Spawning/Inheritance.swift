import CProcess
import Glibc

/// What this process was given by whoever started it, for a program that is to find it as if clusterd did not stand between
/// (compare env(1), nohup(1)).
package struct Inheritance: Hashable, Sendable {
    /// Bit n - 1 is signal n.
    let ignoredSignals: UInt64
    /// Open ones, besides 0, 1 and 2.
    package let descriptors: [Int32]

    /// To be called before anything is opened and before any signal is dealt with.
    package static func take() -> Inheritance {
        let open = ProcessTable.names(in: "/proc/self/fd").compactMap { Int32($0) }.sorted()
        return Inheritance(
            ignoredSignals: cl_ignored_signals(),
            // What came through exec is not marked to be closed by it; what this process has opened is.
            descriptors: open.filter { $0 > 2 && fcntl($0, F_GETFD) == 0 })
    }

    package func ignores(_ signal: Int32) -> Bool { ignoredSignals >> UInt64(signal - 1) & 1 != 0 }

    /// Puts the signals back, for a process that is about to become another program.
    package func restoreSignals() { cl_set_signals(ignoredSignals) }
}
