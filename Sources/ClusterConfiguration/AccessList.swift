import ClusterModel

/// The users of an ACL file and their passwords. With an ACL file, every engine ignores `requirepass`: the file defines the user
/// `default`, and without a line for it any client may do anything.
package struct AccessList: Hashable, Sendable {
    struct User: Hashable, Sendable {
        var isOn = false
        var needsNoPassword = false
        var passwords: Set<String> = []
        /// The digests of passwords that are stored as digests.
        var hasDigests = false

        func admits(_ password: String) -> Bool {
            isOn && (needsNoPassword || hasDigests || passwords.contains(password))
        }
    }

    private(set) var users: [String: User] = [:]

    package init(_ bytes: [UInt8]) {
        for line in RedisConfFile(bytes).directives where line.name == "user" {
            guard let name = line.arguments.first else { continue }
            var user = User()
            for rule in line.arguments.dropFirst() {
                switch rule.lowercased() {
                case "on": user.isOn = true
                case "off": user.isOn = false
                case "nopass": (user.needsNoPassword, user.passwords, user.hasDigests) = (true, [], false)
                case "resetpass": (user.needsNoPassword, user.passwords, user.hasDigests) = (false, [], false)
                case "reset": user = User()
                case _ where rule.hasPrefix(">"):
                    user.passwords.insert(String(rule.dropFirst()))
                    user.needsNoPassword = false
                case _ where rule.hasPrefix("#"): (user.hasDigests, user.needsNoPassword) = (true, false)
                default: break
                }
            }
            users[name] = user
        }
    }

    /// Why clusterd could not log in with this file, or a configured password would have no effect; nil: the file is usable.
    package func complaint(_ spec: ClusterSpec, file: String) -> String? {
        func value(_ name: String) -> String? {
            spec.directives.last { $0.name == name }?.arguments.first.flatMap { $0.isEmpty ? nil : $0 }
        }
        let anyone = users["default"]
        if let password = value("requirepass") {
            guard let anyone else {
                return
                    "redis.requirepass has no effect with an ACL file, and \(file) has no user 'default': any client could use the nodes; "
                    + "add 'user default on >PASSWORD ~* &* +@all' to the file"
            }
            guard anyone.admits(password) else {
                return
                    "redis.requirepass has no effect with an ACL file, and the user 'default' of \(file) has another password or is off; "
                    + "use the same password, or remove redis.requirepass and set engine.auth-user"
            }
            if anyone.needsNoPassword {
                return
                    "redis.requirepass has no effect with an ACL file, and the user 'default' of \(file) needs no password"
            }
        }
        if let login = spec.login {
            guard let user = users[login.user] else { return "\(file) has no user '\(login.user)' (engine.auth-user)" }
            return user.admits(login.password)
                ? nil : "the user '\(login.user)' of \(file) is off, or has another password than engine.auth-pass"
        }
        var canEnter = anyone.map { $0.isOn && $0.needsNoPassword } ?? true
        if let password = value("requirepass") { canEnter = canEnter || anyone?.admits(password) == true }
        if let password = value("masterauth") {
            canEnter = canEnter || users[value("masteruser") ?? "default"]?.admits(password) == true
        }
        return canEnter
            ? nil
            : "clusterd cannot log in to the nodes: set engine.auth-user and engine.auth-pass to a user of \(file)"
    }
}
