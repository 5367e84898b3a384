import ClusterModel
import Glibc

/// Reads the lines of a rotated file, the oldest file first, and follows appended lines and rotations. Not thread-safe.
package final class LineReader {
    package enum Start: Hashable, Sendable {
        case beginning
        case end
        /// Starts this many lines before the end.
        case lastLines(Int)
        /// Starts after a position, in the file that now contains it; if none does, at the beginning of the newest file.
        case after(Position)
        /// Starts with the first file that was modified at or after this time. It may also have older lines.
        case writtenSince(WallTime)
    }

    /// The position of a reader. It has no device number, which may change with a boot; the inode is sufficient within one folder.
    package struct Position: Hashable, Sendable, Codable {
        var inode: UInt64
        var offset: Int
    }

    private struct Identity: Hashable {
        var device: UInt64
        var inode: UInt64

        init(_ status: stat) {
            device = UInt64(status.st_dev)
            inode = UInt64(status.st_ino)
        }
    }

    private final class Part {
        let file: OpenFile
        let identity: Identity

        init?(_ path: String) {
            // O_NONBLOCK: opening a FIFO without a writer would block.
            guard let file = try? OpenFile(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, doing: "read"),
                let status = try? file.status(), status.isRegularFile
            else { return nil }
            identity = Identity(status)
            self.file = file
        }

        var status: stat? { try? file.status() }
    }

    private static let block = 1 << 16
    /// Longer lines are returned in pieces.
    private static let lineLimit = 1 << 20

    private let chain: RotatedFile
    /// The open files: the first one is being read, the last one grows.
    private var parts: [Part] = []
    private var offset = 0
    private var buffer: [UInt8] = []
    private var next = 0

    package init(_ chain: RotatedFile, from start: Start) {
        self.chain = chain
        parts = Self.open(chain)
        switch start {
        case .beginning: break
        case .end: skipToEnd()
        case .lastLines(let count): skip(allBut: count)
        case .after(let position):
            let place = parts.firstIndex { part in
                part.identity.inode == position.inode && part.status.map { Int($0.st_size) >= position.offset } ?? false
            }
            parts.removeFirst(place ?? max(0, parts.count - 1))
            offset = place == nil ? 0 : position.offset
        case .writtenSince(let time):
            let first = parts.firstIndex { $0.status.map { $0.modified >= time } ?? false }
            if let first { parts.removeFirst(first) } else { skipToEnd() }
        }
    }

    /// The position after the last returned line; nil while there is no file.
    package var position: Position? {
        parts.first.map { Position(inode: $0.identity.inode, offset: offset - (buffer.count - next)) }
    }

    /// The next complete line, without its newline; nil: there is none yet.
    package func line() -> ArraySlice<UInt8>? {
        while true {
            if let end = buffer[next...].firstIndex(of: 10) {
                defer { next = end + 1 }
                return buffer[next..<end]
            }
            if buffer.count - next > Self.lineLimit { return takeRest() }
            if fill() { continue }
            guard parts.count > 1 || reopen() else { return nil }
            // A line may have been appended between the last read and the rename.
            if parts.isEmpty || fill() { continue }
            if parts.count > 1 {
                parts.removeFirst()
                offset = 0
                // A partial line at the end of a file that no longer grows stays partial.
                if next < buffer.count { return takeRest() }
            }
        }
    }

    private func takeRest() -> ArraySlice<UInt8> {
        defer { next = buffer.count }
        return buffer[next...]
    }

    private func fill() -> Bool {
        guard let part = parts.first else { return false }
        if let size = part.status?.st_size, Int(size) < offset {
            // The file was truncated: its contents are new.
            offset = 0
            buffer = []
            next = 0
        }
        var bytes = [UInt8](repeating: 0, count: Self.block)
        let count = pread(part.file.descriptor, &bytes, bytes.count, off_t(offset))
        guard count > 0 else { return false }
        offset += count
        buffer.removeFirst(next)
        next = 0
        buffer += bytes[..<count]
        return true
    }

    /// Opens the files that have replaced the current one. Misses files that were created and removed between two calls.
    private func reopen() -> Bool {
        guard let current = parts.first else {
            parts = Self.open(chain)
            return !parts.isEmpty
        }
        var status = stat()
        if stat(chain.path, &status) == 0, Identity(status) == current.identity { return false }
        let found = Self.open(chain)
        if let at = found.firstIndex(where: { $0.identity == current.identity }) {
            guard at + 1 < found.count else { return false }
            parts = [current] + found[(at + 1)...]
        } else {
            guard !found.isEmpty else { return false }
            parts = [current] + found
        }
        return true
    }

    /// The files, oldest first. Opens the newest first, so that a rotation may duplicate a file but not hide one.
    private static func open(_ chain: RotatedFile) -> [Part] {
        var parts: [Part] = []
        for age in 0..<chain.count {
            guard let part = Part(chain.path(age)), !parts.contains(where: { $0.identity == part.identity }) else {
                continue
            }
            parts.append(part)
        }
        return parts.reversed()
    }

    private func skipToEnd() {
        parts = Array(parts.suffix(1))
        offset = parts.last?.status.map { Int($0.st_size) } ?? 0
    }

    private func skip(allBut count: Int) {
        guard count > 0 else { return skipToEnd() }
        var left = count
        for (index, part) in parts.enumerated().reversed() {
            let size = part.status.map { Int($0.st_size) } ?? 0
            guard let start = Self.start(ofLast: &left, in: part, size: size) else { continue }
            parts.removeFirst(index)
            offset = start
            return
        }
    }

    /// The offset of the last `left` lines; nil if the file has fewer, and reduces `left`.
    private static func start(ofLast left: inout Int, in part: Part, size: Int) -> Int? {
        var end = size
        while end > 0 {
            let from = max(0, end - block)
            var bytes = [UInt8](repeating: 0, count: end - from)
            guard pread(part.file.descriptor, &bytes, bytes.count, off_t(from)) == bytes.count else { return size }
            // A newline at the end of the file does not start a line.
            for index in bytes.indices.reversed() where bytes[index] == 10 && from + index + 1 < size {
                left -= 1
                if left == 0 { return from + index + 1 }
            }
            end = from
        }
        // The first line of a file has no newline before it.
        if size > 0 { left -= 1 }
        return left == 0 ? 0 : nil
    }
}
