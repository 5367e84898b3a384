import Foundation
import Testing

/// A stand-in for systemd, as a daemon sees it: it receives its state, keeps its stored descriptors, and passes sockets
/// (sd_notify(3), sd_listen_fds(3)).
final class ServiceStandIn {
    let path: String
    private let socket: Int32
    private(set) var told = ""
    /// The descriptor store.
    private(set) var stored: [(name: String, descriptor: Int32)] = []

    init(_ path: String) throws {
        self.path = path
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        try Self.bind(socket, path)
    }

    deinit {
        close(socket)
        for (_, descriptor) in stored { close(descriptor) }
    }

    /// As a socket unit makes it.
    static func listener(_ path: String) throws -> Int32 {
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try bind(descriptor, path)
        try #require(listen(descriptor, 128) == 0)
        return descriptor
    }

    private static func bind(_ descriptor: Int32, _ path: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0, "\(path): \(String(cString: strerror(errno)))")
    }

    /// Starts a daemon with a socket as its descriptor 3.
    func start(
        _ daemon: Daemon, _ arguments: [String], handing descriptor: Int32, named name: String
    ) throws {
        // Only the process itself knows LISTEN_PID.
        let script = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES='\(name)' exec \"$@\""
        daemon.launcher = ["/bin/sh", "-c", script, "sh"]
        defer { daemon.launcher = [] }
        try daemon.up(
            arguments, environment: ["NOTIFY_SOCKET": path],
            input: FileHandle(fileDescriptor: descriptor, closeOnDealloc: false))
    }

    /// Reads pending datagrams, and applies them to the store.
    func hear() {
        while let (text, descriptor) = receive() {
            told += text + "\n"
            let lines = text.split(separator: "\n").map(String.init)
            guard let name = lines.first(where: { $0.hasPrefix("FDNAME=") }).map({ String($0.dropFirst(7)) }) else {
                continue
            }
            if lines.contains("FDSTOREREMOVE=1") {
                for entry in stored where entry.name == name { close(entry.descriptor) }
                stored.removeAll { $0.name == name }
            } else if let descriptor {
                if stored.contains(where: { $0.name == name }) {
                    close(descriptor)
                } else {
                    stored.append((name, descriptor))
                }
            }
        }
    }

    private func receive() -> (text: String, descriptor: Int32?)? {
        var bytes = [UInt8](repeating: 0, count: 8192)
        // A cmsg(3) header, and one descriptor.
        var control = [Int](repeating: 0, count: 3)
        var length = 0
        let count = bytes.withUnsafeMutableBytes { text in
            control.withUnsafeMutableBytes { control in
                var part = iovec(iov_base: text.baseAddress, iov_len: text.count)
                return withUnsafeMutablePointer(to: &part) { part in
                    var header = msghdr()
                    header.msg_iov = part
                    header.msg_iovlen = 1
                    header.msg_control = control.baseAddress
                    header.msg_controllen = control.count
                    let count = recvmsg(socket, &header, Int32(MSG_CMSG_CLOEXEC))
                    length = header.msg_controllen
                    return count
                }
            }
        }
        guard count > 0 else { return nil }
        let text = String(decoding: bytes.prefix(count), as: UTF8.self)
        return (text, length > 0 ? Int32(truncatingIfNeeded: control[2]) : nil)
    }
}
