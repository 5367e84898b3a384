import Glibc

/// One line of /proc/net/tcp or tcp6 (proc(5)). Bound sockets that neither listen nor are connected are in neither file.
struct TCPSocket: Hashable {
    var address: [UInt8]
    var port: Int
    var listens: Bool
    var userID: uid_t
    var inode: UInt64

    /// Whether it conflicts with a bind to an address: the same one, or one of both is the wildcard. A socket on `::` may also
    /// occupy IPv4 (ipv6(7), IPV6_V6ONLY), which /proc does not show.
    func blocks(_ wanted: [UInt8]) -> Bool {
        let mapped: [UInt8] = Array(repeating: 0, count: 10) + [255, 255]
        let mine = address.starts(with: mapped) ? Array(address.dropFirst(12)) : address
        if mine.count == wanted.count { return mine == wanted || isAny(mine) || isAny(wanted) }
        return mine.count == 16 && isAny(mine)
    }

    private func isAny(_ address: [UInt8]) -> Bool { address.allSatisfy { $0 == 0 } }
}

package enum SocketTable {
    /// The sockets of this network namespace with one local port.
    static func tcp(port: Int) -> [TCPSocket] {
        ["/proc/net/tcp", "/proc/net/tcp6"].flatMap { path in
            (ProcessTable.read(path) ?? []).split(separator: UInt8(ascii: "\n")).dropFirst().compactMap { line in
                socket(line, port: port)
            }
        }
    }

    /// Those that listen. A hundred nodes have twenty thousand connections, so other lines are not read to their end.
    static func listeners() -> [TCPSocket] {
        ["/proc/net/tcp", "/proc/net/tcp6"].flatMap { path in
            (ProcessTable.read(path) ?? []).split(separator: UInt8(ascii: "\n")).compactMap { line in
                isListening(line) ? socket(line, port: nil) : nil
            }
        }
    }

    /// Whether the fourth word is `0A` (`TCP_LISTEN`, include/net/tcp_states.h).
    static func isListening(_ line: ArraySlice<UInt8>) -> Bool {
        var (words, isInWord) = (0, false)
        for index in line.indices {
            let isSpace = line[index] == UInt8(ascii: " ")
            if !isSpace, !isInWord {
                words += 1
                if words == 4 { return line[index...].prefix(3).elementsEqual("0A ".utf8) }
            }
            isInWord = !isSpace
        }
        return false
    }

    /// `0: 0100007F:1B58 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 12345 …`
    static func socket(_ line: ArraySlice<UInt8>, port wanted: Int?) -> TCPSocket? {
        let fields = line.split(separator: UInt8(ascii: " "))
        guard fields.count > 9, let colon = fields[1].firstIndex(of: UInt8(ascii: ":")),
            let port = Int(text(fields[1][(colon + 1)...]), radix: 16), wanted == nil || wanted == port,
            let userID = uid_t(text(fields[7])), let inode = UInt64(text(fields[9])), inode != 0
        else { return nil }
        return TCPSocket(
            address: address(fields[1][..<colon]), port: port, listens: text(fields[3]) == "0A", userID: userID,
            inode: inode)
    }

    /// The inode of the socket that is bound to a name in the abstract name space (unix(7)), from /proc/net/unix:
    /// `0000000000000000: 00000002 00000000 00000000 0001 01 30216 @clusterd-port-7000`.
    static func abstractSocket(named name: String) -> UInt64? {
        let wanted = Array("@\(name)".utf8)
        for line in (ProcessTable.read("/proc/net/unix") ?? []).split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " "))
            guard fields.count == 8, fields[7].elementsEqual(wanted) else { continue }
            return UInt64(text(fields[6]))
        }
        return nil
    }

    /// 32-bit words, each printed as a host-order number of bytes that are in network order.
    private static func address(_ hex: ArraySlice<UInt8>) -> [UInt8] {
        stride(from: hex.startIndex, to: hex.endIndex, by: 8).flatMap { start in
            let word = UInt32(text(hex[start..<min(start + 8, hex.endIndex)]), radix: 16) ?? 0
            return withUnsafeBytes(of: word) { Array($0) }
        }
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}

extension ProcessTable {
    /// The lowest listening port of each child of a process: the bus port of an engine is usually above its client port.
    package static func clientPorts(ofChildrenOf parent: pid_t) -> [Int] {
        let listeners = SocketTable.listeners()
        return all().compactMap { pid -> Int? in
            guard Stat(pid)?.parent == parent, let own = sockets(of: pid) else { return nil }
            return listeners.filter { own.contains($0.inode) }.map(\.port).min()
        }.sorted()
    }
}
