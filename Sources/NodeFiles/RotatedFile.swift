import ClusterModel
import Glibc

/// A file that grows and is rotated by size: `redis.log`, then `redis.log.1` (the newest old one), and so on. Writers open it for
/// each line or batch, so that a rename is sufficient.
package struct RotatedFile: Hashable, Sendable {
    package let path: String
    /// The maximum number of files, including the growing one.
    package let count: Int

    package init(_ path: String, count: Int) {
        self.path = path
        self.count = count
    }

    /// The path of a file; age 0 is the growing one.
    func path(_ age: Int) -> String { age == 0 ? path : "\(path).\(age)" }

    /// Renames each file to the next age, and drops the oldest one. The next line creates a new file.
    package func rotate() throws(FileError) {
        for age in stride(from: count - 1, through: 1, by: -1) {
            guard rename(path(age - 1), path(age)) != 0 else { continue }
            guard errno == ENOENT else { throw FileError("move aside", path(age - 1), code: errno) }
        }
    }

    /// Appends lines, each with a newline. Removes partial lines after an error, such as a full disk. Not durable.
    package func append(_ lines: [UInt8], mode: mode_t) throws(FileError) {
        let file = try OpenFile(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, mode: mode, doing: "append to")
        let size = Int(try file.status().st_size)
        // A crash may have left an incomplete line.
        var last: UInt8 = 10
        if size > 0 { pread(file.descriptor, &last, 1, off_t(size - 1)) }
        do throws(FileError) {
            try file.write((last == 10 ? [] : [10]) + lines)
        } catch {
            ftruncate(file.descriptor, off_t(size))
            throw error
        }
    }

    /// The last bytes of the newest non-empty file, and its modification time.
    package func end(limit: Int) -> (bytes: [UInt8], modified: WallTime)? {
        for age in 0..<count {
            guard let file = try? OpenFile(path(age), O_RDONLY | O_NONBLOCK | O_NOCTTY, doing: "read"),
                let status = try? file.status(), status.isRegularFile, status.st_size > 0
            else { continue }
            var bytes = [UInt8](repeating: 0, count: min(limit, Int(status.st_size)))
            let got = pread(file.descriptor, &bytes, bytes.count, status.st_size - off_t(bytes.count))
            return (Array(bytes.prefix(max(0, got))), status.modified)
        }
        return nil
    }

    /// The size of the growing file; 0 if there is none.
    package var size: Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }
}
