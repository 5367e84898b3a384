import Glibc

/// A descriptor that is closed when it goes out of scope, and that children never inherit.
struct OpenFile: ~Copyable {
    let descriptor: Int32
    let path: String

    init(_ path: String, _ flags: Int32, mode: mode_t = 0, doing: String) throws(FileError) {
        self.path = path
        var descriptor: Int32
        repeat { descriptor = open(path, flags | O_CLOEXEC, mode) } while descriptor < 0 && errno == EINTR
        let code = errno
        self.descriptor = descriptor
        guard descriptor >= 0 else { throw FileError(doing, path, code: code) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func status() throws(FileError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError("inspect", path, code: errno) }
        return status
    }

    /// Reads up to `limit` bytes from the current position.
    func read(limit: Int) throws(FileError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(limit, 1 << 16))
        while bytes.count < limit {
            let count = Glibc.read(descriptor, &buffer, min(buffer.count, limit - bytes.count))
            if count == 0 { break }
            if count > 0 {
                bytes += buffer[..<count]
            } else if errno != EINTR {
                throw FileError("read", path, code: errno)
            }
        }
        return bytes
    }

    func write(_ bytes: [UInt8]) throws(FileError) {
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                done += count
            } else if errno != EINTR {
                throw FileError("write", path, code: errno)
            }
        }
    }

    func sync() throws(FileError) {
        guard fsync(descriptor) == 0 else { throw FileError("sync", path, code: errno) }
    }

    func setMode(_ mode: mode_t, owner: Owner?) throws(FileError) {
        guard fchmod(descriptor, mode) == 0 else { throw FileError("set the mode of", path, code: errno) }
        guard let owner else { return }
        guard fchown(descriptor, owner.userID, owner.groupID) == 0 else {
            throw FileError("set the owner of", path, code: errno)
        }
    }
}

/// The owner of new files, if nodes run as another user than clusterd.
package struct Owner: Hashable, Sendable {
    package var userID: UInt32
    package var groupID: UInt32

    package init(userID: UInt32, groupID: UInt32) {
        self.userID = userID
        self.groupID = groupID
    }
}

/// Makes changes to the entries of a folder durable.
func syncDirectory(_ path: String) throws(FileError) {
    try OpenFile(path, O_RDONLY | O_DIRECTORY, doing: "open the folder").sync()
}

/// Splits a path into folder and name.
func splitPath(_ path: String) -> (directory: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let directory = path[..<slash]
    return (directory.isEmpty ? "/" : String(directory), String(path[path.index(after: slash)...]))
}
