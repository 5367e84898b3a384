import Foundation

/// One connection to one node, blocking, no more than a measurement needs.
final class Node {
    let port: Int
    private var descriptor: Int32 = -1
    private var buffer: [UInt8] = []

    init(_ port: Int) { self.port = port }
    deinit { disconnect() }

    private func disconnect() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
        buffer = []
    }

    private func connected() -> Bool {
        if descriptor >= 0 { return true }
        let new = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var limit = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(new, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var yes: Int32 = 1
        setsockopt(new, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, 4)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let done = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(new, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard done == 0 else {
            close(new)
            return false
        }
        descriptor = new
        return true
    }

    /// The reply as text, its type in front where it is no bulk string; nil: there was none.
    func send(_ words: String...) -> String? {
        guard connected() else { return nil }
        let request = "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
        let bytes = Array(request.utf8)
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count,
            let reply = reply()
        else {
            disconnect()
            return nil
        }
        return reply
    }

    private func reply() -> String? {
        guard let line = line() else { return nil }
        guard line.hasPrefix("$") else { return line }
        guard let count = Int(line.dropFirst()), count >= 0 else { return "" }
        while buffer.count < count + 2 { guard fill() else { return nil } }
        defer { buffer.removeFirst(count + 2) }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    private func line() -> String? {
        while true {
            if let end = buffer.firstIndex(of: 13), end + 1 < buffer.count {
                defer { buffer.removeFirst(end + 2) }
                return String(decoding: buffer[..<end], as: UTF8.self)
            }
            guard fill() else { return nil }
        }
    }

    private func fill() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 1 << 14)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count > 0 else { return false }
        buffer += chunk[..<count]
        return true
    }

    var pid: pid_t? {
        send("INFO", "server")?.split(separator: "\r\n").first { $0.hasPrefix("process_id:") }
            .flatMap { pid_t($0.dropFirst(11)) }
    }
}

/// Seconds of CLOCK_MONOTONIC.
func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Until it is so, or the limit in seconds has passed.
func eventually(within limit: Double, every pause: useconds_t = 5000, _ condition: () -> Bool) -> Bool {
    let end = seconds() + limit
    while seconds() < end {
        if condition() { return true }
        usleep(pause)
    }
    return false
}
