import ClusterModel
import Glibc

/// What /proc tells of processes (proc(5)).
package enum ProcessTable {
    package static func bootID() -> String {
        let text = String(decoding: read("/proc/sys/kernel/random/boot_id") ?? [], as: UTF8.self)
        return String(text.prefix { !$0.isWhitespace })
    }

    /// nil where no such process is, or it has ended and waits for its parent.
    package static func identity(of pid: pid_t, bootID: String) -> ProcessIdentity? {
        guard let stat = Stat(pid), stat.state != "Z", stat.state != "X" else { return nil }
        return ProcessIdentity(bootID: bootID, pid: pid, startTime: stat.startTime)
    }

    package struct Stat: Hashable, Sendable {
        package var command: String
        /// R S D T t Z X …
        package var state: Character
        /// Clock ticks after boot.
        package var startTime: UInt64

        package init?(_ pid: pid_t) {
            guard let bytes = ProcessTable.read("/proc/\(pid)/stat"),
                let open = bytes.firstIndex(of: UInt8(ascii: "(")),
                let close = bytes.lastIndex(of: UInt8(ascii: ")")), open < close
            else { return nil }
            let fields = bytes[(close + 1)...].split(separator: 32).map { String(decoding: $0, as: UTF8.self) }
            // Field 3 is the first behind the name; 22 is the start time.
            guard fields.count > 19, let state = fields[0].first, let start = UInt64(fields[19]) else { return nil }
            command = String(decoding: bytes[(open + 1)..<close], as: UTF8.self)
            self.state = state
            startTime = start
        }
    }

    /// The effective user of a process.
    package static func userID(of pid: pid_t) -> uid_t? {
        var status = stat()
        return stat("/proc/\(pid)", &status) == 0 ? status.st_uid : nil
    }

    package static func commandLine(of pid: pid_t) -> String {
        let words = (read("/proc/\(pid)/cmdline") ?? []).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        return words.joined(separator: " ")
    }

    package static func all() -> [pid_t] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var pids: [pid_t] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let pid = pid_t(name) { pids.append(pid) }
        }
        return pids.sorted()
    }

    /// Processes whose working directory is one of these folders, by device and inode.
    package static func users(of folders: [String], bootID: String) -> [(
        folder: String, identity: ProcessIdentity, command: String
    )] {
        var wanted: [FileID: String] = [:]
        for folder in folders {
            if let id = FileID(folder) { wanted[id] = folder }
        }
        guard !wanted.isEmpty else { return [] }
        return all().compactMap { pid in
            guard let id = FileID("/proc/\(pid)/cwd"), let folder = wanted[id],
                let identity = identity(of: pid, bootID: bootID)
            else { return nil }
            let line = commandLine(of: pid)
            return (folder, identity, line.isEmpty ? Stat(pid)?.command ?? "" : line)
        }
    }

    private struct FileID: Hashable {
        var device: UInt64
        var inode: UInt64

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            device = UInt64(status.st_dev)
            inode = UInt64(status.st_ino)
        }
    }

    static func read(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? bytes : nil }
            bytes += chunk[..<count]
        }
    }
}
