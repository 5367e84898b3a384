import Glibc

/// A temporary folder of this process. `remove` removes it. If the process is killed, or the power fails, the next process that
/// makes such a folder removes it, because no process holds its lock.
package final class ThrowawayFolder: Sendable {
    package let path: String
    private let lock: FileLock

    private static let prefix = "clusterd-exec-"
    private static let noteName = "TEMPORARY.txt"
    private static let lockName = "lock"

    private init(_ path: String, _ lock: FileLock) {
        self.path = path
        self.lock = lock
    }

    /// Creates one in a folder to which other users may write, such as /tmp.
    package static func make(in parent: String) throws(FileError) -> ThrowawayFolder {
        // Another process may remove a new folder before its lock is taken; then the next name is tried.
        var refusal = FileError("create a temporary folder in", parent, code: EEXIST)
        for _ in 0..<100 {
            var template = Array("\(parent)/\(prefix)XXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else {
                throw FileError("create a temporary folder in", parent, code: errno)
            }
            let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            do {
                let lock = try FileLock.take("\(path)/\(lockName)")
                try writeNote(path)
                return ThrowawayFolder(path, lock)
            } catch let error as FileError {
                refusal = error
            } catch {
                if case .unsupported(_, let code) = error as? FileLockError {
                    rmdir(path)
                    throw FileError("lock", path, code: code)
                }
            }
        }
        throw refusal
    }

    /// Removes the folder, the lock last: until then, no other process touches the rest.
    package func remove() throws(FileError) { try Self.empty(path) }

    /// Removes the folders of dead processes in `parent`. Skips those that it cannot remove.
    package static func sweep(_ parent: String) {
        for name in (try? listDirectory(parent)) ?? [] where name.hasPrefix(prefix) { sweep("\(parent)/\(name)", name) }
    }

    private static func sweep(_ path: String, _ name: String) {
        var status = stat()
        guard lstat(path, &status) == 0, status.isDirectory, status.st_uid == geteuid() else { return }
        // An empty folder is new, or its process died early. A process that still works on it makes another one.
        if rmdir(path) == 0 { return }
        guard access("\(path)/\(lockName)", F_OK) == 0, let lock = try? FileLock.take("\(path)/\(lockName)") else {
            return
        }
        withExtendedLifetime(lock) {
            // Keeps a copy that a user made, or a folder that only has such a name.
            let note = (try? readFile("\(path)/\(noteName)", limit: 4096)) ?? []
            let isOurs = String(decoding: note, as: UTF8.self).hasPrefix("\(name)\n")
            // There may be nothing but the lock yet.
            guard isOurs || (try? listDirectory(path)) == [lockName] else { return }
            try? empty(path)
        }
    }

    private static func writeNote(_ path: String) throws(FileError) {
        let text = """
            \(splitPath(path).name)
            Made by clusterd for one command. It is removed with everything in it when that command has ended, or by the next
            clusterd exec, restore or import once no process holds its lock.

            """
        let note = try OpenFile("\(path)/\(noteName)", O_WRONLY | O_CREAT | O_EXCL, mode: 0o600, doing: "write")
        try note.write(Array(text.utf8))
    }

    /// Removes the note after the other contents, and the lock last.
    private static func empty(_ path: String) throws(FileError) {
        for name in try listDirectory(path) where name != lockName && name != noteName {
            try removeTree("\(path)/\(name)")
        }
        try removeTree("\(path)/\(noteName)")
        try removeTree("\(path)/\(lockName)")
        guard rmdir(path) == 0 || errno == ENOENT else { throw FileError("remove", path, code: errno) }
    }
}
