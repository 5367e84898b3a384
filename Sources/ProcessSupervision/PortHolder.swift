import ClusterModel
import Glibc

/// Who holds a TCP port, as far as /proc lets this user see it (proc(5), /proc/net/tcp).
package struct PortHolder: Hashable, Sendable {
    package var pid: pid_t?
    package var command: String?
    package var user: String?

    package static func of(port: Int) -> PortHolder {
        let sockets = (entries("/proc/net/tcp") + entries("/proc/net/tcp6")).filter { $0.port == port }
        // The listener, else whoever has the port as its own end of a connection.
        guard let socket = sockets.first(where: { $0.listens }) ?? sockets.first(where: { $0.inode != 0 }) else {
            return PortHolder()
        }
        var holder = PortHolder(user: UserAccount.name(of: socket.userID))
        if let pid = ProcessTable.all().first(where: { holds($0, socket.inode) }) {
            holder.pid = pid
            holder.command = ProcessTable.Stat(pid)?.command
            if let user = ProcessTable.userID(of: pid) { holder.user = UserAccount.name(of: user) }
        }
        return holder
    }

    /// `7005 is in use by python3 (pid 4182, user alice)`.
    package func sentence(port: Int) -> String {
        if let pid, let command {
            return "\(port) is in use by \(command) (pid \(pid)\(user.map { ", user \($0)" } ?? ""))"
        }
        let look = "process not visible to clusterd; sudo ss -ltnp 'sport = :\(port)'"
        if let user { return "\(port) is in use by user \(user) (\(look))" }
        return "\(port) is in use (\(look))"
    }

    private struct Entry {
        var port: Int
        var listens: Bool
        var userID: uid_t
        var inode: UInt64
    }

    private static func entries(_ path: String) -> [Entry] {
        let lines = (ProcessTable.read(path) ?? []).split(separator: 10).dropFirst()
        return lines.compactMap { line in
            let fields = line.split(separator: 32).map { String(decoding: $0, as: UTF8.self) }
            guard fields.count > 9, let hex = fields[1].split(separator: ":").last, let port = Int(hex, radix: 16),
                let user = uid_t(fields[7]), let inode = UInt64(fields[9])
            else { return nil }
            return Entry(port: port, listens: fields[3] == "0A", userID: user, inode: inode)
        }
    }

    private static func holds(_ pid: pid_t, _ inode: UInt64) -> Bool {
        let wanted = "socket:[\(inode)]"
        guard let folder = opendir("/proc/\(pid)/fd") else { return false }
        defer { closedir(folder) }
        var target = [CChar](repeating: 0, count: 64)
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            let length = readlink("/proc/\(pid)/fd/\(name)", &target, target.count - 1)
            guard length > 0 else { continue }
            if String(decoding: target.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self) == wanted {
                return true
            }
        }
        return false
    }
}
