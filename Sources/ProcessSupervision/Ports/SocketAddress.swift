import Glibc

/// A numeric address and a port, for bind(2).
struct SocketAddress {
    let family: Int32
    /// The address alone, in network order: 4 bytes or 16.
    let bytes: [UInt8]
    private let storage: sockaddr_storage
    private let length: socklen_t

    /// nil if `text` is not a numeric address. `*` and `::*` mean all addresses of IPv4 and IPv6, as in redis.conf
    /// (`listenToPort`, src/server.c); `%eth0` after an address is its zone.
    init?(_ text: String, port: Int) {
        let host: String? = text == "*" || text == "::*" ? nil : text
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE
        hints.ai_family = text.contains(":") ? AF_INET6 : AF_INET
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0, let list else { return nil }
        defer { freeaddrinfo(list) }
        self.init(list.pointee)
    }

    /// Resolves a name as the engine does for connections: to its first address. nil: it has none; `trouble` says why.
    init?(resolving name: String, port: Int, trouble: inout String) {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICSERV
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(name, String(port), &hints, &list)
        guard code == 0, let list else {
            trouble = String(cString: gai_strerror(code))
            return nil
        }
        defer { freeaddrinfo(list) }
        self.init(list.pointee)
    }

    private init?(_ found: addrinfo) {
        guard let address = found.ai_addr else { return nil }
        family = found.ai_family
        length = found.ai_addrlen
        let raw = UnsafeRawBufferPointer(start: address, count: Int(length))
        // sin_addr is at 4, sin6_addr at 8 (ip(7), ipv6(7)).
        bytes = Array(family == AF_INET6 ? raw[8..<24] : raw[4..<8])
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: raw) }
        self.storage = storage
    }

    /// 0, or errno.
    func connect(_ descriptor: Int32) -> Int32 {
        withUnsafePointer(to: storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                Glibc.connect(descriptor, address, length) == 0 ? 0 : errno
            }
        }
    }

    /// 0, or errno.
    func bind(_ descriptor: Int32) -> Int32 {
        withUnsafePointer(to: storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                Glibc.bind(descriptor, address, length) == 0 ? 0 : errno
            }
        }
    }
}
