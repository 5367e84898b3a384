import ControlAPI
import Glibc

/// The control socket's file and its listening descriptor. The file is found through a descriptor of its folder, so that
/// the folder may lie at any depth: `sun_path` holds 108 bytes (unix(7)).
struct ListeningSocket: Sendable {
    /// Belongs to whoever serves it.
    let descriptor: CInt
    let access: SocketAccess
    private let folder: CInt
    private let name: String
    private let identity: FileIdentity
    let isOfUnit: Bool

    /// Binds and listens. A file left by a daemon that is dead is replaced; a live daemon's, or one that is no socket, is
    /// an error.
    ///
    /// - Parameter inherited: it goes on, where it is still the one that has this path, so that nobody who connects meanwhile
    ///   is refused.
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

    /// For a program that is to take the place of this one.
    func inheritance(_ path: String) -> InheritedSocket {
        InheritedSocket(descriptor: descriptor, address: path, file: identity, isOfUnit: isOfUnit ? true : nil)
    }

    /// What it is called where systemd keeps it; nil: systemd has it anyway.
    var storedName: String? { isOfUnit ? nil : StoredName(identity).text }

    /// Takes the file away, unless another one stands there by now, or it belongs to somebody else: a socket unit, or the next
    /// program.
    func end(leavingFile: Bool) {
        if !isOfUnit, !leavingFile, FileIdentity(of: name, in: folder) == identity { unlinkat(folder, name, 0) }
        close(folder)
    }

    /// O_PATH (open(2)), behind _GNU_SOURCE: the same number on x86, arm64, RISC-V, s390x and POWER.
    private static let pathOnly: CInt = 0o10_000_000

    /// The daemon that made `<data>/lock` its own is alone here, so nobody else replaces the file between our look and our
    /// unlink.
    private static func removeStale(_ name: String, in folder: CInt, path: String) throws(ControlError) {
        var status = stat()
        guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            if errno == ENOENT { return }
            throw failure("cannot stat \(path)", errno)
        }
        // connect(2) to a file that is no socket says ECONNREFUSED too.
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw ControlError(
                "not-a-socket", "\(path) is in the way: it is no socket", hint: "move it away",
                exit: ExitCode.failed)
        }
        let probe = socket(AF_UNIX, streamSocket, 0)
        guard probe >= 0 else { throw failure("cannot make a socket", errno) }
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
        // EAGAIN (EWOULDBLOCK): alive, and its backlog is full.
        case 0, EAGAIN: throw alreadyServed(path, by: Peer(ofSocket: probe)?.pid)
        case let code: throw failure("cannot tell whether a clusterd serves \(path)", code)
        }
    }

    private static func alreadyServed(_ path: String, by pid: pid_t?) -> ControlError {
        // The one who called listen(2), which systemd has taken over from it or done itself.
        if let pid, pid == 1 || kill(pid, 0) != 0 && errno == ESRCH {
            return ControlError(
                "already-running", "systemd listens on \(path), for a clusterd that it starts itself",
                hint: "systemctl status clusterd", exit: ExitCode.failed)
        }
        return ControlError(
            "already-running", "a clusterd\(pid.map { " (pid \($0))" } ?? "") already serves \(path)",
            hint: "clusterd status", exit: ExitCode.failed)
    }

    private static func bind(_ name: String, in folder: CInt, path: String) throws(ControlError) -> CInt {
        let descriptor = socket(AF_UNIX, streamSocket, 0)
        guard descriptor >= 0 else { throw failure("cannot make a socket", errno) }
        // The file gets the socket's mode less the umask (unix_bind in Linux): nobody else may connect until its group is
        // right and it gets the mode that was asked for.
        fchmod(descriptor, 0o600)
        do throws(ControlError) {
            // By its own name where that fits: it is what getsockname(2) and /proc/net/unix tell the next program, for which a
            // descriptor of this one means nothing.
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
        // A service whose own group it is needs no chown, which its unit's SystemCallFilter= may refuse.
        var status = stat()
        if fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_gid == gid {
            return .given(name: group, gid: gid)
        }
        // SocketGroup= says whose it is, and that is another.
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
                "name-too-long", "the socket's file name '\(name)' is too long", hint: "90 bytes at most",
                exit: ExitCode.configuration)
        }
        return found
    }

    /// nil for what another program could not find, or what is too long.
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
        ControlError("socket", "\(what): \(String(cString: strerror(code)))", exit: ExitCode.failed)
    }
}

/// Which file a name means.
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
