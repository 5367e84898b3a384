import ControlAPI
import ControlClient
import ControlServer
import Glibc
import NIOPosix
import Testing

@Suite struct SocketFileTests {
    private func start(_ path: String, group: String? = nil) async throws -> ControlServer {
        try await ControlServer.start(
            socketPath: path, group: group, on: MultiThreadedEventLoopGroup.singleton, handler: echo)
    }

    private func status(at path: String) async throws -> Int {
        try await blocking { try ControlClient(socketPath: path).send(.status).status }
    }

    @Test func aSocketPathMayHaveAnyLength() async throws {
        let folder = try TemporaryFolder()
        var name = ""
        for _ in 0..<20 {
            name += "/a folder with a rather long name"
            _ = try folder.makeFolder(String(name.dropFirst()))
        }
        let path = "\(folder.path)\(name)/control.sock"
        #expect(path.utf8.count > 600)
        let server = try await start(path)
        #expect(try await status(at: path) == 200)
        await server.stop()
        #expect(access(path, F_OK) != 0)
    }

    @Test func theSocketFileIsAccessibleOnlyToItsOwnerAndGroup() async throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/control.sock"
        let server = try await start(path)
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode == S_IFSOCK | 0o660)
        await server.stop()
    }

    @Test func theSocketOfADeadDaemonIsReplaced() async throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/control.sock"
        try leaveSocket(at: path)
        let server = try await start(path)
        #expect(try await status(at: path) == 200)
        await server.stop()
    }

    @Test func theSocketOfARunningDaemonIsKeptAndTheErrorNamesTheDaemon() async throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/control.sock"
        let first = try await start(path)
        let error = await #expect(throws: ControlError.self) { try await start(path) }
        #expect(error?.message == "a clusterd (pid \(getpid())) already serves \(path)")
        #expect(try await status(at: path) == 200)
        await first.stop()
    }

    @Test func aFileThatIsNotASocketIsNotChanged() async throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/control.sock"
        close(open(path, O_CREAT | O_WRONLY, 0o600))
        let error = await #expect(throws: ControlError.self) { try await start(path) }
        #expect(error?.code == "not-a-socket")
        #expect(access(path, F_OK) == 0)
    }

    @Test func aMissingFolderIsNamedInTheError() async throws {
        let error = await #expect(throws: ControlError.self) { try await start("/nonexistent/folder/control.sock") }
        #expect(error?.message == "cannot open the folder /nonexistent/folder: No such file or directory")
    }

    @Test func theSocketFileOfAnotherDaemonIsNotRemoved() async throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/control.sock"
        let first = try await start(path)
        unlink(path)
        let second = try await start(path)
        await first.stop()
        #expect(try await status(at: path) == 200)
        await second.stop()
    }

    @Test func anUnknownGroupIsReported() async throws {
        let folder = try TemporaryFolder()
        let server = try await start("\(folder.path)/control.sock", group: "no-such-group")
        #expect(server.access == SocketAccess(owner: geteuid(), group: .unknown(name: "no-such-group")))
        await server.stop()
    }

    @Test func aReplyInProgressIsCompletedDuringAStop() async throws {
        let (asked, signal) = AsyncStream<Void>.makeStream()
        let handler: ControlServer.Handler = { _, _ in
            signal.yield()
            await work(for: .milliseconds(100))
            return .document(["last words"])
        }
        try await withServer(handler: handler) { server, path in
            async let answer = blocking { try ControlClient(socketPath: path).send(.stop()) }
            for await _ in asked { break }
            await server.stop()
            let words = try await answer.decode([String].self)
            #expect(words == ["last words"])
        }
    }

    @Test func idleConnectionsDoNotDelayAStop() async throws {
        try await withServer { server, path in
            let idle = try await blocking {
                try (0..<5).map { _ in
                    let raw = try RawConnection(path)
                    raw.write("GET /livez HTTP/1.1\r\n\r\n")
                    _ = raw.read(until: "[\"livez\"]")
                    return raw
                }
            }
            await server.stop()
            let rest = try await blocking { idle.map { $0.read() } }
            #expect(rest == ["", "", "", "", ""])
        }
    }
}

/// A socket file without a listener.
func leaveSocket(at path: String) throws { close(try bindSocket(at: path)) }

/// As a socket unit makes it.
func listenSocket(at path: String) throws -> CInt {
    let descriptor = try bindSocket(at: path)
    guard listen(descriptor, 128) == 0 else { throw ControlError("listen", "errno \(errno)", exit: 1) }
    return descriptor
}

private func bindSocket(at path: String) throws -> CInt {
    let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let length = socklen_t(MemoryLayout<sockaddr_un>.size)
    let result = withUnsafePointer(to: address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
    }
    guard result == 0 else {
        close(descriptor)
        throw ControlError("bind", "errno \(errno)", exit: 1)
    }
    return descriptor
}
