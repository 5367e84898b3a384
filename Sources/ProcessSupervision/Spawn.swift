import CProcess
import ClusterModel
import Glibc

/// Why a process could not be started: at which step, and what the system said.
package struct SpawnError: Error, Hashable, Sendable, CustomStringConvertible {
    package var step: Int32
    package var code: Int32
    package var path: String
    package var directory: String

    package var description: String {
        let why = errorText(code)
        switch cl_spawn_step(UInt32(max(step, 0))) {
        case CL_STEP_EXEC: return "cannot run \(path): \(why)"
        case CL_STEP_DIRECTORY: return "cannot enter \(directory): \(why)"
        case CL_STEP_USER: return "cannot become the configured user: \(why)"
        case CL_STEP_SESSION: return "cannot make a session: \(why)"
        case CL_STEP_DESCRIPTORS: return "cannot set up its input and output: \(why)"
        default: return "cannot fork: \(why)"
        }
    }
}

package struct SpawnOrder: Sendable {
    /// Absolute path.
    package var executable: String
    /// Without the program's name.
    package var arguments: [String]
    /// The whole environment, `NAME=value`.
    package var environment: [String]
    package var directory: String
    /// stdout and stderr go there: a file, never a pipe that somebody must read.
    package var output: String
    package var user: UserAccount?
    package var openFiles: UInt64

    package init(
        executable: String, arguments: [String], environment: [String], directory: String, output: String,
        user: UserAccount? = nil, openFiles: UInt64 = 0
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
        self.output = output
        self.user = user
        self.openFiles = openFiles
    }
}

/// Starts a process that is independent of this one: own session, default signals, no inherited descriptor, its own
/// directory. It outlives its parent.
package func spawn(_ order: SpawnOrder) throws(SpawnError) -> pid_t {
    let log = open(order.output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard log >= 0 else {
        throw SpawnError(
            step: Int32(CL_STEP_DESCRIPTORS.rawValue), code: errno, path: order.executable, directory: order.directory)
    }
    defer { close(log) }
    if let user = order.user { fchown(log, user.userID, user.groupID) }
    let argv = ([order.executable] + order.arguments).map { strdup($0) } + [nil]
    let envp = order.environment.map { strdup($0) } + [nil]
    defer {
        argv.forEach { free($0) }
        envp.forEach { free($0) }
    }
    var step: Int32 = 0
    var code: Int32 = 0
    let groups = order.user?.groups ?? []
    let pid = order.executable.withCString { path in
        order.directory.withCString { directory in
            argv.withUnsafeBufferPointer { argv in
                envp.withUnsafeBufferPointer { envp in
                    groups.withUnsafeBufferPointer { groups in
                        var request = cl_spawn()
                        request.path = path
                        request.argv = argv.baseAddress
                        request.envp = envp.baseAddress
                        request.directory = directory
                        request.log = log
                        request.set_user = order.user == nil ? 0 : 1
                        request.uid = order.user?.userID ?? 0
                        request.gid = order.user?.groupID ?? 0
                        request.groups = groups.baseAddress
                        request.group_count = groups.count
                        request.open_files = order.openFiles
                        return cl_spawn(&request, &step, &code)
                    }
                }
            }
        }
    }
    guard pid > 0 else {
        throw SpawnError(step: step, code: code, path: order.executable, directory: order.directory)
    }
    return pid
}

func errorText(_ code: Int32) -> String { String(cString: strerror(code)) }
