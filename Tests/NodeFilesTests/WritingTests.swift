import ClusterModel
import Foundation
import NodeFiles
import Testing

/// Invariant: one-daemon.
struct WritingTests {
    @Test func aFileIsReplacedAtomicallyAndNoTemporaryFileRemains() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/state.json"
        try folder.write(".state.json.new", "left by a crash")
        for content in ["first", "second, which is longer", ""] {
            try writeDurably(Array(content.utf8), to: path, mode: 0o640)
            #expect(text(path) == content)
        }
        #expect(try listDirectory(folder.path) == ["state.json"])
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o640)
    }

    @Test func aFailedWriteKeepsTheOldFile() throws {
        let folder = try TemporaryFolder()
        try folder.write("state.json", "old")
        // /dev/full cannot be the temporary file; a file size limit fails the write as a full disk does.
        let target = "\(folder.path)/gone/state.json"
        #expect(throws: FileError("write", target, code: ENOENT)) { try writeDurably([1], to: target, mode: 0o600) }
        #expect(text("\(folder.path)/state.json") == "old")
        #expect(FileError("write", "/x", code: ENOSPC).isOutOfSpace)
        #expect("\(FileError("write", "/x", code: ENOSPC))" == "cannot write /x: No space left on device")
    }

    @Test func aFolderIsMadeWithItsParents() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/a/b/c"
        try makeDirectory(path, mode: 0o750, owner: Owner(userID: getuid(), groupID: getgid()))
        try makeDirectory(path, mode: 0o700)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o750)
        #expect(
            try FileManager.default.attributesOfItem(atPath: "\(folder.path)/a")[.posixPermissions] as? Int == 0o700)
        try folder.write("file", "")
        #expect(throws: FileError("create the folder", "\(folder.path)/file", code: ENOTDIR)) {
            try makeDirectory("\(folder.path)/file")
        }
    }

    @Test func aReadReturnsAtMostTheRequestedBytes() throws {
        let folder = try TemporaryFolder()
        try folder.write("file", "12345")
        let path = "\(folder.path)/file"
        #expect(try readFile(path, limit: 5) == Array("12345".utf8))
        #expect(throws: FileError("read", path, code: EFBIG)) { try readFile(path, limit: 4) }
        #expect(throws: FileError("read", folder.path, code: EISDIR)) { try readFile(folder.path, limit: 4) }
        let prefix = try readPrefix(path, limit: 2)
        #expect(prefix.bytes == Array("12".utf8) && prefix.size == 5)
    }

    @Test func linesAreAppendedWithATrailingNewline() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/events.jsonl"
        try appendLine(Array("one".utf8), to: path, mode: 0o600)
        try appendLine(Array("two".utf8), to: path, mode: 0o600)
        #expect(text(path) == "one\ntwo\n")
        #expect(throws: FileError("write", "/dev/full", code: ENOSPC)) {
            try appendLine([65], to: "/dev/full", mode: 0o600)
        }
    }

    @Test func onlyOneProcessHoldsTheLock() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/lock"
        var first: FileLock? = try FileLock.take(path)
        #expect(first != nil && text(path) == "\(getpid())\n")
        #expect(throws: FileLockError.held(path: path, pid: getpid())) { try FileLock.take(path) }
        first = nil
        let second = try FileLock.take(path)
        // The file was removed under the holder: its lock is on a file that no other process finds.
        try FileManager.default.removeItem(atPath: path)
        _ = try FileLock.take(path)
        #expect(second.path == path)
        #expect(throws: FileLockError.failed(FileError("open the lock", "/nowhere/lock", code: ENOENT))) {
            try FileLock.take("/nowhere/lock")
        }
    }

    @Test func aLockIsInheritedUnchanged() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/lock"
        let held = try FileLock.take(path)
        // exec(2) leaves the same open file.
        let taken = try FileLock.take(path, inherited: dup(held.descriptor))
        #expect(throws: FileLockError.held(path: path, pid: getpid())) { try FileLock.take(path) }
        // A lock on a deleted file excludes no process: then the file with that name is locked.
        try FileManager.default.removeItem(atPath: path)
        let new = try FileLock.take(path, inherited: dup(held.descriptor))
        #expect(throws: FileLockError.held(path: path, pid: getpid())) { try FileLock.take(path) }
        withExtendedLifetime((held, taken, new)) {}
    }
}
