import ClusterModel
import Glibc

/// A process that has one of the given directories as its working directory.
package struct DirectoryUse: Hashable, Sendable {
    /// The directory, as given.
    package var folder: String
    package var identity: ProcessIdentity
    /// `comm`: redis-server, bash.
    package var name: String
    /// The whole command line as the process shows it, else its name.
    package var command: String
    package var user: String?
    package var parent: pid_t
    package var session: pid_t
    /// The TCP ports on which it listens; nil if they are not visible.
    package var ports: [Int]?
    /// Time since its start.
    package var age: Duration
}

/// The processes that use the given directories, as far as they are visible.
package struct DirectoryUses: Hashable, Sendable {
    package var uses: [DirectoryUse]
    /// Processes whose working directory this user may not see (ptrace(2), "access mode checking").
    package var concealed: [ConcealedProcess]
    /// /proc shows only processes of this user (`hidepid`, proc(5)), so the number of hidden ones is unknown.
    package var showsOnlyOwn: Bool

    package var sawAll: Bool { concealed.isEmpty && !showsOnlyOwn }
}

extension ProcessTable {
    /// Scans /proc once, without this process. Identifies directories by device and inode, regardless of their current path; by
    /// path only if a directory is not accessible.
    package static func directoryUses(of folders: [String], bootID: String) -> DirectoryUses {
        var uses = DirectoryUses(uses: [], concealed: [], showsOnlyOwn: access("/proc/1", F_OK) != 0)
        var byFile: [FileID: String] = [:]
        var byPath: [String: String] = [:]
        for folder in folders {
            if let id = FileID(folder) { byFile[id] = folder } else if errno != ENOENT { byPath[folder] = folder }
        }
        guard !byFile.isEmpty || !byPath.isEmpty else { return uses }
        let own = getpid()
        for pid in all() where pid != own {
            // Read before and after, to ensure that all values belong to one process.
            guard let stat = Stat(pid), !stat.hasEnded, !stat.isExiting, !stat.isKernelThread else { continue }
            guard let id = FileID("/proc/\(pid)/cwd") else {
                // ENOENT, ESRCH: the process has exited meanwhile.
                if errno == EACCES || errno == EPERM { uses.concealed.append(concealed(pid, stat)) }
                continue
            }
            let folder = byFile[id] ?? (byPath.isEmpty ? nil : linkTarget("/proc/\(pid)/cwd").flatMap { byPath[$0] })
            guard let folder, identity(of: pid, bootID: bootID)?.startTime == stat.startTime else { continue }
            let line = commandLine(of: pid)
            uses.uses.append(
                DirectoryUse(
                    folder: folder,
                    identity: ProcessIdentity(bootID: bootID, pid: pid, startTime: stat.startTime),
                    name: stat.command, command: line.isEmpty ? stat.command : line, user: userName(of: pid),
                    parent: stat.parent, session: stat.session, ports: nil, age: stat.age))
        }
        guard !uses.uses.isEmpty else { return uses }
        let ports = Dictionary(SocketTable.listeners().map { ($0.inode, $0.port) }) { first, _ in first }
        for index in uses.uses.indices {
            guard let inodes = sockets(of: uses.uses[index].identity.pid) else { continue }
            uses.uses[index].ports = Set(inodes.compactMap { ports[$0] }).sorted()
        }
        return uses
    }

    private static func concealed(_ pid: pid_t, _ stat: Stat) -> ConcealedProcess {
        let line = commandLine(of: pid)
        return ConcealedProcess(
            pid: pid, name: stat.command, command: line.isEmpty ? stat.command : line,
            userID: Status(pid)?.userID ?? 0)
    }

    struct FileID: Hashable {
        var device: UInt64
        var inode: UInt64

        /// nil, with errno set, if it does not exist or is not visible.
        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            device = UInt64(status.st_dev)
            inode = UInt64(status.st_ino)
        }
    }
}
