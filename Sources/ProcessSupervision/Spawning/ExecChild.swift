import CProcess
import Glibc

/// A command of the user: it inherits terminal, process group, working directory, descriptors and signals from this process. It is
/// killed when the thread that starts it ends.
package struct ExecChild: Sendable {
    /// The path of the first word in `words`.
    package var executable: CommandWord
    package var words: [CommandWord]
    /// `NAME=value`.
    package var environment: [CommandWord]
    package var inheritance: Inheritance

    package init(
        executable: CommandWord, words: [CommandWord], environment: [CommandWord], inheritance: Inheritance
    ) {
        self.executable = executable
        self.words = words
        self.environment = environment
        self.inheritance = inheritance
    }

    /// - Throws: the errno of fork(2) or execve(2).
    package func start() throws(ExecError) -> pid_t {
        do {
            return try start(executable, words)
        } catch  where error.code == ENOEXEC {
            // The shell runs a script without an interpreter line, as with execvp(3).
            let shell = CommandWord("/bin/sh")
            return try start(shell, [shell, executable] + words.dropFirst())
        }
    }

    private func start(_ executable: CommandWord, _ words: [CommandWord]) throws(ExecError) -> pid_t {
        let path = CommandWord.vector([executable])
        let argv = CommandWord.vector(words)
        let envp = CommandWord.vector(environment)
        defer {
            path.forEach { free($0) }
            argv.forEach { free($0) }
            envp.forEach { free($0) }
        }
        var code: Int32 = 0
        let pid = argv.withUnsafeBufferPointer { argv in
            envp.withUnsafeBufferPointer { envp in
                inheritance.descriptors.withUnsafeBufferPointer { descriptors in
                    var guest = cl_guest()
                    guest.path = UnsafePointer(path[0])
                    guest.argv = argv.baseAddress
                    guest.envp = envp.baseAddress
                    guest.descriptors = descriptors.baseAddress
                    guest.descriptor_count = descriptors.count
                    guest.ignored = inheritance.ignoredSignals
                    return cl_spawn_guest(&guest, &code)
                }
            }
        }
        guard pid > 0 else { throw ExecError(code: code) }
        return pid
    }
}

package struct ExecError: Error, Hashable, Sendable, CustomStringConvertible {
    /// errno
    package var code: Int32
    package init(code: Int32) { self.code = code }
    package var description: String { errorText(code) }
}

/// Replaces this process with another program. Returns only on failure, with the reason.
package func become(_ executable: CommandWord, _ words: [CommandWord], _ environment: [CommandWord]) -> ExecError {
    let (argv, envp) = (CommandWord.vector(words), CommandWord.vector(environment))
    execve(executable.bytes.map { CChar(bitPattern: $0) } + [0], argv, envp)
    let error = ExecError(code: errno)
    for text in argv + envp { free(text) }
    return error
}
