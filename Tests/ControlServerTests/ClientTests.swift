import ControlAPI
import ControlClient
import Glibc
import Synchronization
import Testing

@Suite struct ClientTests {
    @Test func withoutADaemonTheErrorSaysHowToStartOne() throws {
        let folder = try TemporaryFolder()
        let missing = "\(folder.path)/missing.sock"
        let stale = "\(folder.path)/stale.sock"
        try leaveSocket(at: stale)
        for path in [missing, stale, "\(folder.path)/no/folder/control.sock", "\(stale)/x"] {
            let error = #expect(throws: ControlError.self) { try ControlClient(socketPath: path).send(.status) }
            #expect(error?.exit == ExitCode.noDaemon)
            #expect(error?.description == "no clusterd answers at \(path) (start one: clusterd up)")
        }
    }

    /// A client connects to a daemon found by name only if the kernel reports one of these users as its owner.
    @Test func aClientSendsNothingToAnUnexpectedUsersDaemon() async throws {
        try await withServer { _, path in
            try await blocking {
                let ours = ControlClient(socketPath: path, owners: [getuid(), 0])
                #expect(throws: Never.self) { try ours.request("GET", "/v1/status") }
                let error = #expect(throws: ControlError.self) {
                    try ControlClient(socketPath: path, owners: [getuid() + 1]).request("GET", "/v1/status")
                }
                #expect(error?.exit == ExitCode.noPermission && error?.code == "not-yours")
                #expect(error?.hint?.contains("--socket \(path)") == true)
            }
        }
    }

    @Test func theWaitForASilentDaemonHasTheRequestedLimit() async throws {
        let folder = try TemporaryFolder()
        let silent = try SilentDaemon(at: "\(folder.path)/control.sock")
        let error = try await blocking {
            let start = ContinuousClock.now
            let error = #expect(throws: ControlError.self) {
                try ControlClient(socketPath: silent.path).send(.status, timeout: .milliseconds(50))
            }
            #expect(ContinuousClock.now - start >= .milliseconds(50))
            return error
        }
        #expect(error?.exit == ExitCode.timeout)
        #expect(error?.message.contains("(pid \(getpid()))") == true)
    }

    /// A daemon that is being replaced may leave a client without a reply.
    @Test func aReadOnlyRequestIsRetriedIfTheDaemonGoesAway() async throws {
        let folder = try TemporaryFolder()
        let daemon = try SilentDaemon(at: "\(folder.path)/control.sock")
        async let served: Void = blocking {
            daemon.answer("")
            daemon.answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            daemon.answer("")
        }
        try await blocking {
            let client = ControlClient(socketPath: daemon.path)
            let answer = try client.request("GET", "/v1/status")
            #expect(answer.body == Array("ok".utf8))
            let error = #expect(throws: ControlError.self) { try client.send(.stop()) }
            #expect(error?.exit == ExitCode.noDaemon)
        }
        try await served
    }

    @Test func theWaitForAFullBacklogHasTheRequestedLimit() async throws {
        let folder = try TemporaryFolder()
        let silent = try SilentDaemon(at: "\(folder.path)/control.sock")
        let held = try await blocking { try (0..<2).map { _ in try RawConnection(silent.path) } }
        #expect(held.count == 2)
        let error = try await blocking {
            #expect(throws: ControlError.self) {
                try ControlClient(socketPath: silent.path).send(.status, timeout: .milliseconds(50))
            }
        }
        #expect(error?.exit == ExitCode.timeout)
    }

    @Test(arguments: [
        "hello\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        "-ERR unknown command\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFFFF\r\n", "\r\n\r\n", "HTTP/1.1\r\n\r\n",
    ])
    func aReplyOfAnotherProgramIsAnErrorWithAReason(answer: String) async throws {
        let folder = try TemporaryFolder()
        let impostor = try SilentDaemon(at: "\(folder.path)/control.sock")
        async let served: Void = blocking { impostor.answer(answer) }
        let error = try await blocking {
            #expect(throws: ControlError.self) { try ControlClient(socketPath: impostor.path).send(.status) }
        }
        try await served
        #expect(error?.exit == ExitCode.failed)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "HTTP/1.0 200 OK\r\n\r\n[]",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\ncontent-length:2 \r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\n[\r\n1\r\n]\r\n0\r\nTrailer: x\r\n\r\n",
    ])
    func everyHTTPFramingIsRead(answer: String) async throws {
        let folder = try TemporaryFolder()
        let daemon = try SilentDaemon(at: "\(folder.path)/control.sock")
        async let served: Void = blocking { daemon.answer(answer, byteByByte: true) }
        let received = try await blocking { try ControlClient(socketPath: daemon.path).send(.status) }
        try await served
        #expect(received == ControlClient.Answer(status: 200, body: Array("[]".utf8)))
    }
}

/// Listens with room for one connection, and sends nothing until the test says so.
final class SilentDaemon: Sendable {
    let path: String
    private let descriptor: CInt

    init(at path: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard result == 0, listen(descriptor, 1) == 0 else { throw ControlError("bind", "errno \(errno)", exit: 1) }
    }

    deinit { close(descriptor) }

    /// Accepts one connection, waits for the end of a request's header, replies, and closes.
    func answer(_ text: String, byteByByte: Bool = false) {
        let connection = accept(descriptor, nil, nil)
        defer { close(connection) }
        var request: [UInt8] = []
        while !request.ends(with: "\r\n\r\n".utf8) {
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = recv(connection, &bytes, bytes.count, 0)
            guard count > 0 else { break }
            request.append(contentsOf: bytes.prefix(count))
        }
        let bytes = Array(text.utf8)
        for piece in byteByByte ? bytes.map({ [$0] }) : [bytes] {
            _ = send(connection, piece, piece.count, CInt(MSG_NOSIGNAL))
        }
    }
}

extension [UInt8] {
    fileprivate func ends(with suffix: String.UTF8View) -> Bool { self.suffix(suffix.count).elementsEqual(suffix) }
}
