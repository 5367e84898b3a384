import Glibc

/// The hint how to get the permission to use a socket.
enum PermissionHint {
    /// Inspects the socket, or the first folder above it that is accessible: that folder denies the access.
    static func hint(for path: String) -> String {
        var path = path
        var status = stat()
        while stat(path, &status) != 0 {
            guard let slash = path.dropFirst().lastIndex(of: "/") else { return "use sudo" }
            path = String(path[..<slash])
        }
        // Read and write permission for a socket, search permission for a folder.
        let needed: mode_t = status.st_mode & S_IFMT == S_IFDIR ? 0o010 : 0o060
        if status.st_mode & needed == needed, status.st_gid != 0, let group = group(status.st_gid) {
            return "sudo usermod -aG \(group) \"$USER\", and log in again; or use sudo"
        }
        guard status.st_uid != 0, let owner = user(status.st_uid) else { return "use sudo" }
        return "use sudo -u \(owner)"
    }

    private static func group(_ gid: gid_t) -> String? {
        var buffer = [CChar](repeating: 0, count: 1 << 16)
        var entry = Glibc.group()
        var result: UnsafeMutablePointer<Glibc.group>?
        guard getgrgid_r(gid, &entry, &buffer, buffer.count, &result) == 0, result != nil else { return nil }
        return String(cString: entry.gr_name)
    }

    static func user(_ uid: uid_t) -> String? {
        var buffer = [CChar](repeating: 0, count: 1 << 16)
        var entry = passwd()
        var result: UnsafeMutablePointer<passwd>?
        guard getpwuid_r(uid, &entry, &buffer, buffer.count, &result) == 0, result != nil else { return nil }
        return String(cString: entry.pw_name)
    }
}
