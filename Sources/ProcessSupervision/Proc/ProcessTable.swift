import ClusterModel
import Glibc

/// Facts about processes from /proc (proc(5)).
package enum ProcessTable {
    /// The id of the current boot: pids and start times of another boot are meaningless.
    package static func bootID() -> String { currentBootID }

    private static let currentBootID: String = {
        let text = String(decoding: read("/proc/sys/kernel/random/boot_id") ?? [], as: UTF8.self)
        let id = String(text.prefix { !$0.isWhitespace })
        // An empty id would differ from every recorded one, and a different boot proves that a process is dead.
        precondition(!id.isEmpty, "/proc/sys/kernel/random/boot_id cannot be read: clusterd needs /proc mounted")
        return id
    }()

    /// nil if there is no such process, or it has exited and is not reaped.
    package static func identity(of pid: pid_t, bootID: String) -> ProcessIdentity? {
        guard let stat = Stat(pid), !stat.hasEnded else { return nil }
        return ProcessIdentity(bootID: bootID, pid: pid, startTime: stat.startTime)
    }

    package static func all() -> [pid_t] { names(in: "/proc").compactMap { pid_t($0) }.sorted() }

    /// The children of this process, including adopted orphans and those from before exec(3). Exited ones stay until they are reaped.
    static func children() -> [(identity: ProcessIdentity, hasEnded: Bool)] {
        let parent = getpid()
        return all().compactMap { pid in
            guard let stat = Stat(pid), stat.parent == parent else { return nil }
            return (ProcessIdentity(bootID: bootID(), pid: pid, startTime: stat.startTime), stat.hasEnded)
        }
    }

    /// The command line of a process, as it shows it; an engine shows `redis-server 127.0.0.1:7000 [cluster]`
    /// (`redisSetProcTitle`, src/server.c). Empty for kernel threads and exited processes.
    package static func commandLine(of pid: pid_t) -> String {
        let words = (read("/proc/\(pid)/cmdline") ?? []).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        return words.joined(separator: " ")
    }

    /// The program file of a process; nil if it was replaced or removed since, or is not visible.
    package static func executable(of pid: pid_t) -> String? {
        linkTarget("/proc/\(pid)/exe").flatMap { access($0, F_OK) == 0 ? $0 : nil }
    }

    /// The name of the effective user of a process.
    package static func userName(of pid: pid_t) -> String? { Status(pid).map { UserAccount.name(of: $0.userID) } }

    /// The inodes of the open sockets of a process; nil if they are not visible.
    static func sockets(of pid: pid_t) -> Set<UInt64>? {
        let folder = "/proc/\(pid)/fd"
        guard access(folder, R_OK) == 0 else { return nil }
        var inodes = Set<UInt64>()
        for name in names(in: folder) {
            // `socket:[12345]`
            guard let target = linkTarget("\(folder)/\(name)"), target.hasPrefix("socket:["),
                let inode = UInt64(target.dropFirst(8).dropLast())
            else { continue }
            inodes.insert(inode)
        }
        return inodes
    }

    static func linkTarget(_ path: String) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let count = readlink(path, start, buffer.count)
            guard count > 0 else { return nil }
            return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    static func read(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 8192)
        while true {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? bytes : nil }
            bytes += chunk[..<count]
        }
    }
}
