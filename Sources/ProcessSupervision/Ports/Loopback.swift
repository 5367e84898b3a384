import Glibc

/// Checks whether an address of this host is reachable. In a new network namespace the loopback interface is down; until it is
/// brought up, no node can reach another one at 127.0.0.1.
package enum Loopback {
    /// The kernel's error for an unreachable address; nil: it is reachable. Sends nothing: a datagram socket only looks up the route.
    package static func trouble(_ address: String) -> String? {
        guard let target = SocketAddress(address, port: 9) else { return nil }
        let probe = socket(target.family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { return nil }
        defer { close(probe) }
        let code = target.connect(probe)
        return code == ENETUNREACH || code == EADDRNOTAVAIL ? errorText(code) : nil
    }
}
