import CSystemd
import Glibc

/// The journal of systemd, whose entries have fields in addition to the text: sd_journal_sendv(3).
package struct Journal: Hashable, Sendable {
    /// syslog(3).
    package enum Priority: Int, Sendable {
        case error = 3
        case warning = 4
        case notice = 5
        case info = 6
        case debug = 7
    }

    /// nil if standard error is not the journal: JOURNAL_STREAM (systemd.exec(5)) names the device and inode of the stream that
    /// systemd created, but standard error may have been redirected since.
    package static func ofStandardError() -> Journal? {
        guard let text = getenv("JOURNAL_STREAM") else { return nil }
        var status = stat()
        guard fstat(STDERR_FILENO, &status) == 0 else { return nil }
        return isStream(String(cString: text), device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
            ? Journal() : nil
    }

    static func isStream(_ text: String, device: UInt64, inode: UInt64) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2 && UInt64(parts[0]) == device && UInt64(parts[1]) == inode
    }

    /// The prefix of a line on standard error that sets its priority: sd-daemon(3).
    package static func prefix(_ priority: Priority) -> String { "<\(priority.rawValue)>" }

    /// Returns an errno, or 0. Blocks, like a write to standard error, if the journal does not read.
    @discardableResult
    package func send(_ message: String, _ priority: Priority, fields: [(name: String, value: String)]) -> CInt {
        var bytes: [UInt8] = []
        var ranges: [Range<Int>] = []
        for (name, value) in [("MESSAGE", message), ("PRIORITY", String(priority.rawValue))] + fields {
            let start = bytes.count
            bytes += Array("\(name)=\(value)".utf8)
            ranges.append(start..<bytes.count)
        }
        return bytes.withUnsafeMutableBytes { buffer in
            let vectors = ranges.map { range in
                iovec(iov_base: buffer.baseAddress.map { $0 + range.lowerBound }, iov_len: range.count)
            }
            return -sd_journal_sendv(vectors, CInt(vectors.count))
        }
    }
}
