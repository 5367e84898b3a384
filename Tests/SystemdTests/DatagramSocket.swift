import Glibc

/// A socket as systemd listens on.
final class DatagramSocket {
    let descriptor: CInt
    private let file: String?

    /// `name` as in NOTIFY_SOCKET: a path, or `@` and an abstract name.
    init(_ name: String) throws {
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        file = name.hasPrefix("/") ? name : nil
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        if file == nil { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(2 + bytes.count)
        let result = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard result == 0 else { throw Failure(code: errno) }
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout.size(ofValue: limit)))
    }

    deinit {
        close(descriptor)
        if let file { unlink(file) }
    }

    struct Failure: Error { let code: CInt }

    func receive() throws -> String {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        guard count >= 0 else { throw Failure(code: errno) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
