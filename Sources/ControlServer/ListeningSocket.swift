import ControlAPI
import Glibc

/// The control socket's file and its listening descriptor. The file is accessed through a descriptor of its folder, so that its
/// path may have any length: `sun_path` holds 108 bytes (unix(7)).
struct ListeningSocket: Sendable {
    /// Owned by the server that uses it.
    let descriptor: CInt
    let access: SocketAccess
    private let folder: CInt
    private let name: String
    private let identity: FileIdentity
    let isOfUnit: Bool

    /// Binds and listens. Replaces the file of a dead daemon. The socket of a live daemon, or a file that is not a socket, is an
    /// error.
    ///
    /// - Parameter inherited: used if it still has this path, so that no connection is refused meanwhile.
    init(path: String, group: String?, mode: mode_t, inherited: InheritedSocket? = nil) throws(ControlError) {
        let parts = SocketPath(path)
        folder = open(parts.folder, Self.pathOnly | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw Self.failure("cannot open the folder \(parts.folder)", errno) }
        name = parts.name
        do throws(ControlError) {
            if let inherited, inherited.isStill(at: path, FileIdentity(of: name, in: folder)) {
                descriptor = inherited.descriptor
                isOfUnit = inherited.isOfUnit == true
            } else {
                isOfUnit = false
                inherited?.discard()
                try Self.removeStale(name, in: folder, path: path)
                descriptor = try Self.bind(name, in: folder, path: path)
            }
        } catch {
            close(folder)
            throw error
        }
        do throws(ControlError) {
            access = SocketAccess(
                owner: geteuid(), group: Self.give(name, in: folder, to: group, isOfUnit: isOfUnit))
            guard isOfUnit || fchmodat(folder, name, mode, 0) == 0 else {
                throw Self.failure("cannot chmod \(path)", errno)
            }
            guard let identity = FileIdentity(of: name, in: folder) else {
                throw Self.failure("cannot stat \(path)", errno)
            }
            self.identity = identity
            guard listen(descriptor, 128) == 0 else { throw Self.failure("cannot listen on \(path)", errno) }
        } catch {
            close(descriptor)
            if !isOfUnit { unlinkat(folder, name, 0) }
            close(folder)
            throw error
        }
    }

    /// The socket for the next program in an upgrade in place.
    func inheritance(_ path: String) -> InheritedSocket {
        InheritedSocket(descriptor: descriptor, address: path, file: identity, isOfUnit: isOfUnit ? true : nil)
    }

    /// Its name in systemd's store; nil: systemd has it anyway.
    var storedName: String? { isOfUnit ? nil : StoredName(identity).text }

    /// Removes the file, unless another file has replaced it, or it belongs to a socket unit or to the next program.
    func end(leavingFile: Bool) {
        if !isOfUnit, !leavingFile, FileIdentity(of: name, in: folder) == identity { unlinkat(folder, name, 0) }
        close(folder)
    }

    /// O_PATH (open(2)), behind _GNU_SOURCE: the same number on x86, arm64, RISC-V, s390x and POWER.
    private static let pathOnly: CInt = 0o10_000_000

