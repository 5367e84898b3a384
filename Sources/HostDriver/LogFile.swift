import Glibc

/// Reads the log of a node to find why its process exited.
enum LogFile {
    /// The maximum size. Keeps the beginning and the end of what one process wrote, and omits the middle.
    private static let headBytes = 32 << 10
    private static let tailBytes = 64 << 10

    /// A position in a log, which may be rotated later.
    struct Mark {
        fileprivate var inode: UInt64
        fileprivate var offset: Int

        /// The beginning of a log that could not be read.
        static let unknown = Mark(inode: 0, offset: 0)

        private init(inode: UInt64, offset: Int) {
            self.inode = inode
            self.offset = offset
        }

        /// The current end of the file.
        init(endOf path: String) {
            var status = stat()
            let isThere = stat(path, &status) == 0
            inode = isThere ? UInt64(status.st_ino) : 0
            offset = isThere ? Int(status.st_size) : 0
        }
    }

    /// The lines after a mark. If the log was rotated since, the rest of the old file and all of the new one.
    static func lines(_ path: String, from mark: Mark) -> [String] {
        var status = stat()
        let isSame = stat(path, &status) == 0 && (mark.inode == 0 || UInt64(status.st_ino) == mark.inode)
        if isSame { return lines(path, from: mark.offset) }
        let older = path + ".1"
        let isOlder = stat(older, &status) == 0 && UInt64(status.st_ino) == mark.inode
        return lines(older, from: isOlder ? mark.offset : 0) + lines(path, from: 0)
    }

    /// The lines after `offset`; all lines if the file is shorter.
    private static func lines(_ path: String, from offset: Int) -> [String] {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return [] }
        let size = Int(status.st_size)
        let start = size < offset ? 0 : offset
        guard size - start > headBytes + tailBytes else { return split(read(file, start, size - start)) }
        return split(read(file, start, headBytes)) + split(read(file, size - tailBytes, tailBytes))
    }

    /// The last lines, from the first one that begins with this pid: the output of a process without a mark. Lines of a crash
    /// report do not begin with a pid.
    static func lines(_ path: String, ofProcess pid: pid_t) -> [String] {
        var status = stat()
        guard stat(path, &status) == 0 else { return [] }
        var lines = lines(path, from: max(0, Int(status.st_size) - headBytes - tailBytes))
        let older = path + ".1"
        if Int(status.st_size) < tailBytes, stat(older, &status) == 0 {
            lines = self.lines(older, from: max(0, Int(status.st_size) - tailBytes)) + lines
        }
        guard let first = lines.firstIndex(where: { $0.hasPrefix("\(pid):") }) else { return [] }
        return Array(lines[first...])
    }

    private static func read(_ file: Int32, _ offset: Int, _ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: max(0, count))
        let got = pread(file, &bytes, bytes.count, off_t(offset))
        return Array(bytes.prefix(max(0, got)))
    }

    private static func split(_ bytes: [UInt8]) -> [String] {
        bytes.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
    }
}
