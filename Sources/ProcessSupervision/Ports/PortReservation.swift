import ClusterModel
import Glibc
import Synchronization

/// Reserves the client and bus port of a node: binds them with SO_REUSEADDR and never listens. The engine, which also sets
/// SO_REUSEADDR (`anetListen`, src/anet.c), can still bind and listen. The kernel does not assign these ports to outgoing
/// connections of other programs, and if another process listens, the bind fails as the engine's would. Such binds do not exclude
/// each other, so an abstract socket for each port shows the reservation to other clusterd processes on the host. It holds until
/// `release` or the end of this value (invariant: port-pair).
package final class PortReservation: Sendable {
    private let descriptors: Mutex<[Int32]>

    private init(_ descriptors: [Int32]) { self.descriptors = Mutex(descriptors) }
    deinit { release() }

    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// In use by another socket (EADDRINUSE): `PortHolder.of` may find its process.
        case busy(port: Int, address: String)
        /// Reserved by another clusterd: `PortHolder.ofPromise`.
        case promised(port: Int)
        /// Cannot be bound on this host: no such address, or no permission. `code` is errno.
        case unusable(port: Int, address: String, code: Int32)

        package var description: String {
            switch self {
            case .busy(let port, let address): "\(port) is in use on \(address)"
            case .promised(let port): "\(port) is reserved by another clusterd"
            case .unusable(let port, let address, let code): "\(port) cannot be bound on \(address): \(errorText(code))"
            }
        }
    }

    package static func reserve(_ ports: PortPair, addresses: [String]) throws(Failure) -> PortReservation {
        var descriptors: [Int32] = []
        do throws(Failure) {
            for port in [ports.client, ports.bus] {
                descriptors.append(try promise(port))
                for address in addresses {
                    if let descriptor = try bind(port, address) { descriptors.append(descriptor) }
                }
            }
        } catch {
            for descriptor in descriptors { close(descriptor) }
            throw error
        }
        return PortReservation(descriptors)
    }

    package func release() {
        descriptors.withLock { descriptors in
            for descriptor in descriptors { close(descriptor) }
            descriptors = []
        }
    }

    /// In the abstract name space (unix(7)), which, like ports, belongs to the network name space.
    static func promiseName(_ port: Int) -> String { "clusterd-port-\(port)" }

    private static func promise(_ port: Int) throws(Failure) -> Int32 {
        let name = promiseName(port)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .unusable(port: port, address: "@\(name)", code: errno) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes: [UInt8] = [0] + Array(name.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(descriptor, $0, length) }
        }
        guard result == 0 else {
            let code = errno
            close(descriptor)
            throw code == EADDRINUSE ? .promised(port: port) : .unusable(port: port, address: "@\(name)", code: code)
        }
        return descriptor
    }

    /// One address as in redis.conf's `bind`. Returns nil for an address with a leading `-` that is missing on this host.
    private static func bind(_ port: Int, _ address: String) throws(Failure) -> Int32? {
        let word = BindAddress(address)
        let (text, isOptional) = (word.text, word.isOptional)
        guard let target = SocketAddress(text, port: port) else {
            throw .unusable(port: port, address: text, code: EINVAL)
        }
        let descriptor = socket(target.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else {
            if isOptional, errno == EAFNOSUPPORT { return nil }
            throw .unusable(port: port, address: text, code: errno)
        }
        var yes: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, size)
        if target.family == AF_INET6 { setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &yes, size) }
        let code = target.bind(descriptor)
        guard code != 0 else { return descriptor }
        close(descriptor)
        if isOptional, code == EADDRNOTAVAIL { return nil }
        throw code == EADDRINUSE
            ? .busy(port: port, address: text) : .unusable(port: port, address: text, code: code)
    }
}
