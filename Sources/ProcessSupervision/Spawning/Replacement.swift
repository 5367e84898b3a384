import CProcess
import Glibc

/// The program that takes the place of this one: same process, same children, and those descriptors that are kept.
package struct Replacement: Sendable {
    package var executable: String
    /// The program's name first.
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

    /// Every other thread ends with it. All signals are blocked in the program that begins, see `SignalWatch.hold`. Returns
    /// only where it cannot be done, with the reason; then everything is as it was.
    package func take() -> ExecError {
        let (argv, envp) = (CommandWord.vector(words), CommandWord.vector(environment))
        let code = descriptors.withUnsafeBufferPointer { kept in
            cl_exec(executable, argv, envp, kept.baseAddress, kept.count)
        }
        for text in argv + envp { free(text) }
        return ExecError(code: code)
    }
}
