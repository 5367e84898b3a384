import Foundation
import Glibc

/// An ext4 file system in a file, which a test freezes: writes to it do not return until it is thawed.
final class FrozenDisk {
    /// Whether such a file system can be made, mounted and frozen here.
    static let isPermitted: Bool = {
        let place = NSTemporaryDirectory() + "clusterd-test-freeze-\(UUID().uuidString.prefix(8))"
        defer { rmdir(place) }
        guard let disk = try? FrozenDisk(at: place) else { return false }
        defer { disk.remove() }
        return disk.freeze() && disk.thaw()
    }()

    let place: String
    private let image: String

    init(at place: String) throws {
        self.place = place
        image = place + ".ext4"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        do {
            try Self.run("dd", "if=/dev/zero", "of=\(image)", "bs=1M", "count=0", "seek=96", "status=none")
            try Self.run("mkfs.ext4", "-q", "-F", image)
            try Self.run("mount", "-o", "loop", image, place)
        } catch {
            unlink(image)
            throw error
        }
    }

    @discardableResult func freeze() -> Bool { (try? Self.run("fsfreeze", "-f", place)) != nil }
    @discardableResult func thaw() -> Bool { (try? Self.run("fsfreeze", "-u", place)) != nil }

    func remove() {
        thaw()
        umount2(place, Int32(MNT_DETACH))
        unlink(image)
    }

    private static func run(_ words: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw POSIXError(.EPERM) }
    }
}
