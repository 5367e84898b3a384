import Glibc

/// Why `<data>/lock` could not be taken.
package enum FileLockError: Error, Hashable, Sendable, CustomStringConvertible {
    /// `pid` as the holder wrote it; nil if it is not readable.
    case held(path: String, pid: Int32?)
    /// The file system does not support locks (some network and FUSE mounts): a second daemon could start.
    case unsupported(path: String, code: Int32)
    case failed(FileError)

    package var description: String {
        switch self {
        case .held(let path, let pid): "\(path) is held by \(pid.map { "pid \($0)" } ?? "another process")"
        case .unsupported(let path, let code):
            "the file system of \(path) does not support locks (\(String(cString: strerror(code)))); "
                + "use a data folder on a local file system"
        case .failed(let error): error.description
        }
    }
}

/// An exclusive flock(2) on a file, held for the lifetime of this value. The file is never removed, because then two processes
/// could hold the lock (invariant: one-daemon).
package final class FileLock: Sendable {
    package let path: String
    /// Close-on-exec. The lock belongs to the open file, so that an upgrade in place can pass it on.
    package let descriptor: Int32

    /// Adopts a lock that was inherited through exec.
    package init(path: String, inherited descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Takes the lock without waiting, and writes the pid of this process into the file.
    ///
    /// - Parameter inherited: the lock that the previous program held in the same process.
    package static func take(_ path: String, inherited: Int32? = nil) throws(FileLockError) -> FileLock {
        if let inherited {
            let lock = FileLock(path: path, inherited: inherited)
            if flock(inherited, LOCK_EX | LOCK_NB) == 0, isStillNamed(path, inherited) { return lock }
        }
        while true {
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else { throw .failed(FileError("open the lock", path, code: errno)) }
            // From here on, deinit closes it in any case.
            let lock = FileLock(path: path, inherited: descriptor)
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw refusal(path, descriptor, code: errno) }
            // A lock on a removed file excludes no other process: only the file with this name counts.
            if isStillNamed(path, descriptor) {
                try lock.writeHolder()
                return lock
            }
        }
    }

    private static func refusal(_ path: String, _ descriptor: Int32, code: Int32) -> FileLockError {
        switch code {
        case EWOULDBLOCK: .held(path: path, pid: holder(descriptor))
        case ENOLCK, EOPNOTSUPP, ENOSYS, EINVAL: .unsupported(path: path, code: code)
        default: .failed(FileError("lock", path, code: code))
        }
    }

    private static func holder(_ descriptor: Int32) -> Int32? {
        var buffer = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: buffer[..<count].prefix { $0 != 10 }, as: UTF8.self))
    }

    private static func isStillNamed(_ path: String, _ descriptor: Int32) -> Bool {
        var (named, held) = (stat(), stat())
        return stat(path, &named) == 0 && fstat(descriptor, &held) == 0 && named.st_ino == held.st_ino
            && named.st_dev == held.st_dev
    }

    private func writeHolder() throws(FileLockError) {
        let bytes = Array("\(getpid())\n".utf8)
        // A full disk must not keep the daemon from its nodes: the pid is only informative.
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, bytes, bytes.count, 0) == bytes.count || errno == ENOSPC
        else { throw .failed(FileError("write the lock", path, code: errno)) }
    }
}
