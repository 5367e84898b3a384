/// A file system with folders of a cluster, as just measured.
package struct Disk: Hashable, Sendable, Codable {
    /// The cluster's folders on it. Its reserve is in the first of them.
    package var folders: [String]
    /// Bytes that can still be written without privileges.
    package var free: Int64
    /// All of its bytes, used and free.
    package var size: Int64
    /// The size of the reserve on it, in bytes; 0: there is none.
    package var reserve: Int64
    /// Files that can still be created on it (inodes); nil: the file system creates inodes on demand.
    package var freeFiles: Int64?

    package init(folders: [String], free: Int64, size: Int64, reserve: Int64 = 0, freeFiles: Int64? = nil) {
        self.freeFiles = freeFiles
        self.folders = folders
        self.free = free
        self.size = size
        self.reserve = reserve
    }

    /// Inodes below which clusterd starts nothing: each start, save and rewrite creates some new files before it removes the old ones.
    package static let filesNeeded: Int64 = 100

    /// Less than an engine may have to write at once.
    package var isFull: Bool { free < 1 << 20 }

    package var lacksFiles: Bool { freeFiles.map { $0 < Self.filesNeeded } ?? false }

    /// `/data has 340 KB free`, `/data has 0 inodes free`: the resource that is short.
    package var shortage: String {
        guard let freeFiles, lacksFiles else { return "\(folder) has \(Self.text(free)) free" }
        return "\(folder) has \(freeFiles) inodes free"
    }

    /// The name of the file system for operators.
    package var folder: String { folders.first ?? "/" }

    /// `340 KB`, and whole megabytes from one megabyte on.
    package static func text(_ bytes: Int64) -> String {
        bytes >= 1 << 20 || bytes == 0 ? "\(bytes >> 20) MB" : "\((bytes + 1023) >> 10) KB"
    }
}

/// A file that reserves space while no node is short of it, so that clusterd can release it to the engines at the moment when a full disk
/// would kill them: each engine saves its nodes.conf when a config epoch changes, and some end if they cannot.
package enum Reserve {
    package static let fileName = "reserve"
    package static let bytes: Int64 = 16 << 20

    package static func path(in folder: String) -> String { "\(folder)/\(fileName)" }
}

extension ClusterSpec {
    /// Free bytes below which nothing starts on this disk: `cluster.min-free`. A disk that only nodes use may be small on purpose; then a
    /// tenth of it is enough.
    package func bytesNeeded(on disk: Disk) -> Int64 {
        disk.folders.contains(dataDirectory) ? minimumFreeBytes : min(minimumFreeBytes, disk.size / 10)
    }

    /// Free bytes from which on there is room for a reserve.
    package func bytesForReserve(on disk: Disk) -> Int64 { bytesNeeded(on: disk) + 2 * Reserve.bytes }

    package func isLow(_ disk: Disk) -> Bool { disk.free < bytesNeeded(on: disk) || disk.lacksFiles }
}
