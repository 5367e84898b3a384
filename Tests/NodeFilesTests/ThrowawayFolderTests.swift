import Foundation
import Glibc
import NodeFiles
import Testing

@Suite struct ThrowawayFolderTests {
    private func parent(_ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "clusterd-temporary-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    private func names(_ path: String) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path) }

    /// The state after a killed process: the same folder with its lock free.
    private func abandon(in parent: String) throws -> String {
        let path = try {
            let folder = try ThrowawayFolder.make(in: parent)
            try writeDurably([1], to: folder.path + "/data", mode: 0o600)
            return folder.path
        }()
        return path
    }

    @Test func aThrowawayFolderIsRemovedWithItsContents() throws {
        try parent { parent in
            let folder = try ThrowawayFolder.make(in: parent)
            try makeDirectory(folder.path + "/data/nodes/7000")
            try writeDurably([1], to: folder.path + "/data/nodes/7000/dump.rdb", mode: 0o600)
            try folder.remove()
            #expect(try names(parent) == [])
        }
    }

    @Test func aSweepRemovesOnlyUnlockedFolders() throws {
        try parent { parent in
            _ = try abandon(in: parent)
            let live = try ThrowawayFolder.make(in: parent)
            try FileManager.default.createDirectory(
                atPath: parent + "/clusterd-exec-empty", withIntermediateDirectories: false)
            ThrowawayFolder.sweep(parent)
            #expect(try names(parent).map { "\(parent)/\($0)" } == [live.path])
            try live.remove()
        }
    }

    @Test func anInterruptedSweepIsFinishedByTheNext() throws {
        try parent { parent in
            let path = try abandon(in: parent)
            for name in try names(path) where name != "lock" { try removeTree("\(path)/\(name)") }
            ThrowawayFolder.sweep(parent)
            #expect(try names(parent) == [])
        }
    }

    /// A copy that a user keeps, a folder of that name, a link: clusterd must not remove them.
    @Test func aSweepKeepsFoldersThatOnlyLookSimilar() throws {
        try parent { parent in
            let path = try abandon(in: parent)
            try FileManager.default.copyItem(atPath: path, toPath: parent + "/clusterd-exec-backup")
            let other = parent + "/clusterd-exec-mine"
            try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: false)
            try writeDurably([1], to: other + "/thesis", mode: 0o600)
            let target = parent + "/target"
            try FileManager.default.copyItem(atPath: path, toPath: target)
            symlink(target, parent + "/clusterd-exec-link")
            ThrowawayFolder.sweep(parent)
            #expect(
                try names(parent).sorted() == [
                    "clusterd-exec-backup", "clusterd-exec-link", "clusterd-exec-mine", "target",
                ])
            #expect(try names(other) == ["thesis"])
            #expect(try names(target).count == 3)
        }
    }

    @Test func aFolderTreeIsRemovedWithoutFollowingLinks() throws {
        try parent { parent in
            try makeDirectory(parent + "/outside")
            try writeDurably([1], to: parent + "/outside/file", mode: 0o600)
            try makeDirectory(parent + "/tree/a/b")
            symlink(parent + "/outside", parent + "/tree/a/link")
            symlink("/nowhere", parent + "/tree/broken")
            mkfifo(parent + "/tree/fifo", 0o600)
            try removeTree(parent + "/tree")
            try removeTree(parent + "/tree")
            #expect(try names(parent) == ["outside"])
            #expect(try names(parent + "/outside") == ["file"])
        }
    }
}
