import ControlAPI
import ControlClient
import ControlServer
import Glibc
import NIOPosix
import Testing

/// A separate folder for each test.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/clusterd-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ControlError("mkdtemp", "errno \(errno)", exit: 1) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { remove(path) }

    func makeFolder(_ name: String) throws -> String {
        let folder = "\(path)/\(name)"
        guard mkdir(folder, 0o700) == 0 else { throw ControlError("mkdir", "\(folder): errno \(errno)", exit: 1) }
        return folder
    }

    private func remove(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFDIR, let folder = opendir(path) {
            while let entry = readdir(folder) {
                let name = withUnsafePointer(to: entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != ".", name != ".." { remove("\(path)/\(name)") }
            }
            closedir(folder)
            rmdir(path)
        } else {
            unlink(path)
        }
    }
}

/// Runs a server in a separate folder while `body` runs.
func withServer(
    limits: ControlLimits = ControlLimits(), group: String? = nil, handler: @escaping ControlServer.Handler = echo,
    _ body: (_ server: ControlServer, _ socketPath: String) async throws -> Void
) async throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/control.sock"
    let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let server = try await ControlServer.start(
        socketPath: path, group: group, limits: limits, on: loops, handler: handler)
    do {
        try await body(server, path)
    } catch {
        await server.stop()
        try await loops.shutdownGracefully()
        throw error
    }
    await server.stop()
    #expect(access(path, F_OK) != 0)
    try await loops.shutdownGracefully()
}

/// Replies with the request as text.
@Sendable func echo(_ request: ControlRequest, _ peer: Peer?) async -> ControlResponse {
    .document(["\(request)"])
}

/// A blocking call, on a thread that neither the server's handlers nor the tests need.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await clientThreads.runIfActive(body)
}

/// Not a Dispatch thread: Swift's tasks run on those, and clients that wait for a handler would block it.
private let clientThreads = {
    let threads = NIOThreadPool(numberOfThreads: 120)
    threads.start()
    return threads
}()

/// Waits for a condition, at most ten seconds.
func eventually(_ condition: @Sendable () async -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < deadline {
        if await condition() { return true }
        try await Task.sleep(for: .milliseconds(2))
    }
    return await condition()
}

/// Sends arbitrary bytes, as another program might.
final class RawConnection: Sendable {
    private let descriptor: CInt

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout.size(ofValue: limit)))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
        }
        guard result == 0 else { throw ControlError("connect", "errno \(errno)", exit: 1) }
    }

    deinit { close(descriptor) }

    func write(_ text: String) { write(Array(text.utf8)) }
    func write(_ bytes: [UInt8]) { _ = send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) }
    /// Ends writing; reading is still possible.
    func endWriting() { shutdown(descriptor, CInt(SHUT_WR)) }

    /// Reads to the end, or until `text` was received.
    func read(until text: String? = nil) -> String {
        var all: [UInt8] = []
        while true {
            var bytes = [UInt8](repeating: 0, count: 1 << 16)
            let count = recv(descriptor, &bytes, bytes.count, 0)
            guard count > 0 else { break }
            all.append(contentsOf: bytes.prefix(count))
            if let text, String(decoding: all, as: UTF8.self).contains(text) { break }
        }
        return String(decoding: all, as: UTF8.self)
    }
}

/// The duration of a handler's work: not a wait for a condition.
func work(for duration: Duration) async { try? await Task.sleep(for: duration) }
