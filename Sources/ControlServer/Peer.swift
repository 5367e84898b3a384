import Glibc

/// The process at the other end of a connection, as the kernel recorded it at connect time.
package struct Peer: Hashable, Sendable {
    package var pid: Int32
    package var uid: UInt32
    package var gid: UInt32
    /// The supplementary groups.
    package var groups: [UInt32]

    package init(pid: Int32, uid: UInt32, gid: UInt32, groups: [UInt32] = []) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
        self.groups = groups
    }

    /// nil if the kernel does not report it.
    ///
    /// SO_PEERGROUPS (Linux 4.13) returns the groups that the process has, as the kernel uses them. Unlike getgrouplist(3), it
    /// queries no name service, which may block for long, and it includes groups that changed since the login.
    init?(ofSocket descriptor: CInt) {
        // struct ucred (unix(7)); Swift's Glibc does not have it, as it is behind _GNU_SOURCE.
        var credentials: (pid: Int32, uid: UInt32, gid: UInt32) = (0, 0, 0)
        var length = socklen_t(MemoryLayout.size(ofValue: credentials))
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else { return nil }
        // NGROUPS_MAX is 65536 (limits.h). If they do not fit, the call fails with ERANGE and returns the length.
        var groups = [UInt32](repeating: 0, count: 64)
        length = socklen_t(groups.count * 4)
        if getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, &groups, &length) != 0 {
            groups = errno == ERANGE ? [UInt32](repeating: 0, count: Int(length) / 4) : []
            length = socklen_t(groups.count * 4)
            if !groups.isEmpty, getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, &groups, &length) != 0 { length = 0 }
        }
        self.init(
            pid: credentials.pid, uid: credentials.uid, gid: credentials.gid,
            groups: Array(groups.prefix(Int(length) / 4)))
    }
}
