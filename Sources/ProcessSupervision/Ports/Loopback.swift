import Glibc

/// Whether there is a way to an address of this host itself. In a network namespace of its own the loopback interface is down until
/// somebody brings it up, and then no node can be reached at 127.0.0.1, nor reach another.
package enum Loopback {
    /// The kernel's words where an address has no way to it; nil: it has one. Nothing is sent: a datagram socket only looks for the way.
    package static func trouble(_ address: String) -> String? {
        guard let target = SocketAddress(address, port: 9) else { return nil }
        let probe = socket(target.family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { return nil }
        defer { close(probe) }
        let code = target.connect(probe)
        return code == ENETUNREACH || code == EADDRNOTAVAIL ? errorText(code) : nil
    }
}
