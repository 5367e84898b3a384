import Foundation
import Synchronization

/// A process that the benchmark started. It leads a process group of its own, so that Ctrl-C reaches only the benchmark, which
/// then ends its children itself.
final class Child: Sendable {
    let pid: pid_t
    private let status = Mutex<Int32?>(nil)

    /// Looks the program up in PATH. Output goes to the file, or nowhere.
    init(_ program: String, _ arguments: [String], output: String = "/dev/null") throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
        defer { for word in words { free(word) } }
        words.append(nil)
        var new: pid_t = 0
        let error = Interrupt.unlessPending { posix_spawnp(&new, program, &actions, &attributes, words, environ) }
        guard error == 0 else { throw Trouble("cannot start \(program): \(String(cString: strerror(error)))") }
        pid = new
    }

    func signal(_ number: Int32) {
        status.withLock { if $0 == nil { kill(pid, number) } }
    }

    /// True once the process has ended; reaps it.
    var hasEnded: Bool {
        status.withLock { status in
            guard status == nil else { return true }
            var raw: Int32 = 0
            guard waitpid(pid, &raw, WNOHANG) == pid else { return false }
            status = raw & 0x7f == 0 ? raw >> 8 & 0xff : 128 + raw & 0x7f
            return true
        }
    }

    /// The exit status as a shell gives it.
    @discardableResult
    func wait(within limit: Double = 300) throws -> Int32 {
        try require("the end of process \(pid)", within: limit, every: 200) { hasEnded }
        return status.withLock { $0 ?? 0 }
    }

    /// Runs a command to its end. The other child is reaped as soon as it ends: the command may wait for that.
    static func run(
        _ program: String, _ arguments: [String], output: String = "/dev/null", reaping other: Child? = nil
    ) throws {
        let child = try Child(program, arguments, output: output)
        try require("the end of \(program)", within: 300, every: 200) {
            _ = other?.hasEnded
            return child.hasEnded
        }
        let status = try child.wait()
        guard status == 0 else {
            throw Trouble(
                "\(program) \(arguments.joined(separator: " ")) ended with \(status):\n\(lastLines(of: output))")
        }
    }

    /// Of a file that is removed with everything else.
    static func lastLines(of path: String) -> String {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(8).map { "    " + $0 }.joined(separator: "\n")
    }
}
