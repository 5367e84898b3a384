import Glibc

/// A node's log, read for why its process ended.
enum LogFile {
    /// Of what one process wrote, the beginning says with what it began, and the end how it ended; what lies between is
    /// left out.
    private static let headBytes = 32 << 10
    private static let tailBytes = 64 << 10

    /// A place in a log, which may be moved aside later.
    struct Mark {
        fileprivate var inode: UInt64
        fileprivate var offset: Int

        /// The beginning of a log that could not be looked at.
        static let unknown = Mark(inode: 0, offset: 0)

        private init(inode: UInt64, offset: Int) {
            self.inode = inode
            self.offset = offset
        }

        /// The end of the file as it is now.
        init(endOf path: String) {
            var status = stat()
            let isThere = stat(path, &status) == 0
            inode = isThere ? UInt64(status.st_ino) : 0
            offset = isThere ? Int(status.st_size) : 0
        }
    }

    /// The lines behind a mark. Where the log was moved aside since, those that are left of it and all of the new one.
    static func lines(_ path: String, from mark: Mark) -> [String] {
        var status = stat()
        let isSame = stat(path, &status) == 0 && (mark.inode == 0 || UInt64(status.st_ino) == mark.inode)
        if isSame { return lines(path, from: mark.offset) }
        let older = path + ".1"
        let isOlder = stat(older, &status) == 0 && UInt64(status.st_ino) == mark.inode
        return lines(older, from: isOlder ? mark.offset : 0) + lines(path, from: 0)
    }

    /// The lines behind `offset`; all there are if the file is shorter.
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

    /// The lines from the first on that begins with this pid, of the last that there are: what a process wrote whose
    /// beginning nobody marked. Lines of a crash report have no pid in front.
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
