import ClusterModel
import Foundation
import NodeFiles
import Testing

@Suite struct DiskTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "clusterd-test-disk-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    @Test func foldersOfOneFileSystemAreOneDiskEvenIfTheyDoNotExistYet() throws {
        try withFolder { folder in
            let found = disks(of: [folder, folder + "/nodes/7000", folder])
            #expect(found.map(\.folders) == [[folder, folder + "/nodes/7000"]])
            #expect(found[0].free > 0 && found[0].size >= found[0].free && found[0].reserve == 0)
            #expect(disks(of: [folder, "/proc"]).count == 2)
            #expect(found[0].freeFiles.map { $0 > 0 } ?? true)
        }
    }

    @Test func theReserveIsAllocatedAndReleased() throws {
        try withFolder { folder in
            try makeReserve(in: folder)
            #expect(disks(of: [folder])[0].reserve == Reserve.bytes)
            try makeReserve(in: folder)
            #expect(disks(of: [folder])[0].reserve == Reserve.bytes)
            try releaseReserve(in: folder)
            #expect(disks(of: [folder])[0].reserve == 0)
            try releaseReserve(in: folder)
        }
    }

    @Test func aForeignFileNamedLikeTheReserveIsLeftUnchanged() throws {
        try withFolder { folder in
            let path = Reserve.path(in: folder)
            try "the second team".write(toFile: path, atomically: false, encoding: .utf8)
            #expect(throws: FileError.self) { try makeReserve(in: folder) }
            #expect(throws: FileError.self) { try releaseReserve(in: folder) }
            #expect(disks(of: [folder])[0].reserve == 0)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "the second team")
        }
    }

    @Test func aSparseFileIsNotAReserve() throws {
        try withFolder { folder in
            let path = Reserve.path(in: folder)
            try makeReserve(in: folder)
            #expect(truncate(path, 4096) == 0 && truncate(path, Int(Reserve.bytes)) == 0)
            #expect(disks(of: [folder])[0].reserve < Reserve.bytes)
            try makeReserve(in: folder)
            #expect(disks(of: [folder])[0].reserve == Reserve.bytes)
        }
    }

    @Test func aReserveThatCannotBeMadeLeavesNoFile() throws {
        #expect(throws: FileError.self) { try makeReserve(in: "/proc") }
        #expect(
            "\(FileError("make", "/data/reserve", code: ENOSPC))"
                == "cannot make /data/reserve: No space left on device")
    }
}
