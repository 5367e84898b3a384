import CProcess
import Glibc

/// A process to start (invariant: clean-child).
package struct SpawnOrder: Sendable {
    /// Absolute path.
    package var executable: String
    /// Without the program's name.
    package var arguments: [String]
    /// The whole environment, `NAME=value`.
    package var environment: [String]
    package var directory: String
    /// stdout and stderr are appended there: a plain file, never a pipe that somebody must read. It is made with mode 0600
    /// where it is missing, and given to `user`.
    package var output: String
    /// Whom it runs as; nil: as clusterd itself. Only root can name one.
    package var user: UserAccount?
    /// What the soft limit on open files is raised to, as far as the hard one lets it.
    package var openFiles: UInt64
    /// Whether it is killed when the thread that starts it ends, however that comes about: `SpawningThread` lives as long as
    /// this process.
    package var endsWithParent: Bool
    /// The open cgroup.procs of the cgroup that it joins before it becomes the program; nil: it stays in ours.
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

/// Starts a process that is independent of this one: own session, default signals, no inherited descriptor, its own
/// directory, umask 077. It outlives its parent, unless the order says otherwise. Returns once the program runs; the caller has to reap it, which
/// `ProcessWatch.start` does by itself.
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

/// The directory may belong to the user that the node runs as, and clusterd may be root: a link, a pipe or a second name of
/// some other file in that place is not written to, and not given away.
private func openOutput(_ order: SpawnOrder) throws(SpawnError) -> Int32 {
    // O_NONBLOCK: the open of a pipe that nobody reads would wait for ever. On a plain file it means nothing (open(2)).
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
