import Glibc

/// The open files of a process, as far as they are visible to this user (proc(5); ptrace(2), "access mode checking").
extension ProcessTable {
    /// The path of an open file, and whether it means the same file for this process.
    package struct OpenPath: Hashable, Sendable {
        package enum Place: Hashable, Sendable {
            case here
            /// The file was removed or replaced.
            case gone
            /// The process has another root, as in a container: the same path means another file here.
            case elsewhere
        }

        package var path: String
        package var place: Place
    }

    /// The open files of a process, and the sockets on which it listens.
    package struct OpenFiles: Sendable {
        private let pid: pid_t
        private let targets: [String: String]

        /// nil if they are not visible.
        package init?(of pid: pid_t) {
            let folder = "/proc/\(pid)/fd"
            guard access(folder, R_OK) == 0 else { return nil }
            self.pid = pid
            targets = Dictionary(
                names(in: folder).compactMap { name in linkTarget("\(folder)/\(name)").map { (name, $0) } },
                uniquingKeysWith: { $1 })
        }

        /// The folder of the first open file with this name.
        package func folder(ofFileNamed name: String) -> OpenPath? {
            for (number, target) in targets.sorted(by: { $0.key < $1.key }) {
                let path =
                    target.hasSuffix(ProcessTable.deleted)
                    ? String(target.dropLast(ProcessTable.deleted.count)) : target
                guard path.hasPrefix("/"), path.hasSuffix("/\(name)") else { continue }
                let folder = String(path.dropLast(name.utf8.count + 1))
                return OpenPath(
                    path: folder.isEmpty ? "/" : folder, place: place(of: path, "/proc/\(pid)/fd/\(number)"))
            }
            return nil
        }

        /// The first unix socket with this name on which it listens. If the socket was bound through a descriptor of its folder,
        /// that descriptor leads to the current folder.
        package func listener(named name: String) -> OpenPath? {
            let inodes = Set(targets.values.compactMap(ProcessTable.socketInode))
            guard !inodes.isEmpty else { return nil }
            for listener in SocketTable.unixListeners() where inodes.contains(listener.inode) {
                guard listener.path.hasSuffix("/\(name)") else { continue }
                let folder = String(listener.path.dropLast(name.utf8.count + 1))
                let prefix = "/proc/self/fd/"
                guard folder.hasPrefix(prefix) else {
                    return OpenPath(path: listener.path, place: place(of: folder, "/proc/\(pid)/root\(folder)"))
                }
                let number = String(folder.dropFirst(prefix.count))
                guard let target = targets[number] else { continue }
                return OpenPath(path: "\(target)/\(name)", place: place(of: target, "/proc/\(pid)/fd/\(number)"))
            }
            return nil
        }

        /// Whether a path leads to the file that the process has open.
        private func place(of path: String, _ own: String) -> OpenPath.Place {
            if let here = FileID(path), here == FileID(own) { return .here }
            guard let root = FileID("/proc/\(pid)/root"), root == FileID("/"),
                Self.namespace(pid) == Self.namespace(getpid())
            else { return .elsewhere }
            return .gone
        }

        /// The mount namespace of the process (mount_namespaces(7)).
        private static func namespace(_ pid: pid_t) -> String? { linkTarget("/proc/\(pid)/ns/mnt") }
    }

    package static func workingDirectory(of pid: pid_t) -> String? { linkTarget("/proc/\(pid)/cwd") }

    private static let deleted = " (deleted)"

    /// `socket:[12345]`
    static func socketInode(_ target: String) -> UInt64? {
        target.hasPrefix("socket:[") ? UInt64(target.dropFirst(8).dropLast()) : nil
    }
}

extension SocketTable {
    /// Whether a process listens at a path. Does not connect, because that would start a socket-activated service.
    package static func hasUnixListener(_ path: String) -> Bool {
        let file = ProcessTable.FileID(path)
        return unixListeners().contains { listener in
            // A path through its own descriptor is meaningless to other processes.
            guard !listener.path.hasPrefix("/proc/self/") else { return false }
            return listener.path == path || file != nil && ProcessTable.FileID(listener.path) == file
        }
    }

    /// The listening unix sockets of this network namespace, by the names passed to bind(2).
    static func unixListeners() -> [(inode: UInt64, path: String)] {
        (ProcessTable.read("/proc/net/unix") ?? []).split(separator: UInt8(ascii: "\n")).dropFirst().compactMap {
            line in
            unixListener(line)
        }
    }

    /// `0000000000000000: 00000002 00000000 00010000 0001 01 30216 /run/x.sock`; the flag is `__SO_ACCEPTCON` (linux/net.h). A
    /// name may contain spaces, and names in the abstract name space begin with `@`.
    static func unixListener(_ line: ArraySlice<UInt8>) -> (inode: UInt64, path: String)? {
        let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 7)
        guard fields.count == 8, fields[3].elementsEqual("00010000".utf8), fields[7].first == UInt8(ascii: "/"),
            let inode = UInt64(String(decoding: fields[6], as: UTF8.self))
        else { return nil }
        return (inode, String(decoding: fields[7], as: UTF8.self))
    }
}
