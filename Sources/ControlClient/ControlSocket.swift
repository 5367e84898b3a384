import ClusterModel
import ControlAPI
import Glibc

/// A connection to the daemon's socket. Every call ends by the deadline, if there is one.
struct ControlSocket {
    private let descriptor: CInt
    private let path: String
    /// nil: reads wait without a limit.
    var deadline: ContinuousClock.Instant?
    private let timeout: Duration

    /// Connects through a descriptor of the socket's folder, so that the path may have any length: `sun_path` holds 108 bytes
    /// (unix(7)).
    ///
    /// - Parameter owners: the users whose process may listen there, as reported by the kernel; nil: any user.
    init(
        connectingTo path: String, ownedBy owners: Set<UInt32>?, deadline: ContinuousClock.Instant, timeout: Duration
    ) throws(ControlError) {
        let parts = SocketPath(path)
        let folder = open(parts.folder, Self.pathOnly | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw Self.cannotConnect(path, errno) }
        defer { Glibc.close(folder) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array("/proc/self/fd/\(folder)/\(parts.name)".utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Self.cannotConnect(path, ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Self.cannotConnect(path, errno) }
        self.path = path
        self.deadline = deadline
        self.timeout = timeout
        // connect(2) waits while the daemon's backlog is full; a non-blocking socket could not wait for that.
        var limit = Self.timeval(timeout)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout.size(ofValue: limit)))
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
        }
        guard result == 0 else {
            let code = errno
            Glibc.close(descriptor)
            throw code == EAGAIN ? Self.late(path, nil, timeout) : Self.cannotConnect(path, code)
        }
        if let owners {
            let peer = Self.peer(of: descriptor)
            guard let peer, owners.contains(peer.uid) else {
                Glibc.close(descriptor)
                throw Self.notYours(path, peer)
            }
        }
    }

    func close() { Glibc.close(descriptor) }

    /// A daemon may answer and close the connection before it has read everything. That is not an error: its answer says why.
    func send(_ bytes: [UInt8]) throws(ControlError) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.send(
                    descriptor, buffer.baseAddress?.advanced(by: sent), buffer.count - sent,
                    CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT))
            }
            if count >= 0 {
                sent += count
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN: try wait(for: POLLOUT)
            case EPIPE, ECONNRESET: return
            case let code: throw broken(code)
            }
        }
    }

    /// Reads some bytes; none at the end of the stream.
    func receive() throws(ControlError) -> [UInt8] {
        while true {
            try wait(for: POLLIN)
            var failure: CInt = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                let received = recv(descriptor, buffer.baseAddress, buffer.count, CInt(MSG_DONTWAIT))
                failure = received < 0 ? errno : 0
                count = max(0, received)
            }
            switch failure {
            case 0: return bytes
            case EINTR, EAGAIN: continue
            case let code: throw broken(code)
            }
        }
    }

    private func wait(for events: CInt) throws(ControlError) {
        while true {
            let left = deadline.map { $0 - ContinuousClock.now } ?? .seconds(86_400)
            guard left > .zero else { throw Self.late(path, Self.livingPeer(of: descriptor), timeout) }
            let (seconds, attoseconds) = min(left, .seconds(86_400)).components
            // Rounded up, to avoid a busy loop in the last millisecond.
            let milliseconds = CInt(seconds * 1000 + attoseconds / 1_000_000_000_000_000) + 1
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            if poll(&entry, 1, milliseconds) > 0 { return }
        }
    }

    private func broken(_ code: CInt) -> ControlError {
        ControlError(
            "no-daemon", "clusterd at \(path) closed the connection: \(String(cString: strerror(code)))")
    }

    private static func late(_ path: String, _ pid: Int32?, _ timeout: Duration) -> ControlError {
        ControlError(
            "timeout", "clusterd\(pid.map { " (pid \($0))" } ?? "") at \(path) did not answer within \(timeout)")
    }

    private static func notYours(_ path: String, _ peer: (pid: Int32, uid: UInt32)?) -> ControlError {
        let owner = peer.map { "\(PermissionHint.user($0.uid) ?? String($0.uid))'s (pid \($0.pid))" } ?? "(unknown)"
        return ControlError(
            "not-yours", "the clusterd at \(path) is user \(owner), neither yours nor root's",
            hint: "to use it anyway: --socket \(ShellWord.quoted(path))")
    }

    private static func cannotConnect(_ path: String, _ code: CInt) -> ControlError {
        switch code {
        case ENOENT, ENOTDIR, ECONNREFUSED:
            ControlError(
                "no-daemon", "no clusterd answers at \(path)",
                hint: ServiceSocket.unit(ofSocketAt: path).map {
                    "check: systemctl status \($0); start it: sudo systemctl start \($0)"
                } ?? "start one: clusterd up")
        case EACCES, EPERM:
            ControlError(
                "no-permission", "you may not use the clusterd at \(path)", hint: PermissionHint.hint(for: path))
        default:
            ControlError(
                "socket", "cannot connect to \(path): \(String(cString: strerror(code)))")
        }
    }

    /// The process that called listen(2): the daemon, or systemd (which runs as root) if it passed the socket on.
    private static func peer(of descriptor: CInt) -> (pid: Int32, uid: UInt32)? {
        // struct ucred (unix(7)); Swift's Glibc does not have it, as it is behind _GNU_SOURCE.
        var credentials: (pid: Int32, uid: UInt32, gid: UInt32) = (0, 0, 0)
        var length = socklen_t(MemoryLayout.size(ofValue: credentials))
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else { return nil }
        return (credentials.pid, credentials.uid)
    }

    /// Excludes systemd, and a dead daemon whose socket systemd keeps for the next one.
    private static func livingPeer(of descriptor: CInt) -> pid_t? {
        guard let pid = peer(of: descriptor)?.pid, pid > 1, kill(pid, 0) == 0 || errno == EPERM else { return nil }
        return pid
    }

    private static func timeval(_ duration: Duration) -> Glibc.timeval {
        let (seconds, attoseconds) = duration.components
        // Zero means no timeout (socket(7)).
        return Glibc.timeval(
            tv_sec: Int(max(0, seconds)), tv_usec: max(1, Int(attoseconds / 1_000_000_000_000)))
    }

    /// O_PATH (open(2)), behind _GNU_SOURCE: the same number on x86, arm64, RISC-V, s390x and POWER.
    private static let pathOnly: CInt = 0o10_000_000
}
