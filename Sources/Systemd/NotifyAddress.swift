import CSystemd
import Glibc

/// The address of the socket in NOTIFY_SOCKET.
///
/// libsystemd's sd_notify reads NOTIFY_SOCKET from the environment at each call, and no call accepts the address as an argument.
/// clusterd removes the variable, and setting it around each call would race with every getenv and every child start. So the
/// datagram is sent here: sd_notify(3) documents the protocol as stable, with an example program of this size.
struct NotifyAddress: Hashable, Sendable {
    /// `sun_path`: a path, or a NUL and a name of the abstract namespace (unix(7)).
    private let bytes: [UInt8]

    /// nil for an address that systemd rejects: neither an absolute path nor `@name`, or longer than `sun_path`.
    init?(_ text: String) {
        var bytes = Array(text.utf8)
        guard bytes.count > 1, bytes.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path) else { return nil }
        switch bytes[0] {
        case UInt8(ascii: "/"): break
        case UInt8(ascii: "@"): bytes[0] = 0
        default: return nil
        }
        self.bytes = bytes
    }

    /// Returns an errno, or 0. EAGAIN: systemd has not read earlier datagrams within `limit`.
    ///
    /// - Parameter handed: a descriptor of which systemd gets a copy.
    func send(_ message: [UInt8], handing handed: CInt? = nil, within limit: Duration) -> CInt {
        let descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        var patience = timeval(
            tv_sec: Int(limit.components.seconds), tv_usec: Int(limit.components.attoseconds / 1_000_000_000_000))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout.size(ofValue: patience)))
        // The kernel treats a timeout of zero as no timeout.
        let flags = CInt(MSG_NOSIGNAL) | (limit == .zero ? CInt(MSG_DONTWAIT) : 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        // A trailing NUL would be part of an abstract name.
        let isPath = bytes[0] != 0
        let length = MemoryLayout.offset(of: \sockaddr_un.sun_path).map { $0 + bytes.count + (isPath ? 1 : 0) } ?? 0
        var message = message
        var rights = handed.map(Self.rights) ?? []
        while true {
            let sent = withUnsafeMutablePointer(to: &address) { name in
                message.withUnsafeMutableBytes { text in
                    rights.withUnsafeMutableBytes { rights in
                        var part = iovec(iov_base: text.baseAddress, iov_len: text.count)
                        return withUnsafeMutablePointer(to: &part) { part in
                            var header = msghdr()
                            header.msg_name = UnsafeMutableRawPointer(name)
                            header.msg_namelen = socklen_t(length)
                            header.msg_iov = part
                            header.msg_iovlen = 1
                            header.msg_control = rights.isEmpty ? nil : rights.baseAddress
                            header.msg_controllen = rights.count
                            return sendmsg(descriptor, &header, flags)
                        }
                    }
                }
            }
            if sent >= 0 { return 0 }
            if errno != EINTR { return errno }
        }
    }

    /// SCM_RIGHTS of unix(7) in the layout of cmsg(3): a header, the descriptor, and padding to a whole word.
    private static func rights(_ descriptor: CInt) -> [UInt8] {
        let head = MemoryLayout<cmsghdr>.size
        let length = head + MemoryLayout<CInt>.size
        let word = MemoryLayout<Int>.size
        var bytes = [UInt8](repeating: 0, count: (length + word - 1) / word * word)
        bytes.withUnsafeMutableBytes { buffer in
            buffer.storeBytes(of: length, as: Int.self)
            buffer.storeBytes(of: SOL_SOCKET, toByteOffset: word, as: CInt.self)
            buffer.storeBytes(of: CInt(SCM_RIGHTS), toByteOffset: word + MemoryLayout<CInt>.size, as: CInt.self)
            buffer.storeBytes(of: descriptor, toByteOffset: head, as: CInt.self)
        }
        return bytes
    }
}
