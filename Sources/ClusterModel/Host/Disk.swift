/// A file system on which folders of a cluster lie, as it was just looked at.
package struct Disk: Hashable, Sendable {
    /// The cluster's folders that are on it. Its reserve lies in the first of them.
    package var folders: [String]
    /// Bytes that may still be written without privileges.
    package var free: Int64
    /// All of its bytes, used and free.
    package var size: Int64
    /// Bytes that the reserve on it takes up; 0: there is none.
    package var reserve: Int64
    /// Files that may still be made on it (inodes); nil: the file system makes them as they are needed.
    package var freeFiles: Int64?

    package init(folders: [String], free: Int64, size: Int64, reserve: Int64 = 0, freeFiles: Int64? = nil) {
        self.freeFiles = freeFiles
        self.folders = folders
        self.free = free
        self.size = size
        self.reserve = reserve
    }

    /// Inodes below which nothing is started: each start, save and rewrite makes some new files before it removes the old.
    package static let filesNeeded: Int64 = 100

    /// Too little for what an engine may have to write at once.
    package var isFull: Bool { free < 1 << 20 }

    package var lacksFiles: Bool { freeFiles.map { $0 < Self.filesNeeded } ?? false }

    /// `/data has 340 KB free`, `/data has 0 inodes free`: what it is short of.
    package var shortage: String {
        guard let freeFiles, lacksFiles else { return "\(folder) has \(Self.text(free)) free" }
        return "\(folder) has \(freeFiles) inodes free"
    }

    /// Names the file system to people.
    package var folder: String { folders.first ?? "/" }

    /// `340 KB`, and whole megabytes from there on.
    package static func text(_ bytes: Int64) -> String {
        bytes >= 1 << 20 || bytes == 0 ? "\(bytes >> 20) MB" : "\((bytes + 1023) >> 10) KB"
    }
}

/// A file that takes room up for as long as nobody is short of it, so that it can be given to the engines in the moment in which
/// the want of it would kill them: each saves its nodes.conf when a config epoch changes, and some end where they cannot.
package enum Reserve {
    package static let fileName = "reserve"
    package static let bytes: Int64 = 16 << 20

    package static func path(in folder: String) -> String { "\(folder)/\(fileName)" }
}

extension ClusterSpec {
    /// Free bytes below which nothing is started on this disk: `cluster.min-free`. A disk that only nodes have may be small on
    /// purpose, and then a tenth of it is enough.
    package func bytesNeeded(on disk: Disk) -> Int64 {
        disk.folders.contains(dataDirectory) ? minimumFreeBytes : min(minimumFreeBytes, disk.size / 10)
    }

    /// Free bytes from which on there is room for a reserve.
    package func bytesForReserve(on disk: Disk) -> Int64 { bytesNeeded(on: disk) + 2 * Reserve.bytes }

    package func isLow(_ disk: Disk) -> Bool { disk.free < bytesNeeded(on: disk) || disk.lacksFiles }
}
