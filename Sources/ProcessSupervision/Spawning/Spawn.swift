import CProcess
import Glibc

/// A process to start (invariant: clean-child).
package struct SpawnOrder: Sendable {
    /// Absolute path.
    package var executable: String
    /// The arguments, without the program's name.
    package var arguments: [String]
    /// The whole environment, `NAME=value`.
    package var environment: [String]
    package var directory: String
    /// The file to which stdout and stderr are appended: a regular file, never a pipe that needs a reader. It is created with mode
    /// 0600 if missing, and owned by `user`.
    package var output: String
    /// The user of the process; nil: that of clusterd. Only root can set one.
    package var user: UserAccount?
    /// The soft limit on open files, at most the hard limit.
    package var openFiles: UInt64
    /// Whether the process is killed when the thread that starts it ends for any reason: `SpawningThread` lives as long as this
    /// process.
    package var endsWithParent: Bool
    /// The open cgroup.procs of the cgroup that the process joins before exec; nil: it stays in the cgroup of clusterd.
    package var cgroup: Int32?

    package init(
        executable: String, arguments: [String], environment: [String], directory: String, output: String,
        user: UserAccount? = nil, openFiles: UInt64 = 0, endsWithParent: Bool = false, cgroup: Int32? = nil
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
        self.output = output
        self.user = user
        self.openFiles = openFiles
        self.endsWithParent = endsWithParent
        self.cgroup = cgroup
    }
}

/// Starts a process that is independent of this one: its own session, default signals, no inherited descriptors, its own
/// directory, umask 077. It outlives its parent, unless the order says otherwise. Returns when the program runs. The caller must
/// reap it; `ProcessWatch.start` does so automatically.
package func spawn(_ order: SpawnOrder) throws(SpawnError) -> pid_t {
    let output = try openOutput(order)
    defer { close(output) }
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
                        request.log = output
                        request.set_user = order.user == nil ? 0 : 1
                        request.uid = order.user?.userID ?? 0
                        request.gid = order.user?.groupID ?? 0
                        request.groups = groups.baseAddress
                        request.group_count = groups.count
                        request.open_files = order.openFiles
                        request.ends_with_parent = order.endsWithParent ? 1 : 0
                        request.cgroup = order.cgroup ?? -1
                        return cl_spawn(&request, &step, &code)
                    }
                }
            }
        }
    }
    guard pid > 0 else { throw SpawnError(SpawnError.Step(step), code: code, order) }
    return pid
}

/// Opens the output file. The directory may belong to the node's user while clusterd runs as root: never writes to a link, a pipe
/// or a hard link to another file, and never changes their owner.
private func openOutput(_ order: SpawnOrder) throws(SpawnError) -> Int32 {
    // O_NONBLOCK: opening a pipe without a reader would block forever. It has no effect on a regular file (open(2)).
    let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK
    let file = open(order.output, flags, 0o600)
    guard file >= 0 else { throw SpawnError(.output, code: errno, order) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, order.user == nil || status.st_nlink == 1
    else {
        close(file)
        throw SpawnError(.outputIsNoPlainFile, code: EINVAL, order)
    }
    if let user = order.user, status.st_uid != user.userID, fchown(file, user.userID, user.groupID) != 0 {
        let code = errno
        close(file)
        throw SpawnError(.output, code: code, order)
    }
    return file
}
