import CSystemd
import Glibc

/// The socket that systemd named in NOTIFY_SOCKET.
///
/// libsystemd's own sd_notify reads NOTIFY_SOCKET from the environment at each call, and there is no call that is given
/// the address. The variable is gone from there, and to set it around each call would race with every getenv and with
/// every child being started. So the datagram is sent here: sd_notify(3) documents the protocol as stable, and has a
/// program of this size that speaks it.
struct NotifyAddress: Hashable, Sendable {
    /// `sun_path`: a path, or a NUL and a name of the abstract namespace (unix(7)).
    private let bytes: [UInt8]

    /// nil for what systemd itself takes for none: neither an absolute path nor `@name`, or longer than `sun_path`.
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

    /// An errno, or 0. EAGAIN: systemd has not read what it was told before, for as long as `limit`.
    ///
    /// - Parameter handed: a descriptor that systemd gets a copy of.
    func send(_ message: [UInt8], handing handed: CInt? = nil, within limit: Duration) -> CInt {
        let descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        var patience = timeval(
            tv_sec: Int(limit.components.seconds), tv_usec: Int(limit.components.attoseconds / 1_000_000_000_000))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout.size(ofValue: patience)))
        // To the kernel a limit of zero is none.
        let flags = CInt(MSG_NOSIGNAL) | (limit == .zero ? CInt(MSG_DONTWAIT) : 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        // An abstract name is as long as its bytes: a trailing NUL would be part of it.
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

    /// SCM_RIGHTS of unix(7), as cmsg(3) lays it out: a header, the descriptor, and what is missing to a whole word.
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
