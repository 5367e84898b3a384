import CProcess
import Glibc

/// The signals and descriptors that this process inherited, for a program that must find them unchanged, as if clusterd did not
/// exist (compare env(1), nohup(1)).
package struct Inheritance: Hashable, Sendable {
    /// A mask: bit n - 1 is signal n.
    let ignoredSignals: UInt64
    /// The open descriptors, except 0, 1 and 2.
    package let descriptors: [Int32]

    /// Must be called before anything is opened and before any signal is handled.
    package static func take() -> Inheritance {
        let open = ProcessTable.names(in: "/proc/self/fd").compactMap { Int32($0) }.sorted()
        return Inheritance(
            ignoredSignals: cl_ignored_signals(),
            // Inherited descriptors are not close-on-exec; those that this process opened are.
            descriptors: open.filter { $0 > 2 && fcntl($0, F_GETFD) == 0 })
    }

    package func ignores(_ signal: Int32) -> Bool { ignoredSignals >> UInt64(signal - 1) & 1 != 0 }

    /// Restores the signals before exec of another program.
    package func restoreSignals() { cl_set_signals(ignoredSignals) }
}
