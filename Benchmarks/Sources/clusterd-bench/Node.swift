import Foundation

/// One connection to one node, blocking, no more than a measurement needs.
final class Node {
    let port: Int
    private var descriptor: Int32 = -1
    private var buffer: [UInt8] = []

    init(_ port: Int) { self.port = port }
    deinit { disconnect() }

    func disconnect() {
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
    func send(_ words: String...) -> String? { pipeline([words])?.first }

    /// The replies to commands that are sent at once; nil if one is missing.
    func pipeline(_ commands: [[String]]) -> [String]? {
        guard connected() else { return nil }
        var bytes: [UInt8] = []
        for words in commands {
            bytes += "*\(words.count)\r\n".utf8
            for word in words { bytes += "$\(word.utf8.count)\r\n\(word)\r\n".utf8 }
        }
        var replies: [String] = []
        while write(bytes), replies.count < commands.count, let reply = reply() {
            replies.append(reply)
            bytes = []
        }
        guard replies.count == commands.count else {
            disconnect()
            return nil
        }
        return replies
    }

    private func write(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
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

    /// One field of INFO.
    func info(_ field: String, of section: String) -> String? {
        send("INFO", section)?.split(separator: "\r\n").first { $0.hasPrefix(field + ":") }
            .map { String($0.dropFirst(field.count + 1)) }
    }

    var pid: pid_t? { info("process_id", of: "server").flatMap { pid_t($0) } }
}
