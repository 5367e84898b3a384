import ClusterModel
import Glibc

/// A file that grows, and is moved aside when it is long: `redis.log`, then `redis.log.1`, the newest of the old ones, and
/// so on. Whoever writes to it opens it for each line or batch, so that a rename is all it takes.
package struct RotatedFile: Hashable, Sendable {
    package let path: String
    /// How many there are at most, the one that grows included.
    package let count: Int

    package init(_ path: String, count: Int) {
        self.path = path
        self.count = count
    }

    /// 0 is the one that grows.
    func path(_ age: Int) -> String { age == 0 ? path : "\(path).\(age)" }

    /// Moves each one on; what was the oldest is gone. The next line makes a new file.
    package func rotate() throws(FileError) {
        for age in stride(from: count - 1, through: 1, by: -1) {
            guard rename(path(age - 1), path(age)) != 0 else { continue }
            guard errno == ENOENT else { throw FileError("move aside", path(age - 1), code: errno) }
        }
    }

    /// Adds lines, which end with a newline each. What a full disk let through of them is taken back. Not made durable.
    package func append(_ lines: [UInt8], mode: mode_t) throws(FileError) {
        let file = try OpenFile(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, mode: mode, doing: "append to")
        let size = Int(try file.status().st_size)
        // A crash in the middle of a line left it without an end.
        var last: UInt8 = 10
        if size > 0 { pread(file.descriptor, &last, 1, off_t(size - 1)) }
        do throws(FileError) {
            try file.write((last == 10 ? [] : [10]) + lines)
        } catch {
            ftruncate(file.descriptor, off_t(size))
            throw error
        }
    }

    /// The last bytes of the newest file that has any, and when it was written to last.
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

    /// Bytes in the one that grows; 0 where there is none.
    package var size: Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }
}
