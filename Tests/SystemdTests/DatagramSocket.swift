import Glibc

/// A socket like the one on which systemd listens.
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

    /// With SCM_RIGHTS (unix(7)), as cmsg(3) lays it out.
    func receiveWithDescriptors() throws -> (text: String, descriptors: [CInt]) {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        var control = [UInt8](repeating: 0, count: 256)
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
                    let count = recvmsg(descriptor, &header, 0)
                    length = header.msg_controllen
                    return count
                }
            }
        }
        guard count >= 0 else { throw Failure(code: errno) }
        let head = MemoryLayout<Int>.size + 2 * MemoryLayout<CInt>.size
        let descriptors = control.withUnsafeBytes { control in
            guard length >= head else { return [CInt]() }
            let end = control.loadUnaligned(as: Int.self)
            return stride(from: head, to: end, by: MemoryLayout<CInt>.size).map {
                control.loadUnaligned(fromByteOffset: $0, as: CInt.self)
            }
        }
        return (String(decoding: bytes.prefix(count), as: UTF8.self), descriptors)
    }
}
