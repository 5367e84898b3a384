import ClusterModel
import Foundation
import Glibc

/// A file system of a few megabytes in memory, which a test can fill.
final class SmallDisk {
    /// Whether file systems may be mounted here; without that, full disks cannot be tested.
    static let isPermitted: Bool = {
        let place = NSTemporaryDirectory() + "clusterd-test-mount-\(UUID().uuidString.prefix(8))"
        defer { rmdir(place) }
        guard let disk = try? SmallDisk(at: place, megabytes: 1) else { return false }
        disk.unmount()
        return true
    }()

    let place: String
    private var isMounted = false

    init(at place: String, megabytes: Int) throws {
        self.place = place
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        guard mount("clusterd-test", place, "tmpfs", 0, "size=\(megabytes)m,mode=0700") == 0 else {
            throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EPERM)
        }
        isMounted = true
    }

    func unmount() {
        guard isMounted else { return }
        isMounted = false
        umount2(place, Int32(MNT_DETACH))
    }

    var free: Int64 {
        var status = statvfs()
        return statvfs(place, &status) == 0 ? Int64(status.f_bavail) * Int64(status.f_frsize) : -1
    }

    private var ballast: String { place + "/ballast" }

    /// Fills it to the last byte, or leaves this much free.
    func fill(leaving rest: Int64 = 0) throws {
        let file = open(ballast, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        defer { close(file) }
        let page = [UInt8](repeating: 7, count: 4096)
        while free > rest {
            guard write(file, page, page.count) == page.count else { break }
        }
    }

    func empty() { unlink(ballast) }

    var hasReserve: Bool { FileManager.default.fileExists(atPath: Reserve.path(in: place)) }
}
