import ClusterModel
import Glibc

/// The contents of a regular file; EFBIG if it is longer than `limit` bytes.
package func readFile(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
    let (bytes, size) = try readPrefix(path, limit: limit + 1)
    guard bytes.count <= limit, size <= limit else { throw FileError("read", path, code: EFBIG) }
    return bytes
}

/// The first `limit` bytes of a regular file, and its size.
package func readPrefix(_ path: String, limit: Int) throws(FileError) -> (bytes: [UInt8], size: Int) {
    // O_NONBLOCK: opening a FIFO without a writer would block.
    let file = try OpenFile(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, doing: "read")
    let status = try file.status()
    guard status.st_mode & S_IFMT == S_IFREG else {
        throw FileError("read", path, code: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
    }
    return (try file.read(limit: limit), Int(status.st_size))
}

/// The contents of a regular file from an offset on, up to `limit` bytes; empty if the file is shorter.
package func readFile(_ path: String, from offset: Int, limit: Int) throws(FileError) -> [UInt8] {
    let file = try OpenFile(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, doing: "read")
    guard lseek(file.descriptor, offset, SEEK_SET) == offset else { throw FileError("read", path, code: errno) }
    return try file.read(limit: limit)
}

/// The names in a folder, without `.` and `..`, sorted.
package func listDirectory(_ path: String) throws(FileError) -> [String] {
    guard let directory = opendir(path) else { throw FileError("list", path, code: errno) }
    defer { closedir(directory) }
    return try entries(of: directory, path)
}

func entries(of directory: OpaquePointer, _ path: String) throws(FileError) -> [String] {
    var names: [String] = []
    while true {
        errno = 0
        guard let entry = readdir(directory) else { break }
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)) {
                String(cString: $0)
            }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    guard errno == 0 else { throw FileError("list", path, code: errno) }
    return names.sorted()
}

/// The result of stat(2), following links; nil if the path does not exist.
func status(_ path: String) throws(FileError) -> stat? {
    var status = stat()
    if stat(path, &status) == 0 { return status }
    guard errno == ENOENT || errno == ENOTDIR else { throw FileError("inspect", path, code: errno) }
    return nil
}

func isDirectory(_ path: String) -> Bool { (try? status(path)).flatMap { $0 }.map(\.isDirectory) ?? false }

extension stat {
    var isDirectory: Bool { st_mode & S_IFMT == S_IFDIR }
    var isRegularFile: Bool { st_mode & S_IFMT == S_IFREG }
    var modified: WallTime {
        WallTime(milliseconds: Int64(st_mtim.tv_sec) * 1000 + Int64(st_mtim.tv_nsec) / 1_000_000)
    }
}
