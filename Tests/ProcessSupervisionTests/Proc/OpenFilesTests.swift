import Foundation
import Glibc
import Testing

@testable import ProcessSupervision

/// The open files of a process, by their paths.
@Suite struct OpenFilesTests {
    @Test func aFolderIsFoundByAnOpenFileInItWithItsCurrentState() throws {
        let folder = try Folder()
        let home = try folder.make("deep \(String(repeating: "x", count: 150))")
        let lock = open("\(home)/the-lock", O_RDWR | O_CREAT, 0o600)
        defer { close(lock) }
        let found = try #require(ProcessTable.OpenFiles(of: getpid()))
        #expect(found.folder(ofFileNamed: "the-lock") == .init(path: home, place: .here))
        #expect(found.folder(ofFileNamed: "lock") == nil)
        unlink("\(home)/the-lock")
        #expect(
            try #require(ProcessTable.OpenFiles(of: getpid())).folder(ofFileNamed: "the-lock")
                == .init(path: home, place: .gone))
        // Another file of that name is not the open one.
        close(open("\(home)/the-lock", O_RDWR | O_CREAT, 0o600))
        #expect(
            try #require(ProcessTable.OpenFiles(of: getpid())).folder(ofFileNamed: "the-lock")
                == .init(path: home, place: .gone))
    }

    @Test func aListenerIsFoundThroughTheDescriptorOfItsFolder() throws {
        let folder = try Folder()
        let home = try folder.make(String(repeating: "y", count: 150))
        let directory = open(home, O_RDONLY | O_DIRECTORY)
        defer { close(directory) }
        let name = "\(UUID().uuidString.prefix(8)).sock"
        let socket = try listen("/proc/self/fd/\(directory)/\(name)")
        defer { close(socket) }
        let files = try #require(ProcessTable.OpenFiles(of: getpid()))
        #expect(files.listener(named: name) == .init(path: "\(home)/\(name)", place: .here))
        #expect(files.listener(named: "other.sock") == nil)
        // The descriptor leads to the folder, wherever it is now.
        #expect(rename(home, home + "z") == 0)
        let moved = try #require(ProcessTable.OpenFiles(of: getpid()))
        #expect(moved.listener(named: name) == .init(path: "\(home)z/\(name)", place: .here))
    }

    @Test func onlyAListeningSocketIsFoundByItsAbsoluteName() throws {
        let folder = try Folder()
        let name = "\(UUID().uuidString.prefix(8)).sock"
        let path = "/tmp/\(name)"
        defer { unlink(path) }
        let socket = try listen(path, backlog: nil)
        defer { close(socket) }
        #expect(try #require(ProcessTable.OpenFiles(of: getpid())).listener(named: name) == nil)
        #expect(Glibc.listen(socket, 1) == 0)
        #expect(
            try #require(ProcessTable.OpenFiles(of: getpid())).listener(named: name) == .init(path: path, place: .here))
        withExtendedLifetime(folder) {}
    }

    @Test func linesOfTheKernelsTableAreParsed() {
        func read(_ line: String) -> String? {
            SocketTable.unixListener(ArraySlice(Array(line.utf8))).map { "\($0.inode) \($0.path)" }
        }
        #expect(read("0: 00000002 00000000 00010000 0001 01 30216 /run/a b.sock") == "30216 /run/a b.sock")
        #expect(read("0: 00000002 00000000 00010000 0001 01    16 /run/a.sock") == "16 /run/a.sock")
        #expect(read("0: 00000002 00000000 00000000 0001 03 30216 /run/a.sock") == nil)
        #expect(read("0: 00000002 00000000 00010000 0001 01 30216 @clusterd") == nil)
        #expect(read("0: 00000002 00000000 00010000 0001 01 30216") == nil)
        #expect(read("") == nil)
    }

    private func listen(_ path: String, backlog: Int32? = 1) throws -> Int32 {
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0, "errno \(errno)")
        if let backlog { try #require(Glibc.listen(socket, backlog) == 0) }
        return socket
    }
}
