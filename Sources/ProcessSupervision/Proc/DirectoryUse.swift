import ClusterModel
import Glibc

/// A process whose working directory is one that was asked for.
package struct DirectoryUse: Hashable, Sendable {
    /// As it was asked for.
    package var folder: String
    package var identity: ProcessIdentity
    /// `comm`: redis-server, bash.
    package var name: String
    /// The whole command line as the process shows it; its name where it shows none.
    package var command: String
    package var user: String?
    package var parent: pid_t
    package var session: pid_t
    /// TCP ports that it listens on; nil where that may not be seen.
    package var ports: [Int]?
    /// Time since its start.
    package var age: Duration
}

/// Who uses some directories, as far as it may be seen.
package struct DirectoryUses: Hashable, Sendable {
    package var uses: [DirectoryUse]
    /// Processes whose working directory this user may not see (ptrace(2), "access mode checking").
    package var concealed: [ConcealedProcess]
    /// /proc shows only this user's own processes (`hidepid`, proc(5)), so how many are hidden is not known.
    package var showsOnlyOwn: Bool

    package var sawAll: Bool { concealed.isEmpty && !showsOnlyOwn }
}

extension ProcessTable {
    /// One pass over /proc, without this process itself. A directory is known by device and inode, whatever path leads to it
    /// and whatever became of the path since; by its path only where it cannot be looked at from here.
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
            // Read before and after, so that what is in between is of one process.
            guard let stat = Stat(pid), !stat.hasEnded, !stat.isExiting, !stat.isKernelThread else { continue }
            guard let id = FileID("/proc/\(pid)/cwd") else {
                // ENOENT, ESRCH: it has ended meanwhile.
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
        let listeners = SocketTable.tcp().filter(\.listens)
        for index in uses.uses.indices {
            guard let inodes = sockets(of: uses.uses[index].identity.pid) else { continue }
            uses.uses[index].ports = Set(listeners.filter { inodes.contains($0.inode) }.map(\.port)).sorted()
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

        /// nil, and errno, where there is none or it may not be seen.
        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            device = UInt64(status.st_dev)
            inode = UInt64(status.st_ino)
        }
    }
}
