import ClusterModel
import Glibc

/// Client and bus port of a node, held by binding with SO_REUSEADDR and never listening: the engine can bind them beside us,
/// no other program's listener or outgoing connection gets them (REDIS.md, ports). An abstract socket a port tells another
/// clusterd on the host that it is spoken for, since the reservations alone do not exclude each other.
package final class PortReservation: Sendable {
    private let descriptors: [Int32]

    private init(_ descriptors: [Int32]) { self.descriptors = descriptors }
    deinit { for descriptor in descriptors { close(descriptor) } }

    package enum Failure: Error, Hashable, Sendable {
        /// Taken, and by whom as far as it may be seen.
        case busy(port: Int, address: String)
        /// Another clusterd holds it.
        case promised(port: Int)
        /// It can be bound by nobody here: no such address, no permission.
        case unusable(port: Int, address: String, code: Int32)
    }

    package static func reserve(_ ports: PortPair, addresses: [String]) throws(Failure) -> PortReservation {
        var descriptors: [Int32] = []
        do throws(Failure) {
            for port in [ports.client, ports.bus] {
                descriptors.append(try promise(port))
                for address in addresses { descriptors += try bind(port, address) }
            }
        } catch {
            for descriptor in descriptors { close(descriptor) }
            throw error
        }
        return PortReservation(descriptors)
    }

    private static func promise(_ port: Int) throws(Failure) -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .unusable(port: port, address: "", code: errno) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name: [UInt8] = [0] + Array("clusterd-port-\(port)".utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(descriptor, $0, length) }
        }
        guard result == 0 else {
            close(descriptor)
            throw .promised(port: port)
        }
        return descriptor
    }

    /// `*` is both families; an address with `-` before it may be missing (`bind` in redis.conf).
    private static func bind(_ port: Int, _ address: String) throws(Failure) -> [Int32] {
        if address == "*" { return try bind(port, "0.0.0.0") + bind(port, "-::") }
        let isOptional = address.hasPrefix("-")
        let text = isOptional ? String(address.dropFirst()) : address
        let family = text.contains(":") ? AF_INET6 : AF_INET
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else {
            if isOptional { return [] }
            throw .unusable(port: port, address: text, code: errno)
        }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        if family == AF_INET6 {
            setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &yes, socklen_t(MemoryLayout<Int32>.size))
        }
        let code = bind(descriptor, family, text, port)
        guard code != 0 else { return [descriptor] }
        close(descriptor)
        if code == EADDRINUSE { throw .busy(port: port, address: text) }
        if isOptional, code == EADDRNOTAVAIL { return [] }
        throw .unusable(port: port, address: text, code: code)
    }

    /// 0, or errno.
    private static func bind(_ descriptor: Int32, _ family: Int32, _ text: String, _ port: Int) -> Int32 {
        if family == AF_INET6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = in_port_t(port).bigEndian
            guard inet_pton(AF_INET6, text, &address.sin6_addr) == 1 else { return EINVAL }
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size)) == 0 ? 0 : errno
                }
            }
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        guard inet_pton(AF_INET, text, &address.sin_addr) == 1 else { return EINVAL }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 ? 0 : errno
            }
        }
    }
}
