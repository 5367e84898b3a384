import CProcess
import Glibc

/// Why a process could not be started: the step and the system's error.
package struct SpawnError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Step: Hashable, Sendable {
        case output, outputIsNoPlainFile, fork, session, descriptors, user, directory, execute
        /// The process ran, but was killed because its exit could not be watched.
        case watch
    }

    package var step: Step
    /// errno.
    package var code: Int32
    package var executable: String
    package var directory: String
    package var output: String
    package var user: String?

    init(_ step: Step, code: Int32, _ order: SpawnOrder) {
        self.step = step
        self.code = code
        executable = order.executable
        directory = order.directory
        output = order.output
        user = order.user?.name
    }

    package var description: String {
        let program = executable.split(separator: "/").last.map(String.init) ?? executable
        return "cannot start \(program): \(reason)"
    }

    private var reason: String {
        let why = errorText(code)
        switch step {
        case .output: return "its output \(output) cannot be opened: \(why)"
        case .outputIsNoPlainFile: return "its output \(output) is not a regular file with a single name; move it away"
        case .fork: return "no process can be created: \(why)"
        case .session: return "no session can be created: \(why)"
        case .descriptors: return "its input and output cannot be set up: \(why)"
        case .user: return "it cannot become user \(user ?? "?"): \(why)\(code == EPERM ? " (only root can)" : "")"
        case .directory: return "its directory \(directory) cannot be entered\(asUser): \(why)"
        case .execute where code == ENOENT && access(executable, F_OK) == 0:
            return "the interpreter or loader that \(executable) names is missing"
        case .execute: return "\(executable)\(asUser): \(why)"
        case .watch: return "its exit cannot be watched for: \(why)"
        }
    }

    private var asUser: String { user.map { " as user \($0)" } ?? "" }
}

extension SpawnError.Step {
    /// The step from the number in the C code.
    init(_ step: Int32) {
        switch cl_spawn_step(UInt32(max(step, 0))) {
        case CL_STEP_EXEC: self = .execute
        case CL_STEP_DIRECTORY: self = .directory
        case CL_STEP_USER: self = .user
        case CL_STEP_SESSION: self = .session
        case CL_STEP_DESCRIPTORS: self = .descriptors
        default: self = .fork
        }
    }
}

func errorText(_ code: Int32) -> String { String(cString: strerror(code)) }
