import ClusterModel
import Glibc

/// An open dump of a node. It stays the same file when the engine replaces it by a later save, which is a rename.
package final class OpenDump: Sendable {
    private let file: OpenFile

    package init(_ path: String) throws(FileError) {
        file = try OpenFile(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, doing: "read")
    }

    package var path: String { file.path }

    private static let blockBytes = 1 << 20
    /// How much is written before it is synced, so that a fast copy does not fill the memory with dirty pages, which would delay the
    /// nodes' own fsync.
    private static let syncBytes: Int64 = 32 << 20
    /// More than the longest sequence of auxiliary fields (`DataSurvey`).
    private static let prefixBytes = 1 << 16

    /// Copies it durably into a new file with mode 0600, at most `rate` bytes a second.
    /// - Parameter isCancelled: queried before each megabyte; the copy then ends with ECANCELED.
    package func copy(
        to target: String, rate: Int64, isCancelled: () -> Bool
    ) throws(FileError) -> DumpCopy {
        let output = try OpenFile(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600, doing: "create")
        var digest = RDBDigest()
        var prefix: [UInt8] = []
        var synced: Int64 = 0
        let began = Moment.now
        while true {
            if isCancelled() { throw FileError("copy", path, code: ECANCELED) }
            let block = try file.read(limit: Self.blockBytes)
            if block.isEmpty { break }
            if prefix.count < Self.prefixBytes { prefix += block.prefix(Self.prefixBytes - prefix.count) }
            digest.add(block)
            try output.write(block)
            if digest.bytes - synced >= Self.syncBytes {
                try output.sync()
                _ = posix_fadvise(output.descriptor, 0, 0, POSIX_FADV_DONTNEED)
                synced = digest.bytes
            }
            Self.pause(until: began + .seconds(Double(digest.bytes) / Double(max(1, rate))))
        }
        try output.setMode(0o600, owner: nil)
        try output.sync()
        guard digest.isWhole,
            let header = RDBContent.inspect(prefix: prefix, fileSize: Int(digest.bytes)).header
        else { throw FileError("use the incomplete dump", path, code: EIO) }
        return DumpCopy(bytes: digest.bytes, checksum: digest.checksum, header: header)
    }

    private static func pause(until moment: Moment) {
        let left = (moment - Moment.now).inNanoseconds
        guard left > 0 else { return }
        var time = timespec()
        time.tv_sec = Int(left / 1_000_000_000)
        time.tv_nsec = Int(left % 1_000_000_000)
        nanosleep(&time, nil)
    }
}

/// The length and checksum of an RDB on disk.
package func digest(ofDump path: String) throws(FileError) -> RDBDigest {
    let file = try OpenFile(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, doing: "read")
    guard try file.status().isRegularFile else { throw FileError("read", path, code: EINVAL) }
    var digest = RDBDigest()
    while true {
        let block = try file.read(limit: 1 << 20)
        if block.isEmpty { return digest }
        digest.add(block)
    }
}
