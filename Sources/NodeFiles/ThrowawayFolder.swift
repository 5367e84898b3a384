import Glibc

/// A folder that ends with the process that made it: by `remove`, or, where that process was killed or the power went, by the
/// next one that makes such a folder and finds that nobody holds its lock.
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

    /// Makes one in a folder that others may write to, such as /tmp.
    package static func make(in parent: String) throws(FileError) -> ThrowawayFolder {
        // Another process may sweep a new folder away before its lock is taken; then there is a next name.
        var refusal = FileError("make a temporary folder in", parent, code: EEXIST)
        for _ in 0..<100 {
            var template = Array("\(parent)/\(prefix)XXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else {
                throw FileError("make a temporary folder in", parent, code: errno)
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

    /// Removes it. The lock goes last: until then nobody else touches what is left.
    package func remove() throws(FileError) { try Self.empty(path) }

    /// Removes what processes that are gone have left in `parent`. What cannot be removed is left.
    package static func sweep(_ parent: String) {
        for name in (try? listDirectory(parent)) ?? [] where name.hasPrefix(prefix) { sweep("\(parent)/\(name)", name) }
    }

    private static func sweep(_ path: String, _ name: String) {
        var status = stat()
        guard lstat(path, &status) == 0, status.isDirectory, status.st_uid == geteuid() else { return }
        // Nothing in it: made a moment ago, or by a process that came no further. Whoever still works on it makes another.
        if rmdir(path) == 0 { return }
        guard access("\(path)/\(lockName)", F_OK) == 0, let lock = try? FileLock.take("\(path)/\(lockName)") else {
            return
        }
        withExtendedLifetime(lock) {
            // A copy that a person made of one, or a folder that only has such a name, is nobody's to remove.
            let note = (try? readFile("\(path)/\(noteName)", limit: 4096)) ?? []
            let isOurs = String(decoding: note, as: UTF8.self).hasPrefix("\(name)\n")
            // Beside the lock there may be nothing yet.
            guard isOurs || (try? listDirectory(path)) == [lockName] else { return }
            try? empty(path)
        }
    }

    private static func writeNote(_ path: String) throws(FileError) {
        let text = """
            \(splitPath(path).name)
            Made by clusterd exec for one command. It is removed with everything in it when that command has ended, or by the
            next clusterd exec once no process holds its lock.

            """
        let note = try OpenFile("\(path)/\(noteName)", O_WRONLY | O_CREAT | O_EXCL, mode: 0o600, doing: "write")
        try note.write(Array(text.utf8))
    }

    /// The note goes behind everything that it speaks for, and the lock last.
    private static func empty(_ path: String) throws(FileError) {
        for name in try listDirectory(path) where name != lockName && name != noteName {
            try removeTree("\(path)/\(name)")
        }
        try removeTree("\(path)/\(noteName)")
        try removeTree("\(path)/\(lockName)")
        guard rmdir(path) == 0 || errno == ENOENT else { throw FileError("remove", path, code: errno) }
    }
}
