import Foundation
import Synchronization
import Testing

/// Ports that no process uses, below those that the kernel gives to outgoing connections; their bus ports too.
enum Ports {
    /// Blocks that were handed out: a test may join whichever node responds on one of its ports, so that must not be
    /// another test's node.
    private static let given = Mutex<Set<Int>>([])
    private static let blockSize = 20
    private static let blocks = 11000 / blockSize..<21000 / blockSize

    static func free(_ count: Int) throws -> Int {
        let wanted = (count + blockSize - 1) / blockSize
        for round in 0..<400 {
            let first = Int.random(in: blocks.lowerBound...(blocks.upperBound - wanted))
            let mine = Set(first..<(first + wanted))
            // Once nearly all were handed out, those of finished tests are reused.
            guard round >= 200 || given.withLock({ $0.isDisjoint(with: mine) }) else { continue }
            let base = first * blockSize
            let ports = (base..<(base + count)).flatMap { [$0, $0 + 10000] }
            guard ports.allSatisfy(isFree) else { continue }
            let isMine = given.withLock { given in
                defer { given.formUnion(mine) }
                return round >= 200 || given.isDisjoint(with: mine)
            }
            if isMine { return base }
        }
        throw NoPorts()
    }

    private struct NoPorts: Error {}

    static func isFree(_ port: Int) -> Bool {
        guard let socket = try? listen(port) else { return false }
        close(socket)
        return true
    }

    static func port(of descriptor: Int32) throws -> Int {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        guard code == 0 else { throw POSIXError(.EBADF) }
        return Int(in_port_t(bigEndian: address.sin_port))
    }

    /// A listener on 127.0.0.1.
    static func listen(_ port: Int) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard bound == 0, Glibc.listen(descriptor, 5) == 0 else {
            close(descriptor)
            throw POSIXError(.EADDRINUSE)
        }
        return descriptor
    }
}
