import ClusterModel
import Foundation
import Glibc
import ProcessSupervision
import Testing

/// Shared by all tests, as in the daemon: its thread never ends.
let watch = ProcessWatch()

let isRoot = geteuid() == 0

struct TimedOut: Error {}

/// Waits until a condition holds.
func until(_ limit: Duration = .seconds(20), _ condition: () throws -> Bool) async throws {
    let end = ContinuousClock.now + limit
    while try !condition() {
        guard ContinuousClock.now < end else { throw TimedOut() }
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// A separate folder for a test, accessible to every user.
final class Folder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "clusterd-process-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        chmod(path, 0o755)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func make(_ name: String) throws -> String {
        try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
        return "\(path)/\(name)"
    }

    func order(
        _ executable: String, _ arguments: [String] = [], environment: [String] = [], in directory: String? = nil,
        user: UserAccount? = nil, openFiles: UInt64 = 0
    ) -> SpawnOrder {
        SpawnOrder(
            executable: executable, arguments: arguments, environment: environment, directory: directory ?? path,
            output: path + "/output", user: user, openFiles: openFiles)
    }

    func output() throws -> String { try contents(path + "/output") }
}

func contents(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
}

/// A process that is killed with the test.
final class Child: Sendable {
    let identity: ProcessIdentity
    private let exits: AsyncStream<ProcessExit>

    var pid: pid_t { identity.pid }

    init(_ order: SpawnOrder) throws {
        let (exits, continuation) = AsyncStream.makeStream(of: ProcessExit.self)
        self.exits = exits
        identity = try watch.start(order) { _, exit in
            continuation.yield(exit)
            continuation.finish()
        }
    }
    deinit { try? watch.signal(identity, SIGKILL) }

    func exit() async throws -> ProcessExit {
        for await exit in exits { return exit }
        throw TimedOut()
    }

    /// The value of a line of /proc/PID/status.
    func status(_ name: String) throws -> String? {
        try contents("/proc/\(pid)/status").split(separator: "\n").first { $0.hasPrefix(name + ":") }
            .map { $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces) }
    }

    /// By the field number in proc(5), from 4 on.
    func statField(_ number: Int) throws -> String {
        let fields = try contents("/proc/\(pid)/stat").split(separator: ")").last?.split(separator: " ") ?? []
        return String(try #require(fields.count > number - 3 ? fields[number - 3] : nil))
    }
}

/// A TCP socket of this process, on a port that the kernel chose or a given one.
final class Socket: Sendable {
    let descriptor: Int32
    let port: Int

    enum Kind { case listening, listeningForReuse, boundOnly }

    init(_ address: String, port: Int = 0, _ kind: Kind = .listening, onlyV6: Bool = true) throws {
        let isV6 = address.contains(":")
        let stream = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        descriptor = socket(isV6 ? AF_INET6 : AF_INET, stream, 0)
        var yes: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        if kind == .listeningForReuse { setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, size) }
        var only: Int32 = onlyV6 ? 1 : 0
        if isV6 { setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &only, size) }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutableBytes(of: &storage) { raw in
            if isV6 {
                length = socklen_t(MemoryLayout<sockaddr_in6>.size)
                var name = sockaddr_in6()
                name.sin6_family = sa_family_t(AF_INET6)
                name.sin6_port = in_port_t(port).bigEndian
                inet_pton(AF_INET6, address, &name.sin6_addr)
                raw.storeBytes(of: name, as: sockaddr_in6.self)
            } else {
                var name = sockaddr_in()
                name.sin_family = sa_family_t(AF_INET)
                name.sin_port = in_port_t(port).bigEndian
                inet_pton(AF_INET, address, &name.sin_addr)
                raw.storeBytes(of: name, as: sockaddr_in.self)
            }
        }
        let descriptor = descriptor
        let failed = withUnsafeMutablePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                bind(descriptor, name, length) != 0 || getsockname(descriptor, name, &length) != 0
            }
        }
        if failed || (kind != .boundOnly && listen(descriptor, 8) != 0) {
            let code = errno
            close(descriptor)
            throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EINVAL)
        }
        // Both address structures have the port at offset 2.
        let raw = withUnsafeBytes(of: &storage) { $0.load(fromByteOffset: 2, as: UInt16.self) }
        self.port = Int(raw.bigEndian)
    }
    deinit { close(descriptor) }
}

/// Two ports that are free at this moment, both on IPv4 and on IPv6.
func freePorts() throws -> PortPair {
    let first = try Socket("::", onlyV6: false)
    let second = try Socket("::", onlyV6: false)
    return PortPair(client: first.port, bus: second.port)
}

/// A port of this host that a peer may connect to.
func connects(to port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = in_port_t(port).bigEndian
    name.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &name) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}

/// The interpreter itself and not a wrapper: the started process is the listening one.
let python: String? = ["/usr/bin/python3", "/usr/local/bin/python3"].first { access($0, X_OK) == 0 }

/// A process that listens on a port of 127.0.0.1.
func listener(in folder: Folder, port: Int, directory: String? = nil) async throws -> Child {
    let script = """
        import socket, time
        s = socket.socket(); s.bind(('127.0.0.1', \(port))); s.listen(); time.sleep(600)
        """
    let child = try Child(folder.order(try #require(python), ["-c", script], in: directory))
    try await until { connects(to: port) }
    return child
}
