import CProcess
import Glibc

/// The program for an upgrade in place: same process, same children, and the kept descriptors.
package struct Replacement: Sendable {
    package var executable: String
    /// The command line, including the program's name.
    package var words: [CommandWord]
    /// `NAME=value`.
    package var environment: [CommandWord]
    package var descriptors: [Int32]

    package init(executable: String, words: [CommandWord], environment: [CommandWord], descriptors: [Int32]) {
        self.executable = executable
        self.words = words
        self.environment = environment
        self.descriptors = descriptors
    }

    /// Executes the program, which ends all other threads. It starts with all signals blocked, see `SignalWatch.hold`. Returns only
    /// on failure, with the reason and without any change.
    package func take() -> ExecError {
        let (argv, envp) = (CommandWord.vector(words), CommandWord.vector(environment))
        let code = descriptors.withUnsafeBufferPointer { kept in
            cl_exec(executable, argv, envp, kept.baseAddress, kept.count)
        }
        for text in argv + envp { free(text) }
        return ExecError(code: code)
    }
}
