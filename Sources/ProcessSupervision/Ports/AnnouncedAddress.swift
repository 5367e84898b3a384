import ClusterModel
import Glibc

/// Checks whether the address that nodes announce leads to them. Nodes, like clients, connect to each other at this address, even
/// on one host. So the check connects as a node would, to a listener in place of the nodes.
package enum AnnouncedAddress {
    package enum Trouble: Error, Hashable, Sendable, CustomStringConvertible {
        case unresolved(String)
        case unreachable(String)
        /// A connection is accepted, but not by the listener of this check.
        case elsewhere

        package var description: String {
            switch self {
            case .unresolved(let why): "the name does not resolve: \(why)"
            case .unreachable(let why): "the nodes cannot reach each other at this address: \(why)"
            case .elsewhere:
                "a connection to this address does not reach the nodes of this host: another host or program accepts it"
            }
        }
    }

    /// - Parameters:
    ///   - ports: bus ports of nodes. Listens on the first free one. If none is free, nodes may run, and one of them has to answer.
    ///   - addresses: the addresses of `bind`.
    package static func check(
        _ host: String, ports: [Int], addresses: [String], limit: Duration = .seconds(1)
    ) throws(Trouble) {
        guard let first = ports.first else { return }
        var listeners: [Int32] = []
        var port = first
        for candidate in ports {
            guard let open = listen(candidate, addresses) else { continue }
            (listeners, port) = (open, candidate)
            break
        }
        defer { for listener in listeners { close(listener) } }
        var why = ""
        guard let target = SocketAddress(resolving: host, port: port, trouble: &why) else { throw .unresolved(why) }
        let caller = socket(
            target.family,
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard caller >= 0 else { throw .unreachable(errorText(errno)) }
        defer { close(caller) }
        var code = target.connect(caller)
        if code == EINPROGRESS {
            guard waits(for: [caller], Int16(POLLOUT), limit) else {
                throw .unreachable("no answer within \(limit.inMilliseconds) ms")
            }
            var size = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(caller, SOL_SOCKET, SO_ERROR, &code, &size)
        }
        guard code == 0 else { throw .unreachable(errorText(code)) }
        if !listeners.isEmpty, !waits(for: listeners, Int16(POLLIN), limit) { throw .elsewhere }
    }

    /// nil: the port is in use.
    private static func listen(_ port: Int, _ addresses: [String]) -> [Int32]? {
        var open: [Int32] = []
        for word in addresses.map(BindAddress.init) {
            guard let target = SocketAddress(word.text, port: port) else { continue }
            let listener = socket(target.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard listener >= 0 else { continue }
            var yes: Int32 = 1
            let size = socklen_t(MemoryLayout<Int32>.size)
            setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, size)
            if target.family == AF_INET6 { setsockopt(listener, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &yes, size) }
            var code = target.bind(listener)
            if code == 0 { code = Glibc.listen(listener, 4) == 0 ? 0 : errno }
            if code == 0 {
                open.append(listener)
                continue
            }
            close(listener)
            if code == EADDRINUSE {
                for listener in open { close(listener) }
                return nil
            }
        }
        return open.isEmpty ? nil : open
    }

    private static func waits(for descriptors: [Int32], _ events: Int16, _ limit: Duration) -> Bool {
        var waiting = descriptors.map { pollfd(fd: $0, events: events, revents: 0) }
        return poll(&waiting, nfds_t(waiting.count), Int32(clamping: limit.inMilliseconds)) > 0
    }
}
