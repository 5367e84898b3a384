import Glibc

/// A user of the host, with the groups that a login would give.
package struct UserAccount: Hashable, Sendable {
    package var name: String
    package var userID: uid_t
    package var groupID: gid_t
    package var groups: [gid_t]

    /// nil where passwd(5) has no such name.
    package static func named(_ name: String) -> UserAccount? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16384)
        guard getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return nil }
        var count: Int32 = 64
        var groups = [gid_t](repeating: 0, count: Int(count))
        if getgrouplist(name, entry.pw_gid, &groups, &count) < 0 { count = 0 }
        return UserAccount(
            name: name, userID: entry.pw_uid, groupID: entry.pw_gid, groups: Array(groups.prefix(Int(max(count, 0)))))
    }

    /// The name of a user id, or the number where it has none.
    package static func name(of userID: uid_t) -> String {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16384)
        guard getpwuid_r(userID, &entry, &buffer, buffer.count, &found) == 0, found != nil, let name = entry.pw_name
        else { return String(userID) }
        return String(cString: name)
    }
}

/// RLIMIT_NOFILE.
package enum OpenFileLimit {
    package static var hard: UInt64 {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        return UInt64(limit.rlim_max)
    }
}