    /// The lock on `<data>/lock` guarantees that no other daemon replaces the file between the check and unlink(2).
    private static func removeStale(_ name: String, in folder: CInt, path: String) throws(ControlError) {
        var status = stat()
        guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            if errno == ENOENT { return }
            throw failure("cannot stat \(path)", errno)
        }
        // connect(2) to a file that is not a socket fails with ECONNREFUSED too.
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw ControlError(
                "not-a-socket", "\(path) exists and is not a socket", hint: "move it away")
        }
        let probe = socket(AF_UNIX, streamSocket, 0)
        guard probe >= 0 else { throw failure("cannot create a socket", errno) }
        defer { close(probe) }
        let (address, length) = try address(of: name, in: folder, path: path)
        let result = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(probe, $0, length) }
        }
        switch result == 0 ? 0 : errno {
        case ECONNREFUSED:
            guard unlinkat(folder, name, 0) == 0 || errno == ENOENT else {
                throw failure("cannot remove the stale \(path)", errno)
            }
        case ENOENT: return
        // EAGAIN (EWOULDBLOCK): the daemon is alive, but its backlog is full.
        case 0, EAGAIN: throw alreadyServed(path, by: Peer(ofSocket: probe)?.pid)
        case let code: throw failure("cannot tell whether a clusterd serves \(path)", code)
        }
    }

    private static func alreadyServed(_ path: String, by pid: pid_t?) -> ControlError {
        // The process that called listen(2): the daemon, or systemd.
        if let pid, pid == 1 || kill(pid, 0) != 0 && errno == ESRCH {
            return ControlError(
                "already-running", "systemd listens on \(path) for a clusterd that it starts itself",
                hint: "systemctl status clusterd")
        }
        return ControlError(
            "already-running", "a clusterd\(pid.map { " (pid \($0))" } ?? "") already serves \(path)",
            hint: "clusterd status")
    }

    private static func bind(_ name: String, in folder: CInt, path: String) throws(ControlError) -> CInt {
        let descriptor = socket(AF_UNIX, streamSocket, 0)
        guard descriptor >= 0 else { throw failure("cannot create a socket", errno) }
        // The file gets the socket's mode less the umask (unix_bind in Linux): no other user may connect until it has the right
        // group and the requested mode.
        fchmod(descriptor, 0o600)
        do throws(ControlError) {
            // By its own path if that fits: getsockname(2) and /proc/net/unix report it to the next program, for which a
            // descriptor of this process has no meaning.
            let (address, length) =
                if let plain = plainAddress(path) { plain } else { try address(of: name, in: folder, path: path) }
            let result = withUnsafePointer(to: address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(descriptor, $0, length) }
            }
            guard result == 0 else { throw failure("cannot bind \(path)", errno) }
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    private static func give(
        _ name: String, in folder: CInt, to group: String?, isOfUnit: Bool
    ) -> SocketAccess.Group {
        guard let group else { return .none }
        guard let gid = GroupLookup.gid(of: group) else { return .unknown(name: group) }
        // A service that runs with this group needs no chown, which its unit's SystemCallFilter= may deny.
        var status = stat()
        if fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_gid == gid {
            return .given(name: group, gid: gid)
        }
        // SocketGroup= sets another group.
        if isOfUnit { return .denied(name: group, errno: EPERM) }
        guard fchownat(folder, name, uid_t.max, gid, AT_SYMLINK_NOFOLLOW) == 0 else {
            return .denied(name: group, errno: errno)
        }
        return .given(name: group, gid: gid)
    }

    private static func address(
        of name: String, in folder: CInt, path: String
    ) throws(ControlError) -> (sockaddr_un, socklen_t) {
        guard let found = unixAddress("/proc/self/fd/\(folder)/\(name)") else {
            throw ControlError(
                "name-too-long", "the socket's file name '\(name)' is too long", hint: "90 bytes at most")
        }
        return found
    }

    /// nil for a relative path, which another program could not find, or one that is too long.
    private static func plainAddress(_ path: String) -> (sockaddr_un, socklen_t)? {
        path.hasPrefix("/") ? unixAddress(path) : nil
    }

    private static func unixAddress(_ path: String) -> (sockaddr_un, socklen_t)? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return (address, socklen_t(MemoryLayout<sockaddr_un>.size))
    }

    private static let streamSocket =
        CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)

    private static func failure(_ what: String, _ code: CInt) -> ControlError {
        ControlError("socket", "\(what): \(String(cString: strerror(code)))")
    }
}

/// The identity of a file.
package struct FileIdentity: Hashable, Sendable, Codable {
    let device: UInt64
    let inode: UInt64

    init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }

    init?(ofFileAt path: String) { self.init(of: path, in: AT_FDCWD) }

    init?(of name: String, in folder: CInt) {
        var status = stat()
        guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
    }
}

private enum GroupLookup {
    static func gid(of name: String) -> UInt32? {
        var buffer = [CChar](repeating: 0, count: 1 << 16)
        var entry = group()
        var result: UnsafeMutablePointer<group>?
        guard getgrnam_r(name, &entry, &buffer, buffer.count, &result) == 0, result != nil else { return nil }
        return entry.gr_gid
    }
}
