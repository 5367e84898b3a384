import Glibc

/// A user of the host, with the groups of a login.
package struct UserAccount: Hashable, Sendable {
    package var name: String
    package var userID: uid_t
    package var groupID: gid_t
    package var groups: [gid_t]

    /// nil if passwd(5) has no such name.
    package static func named(_ name: String) -> UserAccount? { found { getpwnam_r(name, $0, $1, $2, $3) } }

    /// The effective user of this process; nil if the user id has no name.
    package static var current: UserAccount? {
        let userID = geteuid()
        return found { getpwuid_r(userID, $0, $1, $2, $3) }
    }

    /// The name of a user id, or the number if it has no name.
    package static func name(of userID: uid_t) -> String {
        found(withGroups: false) { getpwuid_r(userID, $0, $1, $2, $3) }?.name ?? String(userID)
    }

    private typealias LookUp = (
        UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
        UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
    ) -> Int32

    private static func found(withGroups: Bool = true, _ lookUp: LookUp) -> UserAccount? {
        var size = 1024
        while true {
            var account: UserAccount?
            let code = withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { buffer in
                guard let start = buffer.baseAddress else { return ENOMEM }
                var entry = passwd()
                var found: UnsafeMutablePointer<passwd>?
                let code = lookUp(&entry, start, size, &found)
                if code == 0, found != nil, let name = entry.pw_name.map({ String(cString: $0) }) {
                    account = UserAccount(
                        name: name, userID: entry.pw_uid, groupID: entry.pw_gid,
                        groups: withGroups ? groups(of: name, first: entry.pw_gid) : [])
                }
                return code
            }
            // The buffer was too small for the entry (getpwnam_r(3)).
            guard code == ERANGE, size < 1 << 20 else { return account }
            size *= 4
        }
    }

    private static func groups(of name: String, first: gid_t) -> [gid_t] {
        var count: Int32 = 64
        var groups = [gid_t](repeating: 0, count: Int(count))
        if getgrouplist(name, first, &groups, &count) < 0 {
            // The buffer was too small; the call has returned the number of groups (getgrouplist(3)).
            groups = [gid_t](repeating: 0, count: Int(count))
            guard getgrouplist(name, first, &groups, &count) >= 0 else { return [first] }
        }
        return Array(groups.prefix(Int(count)))
    }
}
