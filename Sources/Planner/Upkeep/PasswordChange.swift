import ClusterModel

/// How a node authenticates others, and how it logs in to its master: `requirepass`, `masterauth` and `masteruser`. A value that is not
/// configured is empty, which is the engine's default.
struct NodeLogin: Equatable {
    static let directives = ["masteruser", "masterauth", "requirepass"]

    /// `masteruser`; empty: the replica sends only a password.
    var user: String
    /// `masterauth`; empty: the replica does not log in.
    var secret: String
    /// `requirepass`; empty: the node requires none.
    var asked: String

    var values: [(name: String, value: String)] {
        [("masteruser", user), ("masterauth", secret), ("requirepass", asked)]
    }

    /// Whether a replica with this login can follow a master that requires `password`. An engine that requires no password rejects a
    /// password alone, but accepts any password of the user `default` (`authCommand`, src/acl.c).
    func opens(_ password: String) -> Bool {
        if secret.isEmpty { return password.isEmpty }
        if !user.isEmpty, user != "default" { return true }
        return password.isEmpty ? user == "default" : secret == password
    }
}

/// Changes the passwords of all nodes to the configured ones, in steps after each of which every replica can log in to its master, whether
/// or not it has taken the step yet. All nodes take one step before any takes the next.
struct PasswordChange {
    struct Node: Equatable {
        var name: NodeName
        var live: NodeLogin
        var wanted: NodeLogin
        /// It accepts the wanted password in addition to the old one.
        var acceptsBoth = false
    }

    enum Step: Equatable {
        case set(String, to: String)
        /// Accept this password for the user `default` in addition to the old one.
        case accept(String)
    }

    /// The next step for the nodes that still have to take it; empty: all passwords are as configured.
    ///
    /// - Parameter bridges: whether `requirepass` alone defines the user `default`, and no ACL changes it.
    static func steps(_ nodes: [Node], bridges: Bool) -> [(node: NodeName, step: Step)] {
        func each(_ step: (Node) -> Step?) -> [(node: NodeName, step: Step)] {
            nodes.compactMap { node in step(node).map { (node.name, $0) } }
        }
        let changing = nodes.filter { $0.live.asked != $0.wanted.asked }
        let isSwitched = changing.contains { $0.live.asked.isEmpty || $0.wanted.asked.isEmpty }
        let phases: [(Node) -> Step?] = [
            { node in
                // If some nodes require a password and others do not, `AUTH default PASSWORD` works with both.
                guard bridges, isSwitched, node.live.user.isEmpty, ["", "default"].contains(node.wanted.user) else {
                    return nil
                }
                return .set("masteruser", to: "default")
            },
            { node in
                guard bridges, node.live.asked != node.wanted.asked, !node.live.asked.isEmpty,
                    !node.wanted.asked.isEmpty, !node.acceptsBoth
                else { return nil }
                return .accept(node.wanted.asked)
            },
            { node in
                let isOwnUser = !node.wanted.user.isEmpty && node.wanted.user != "default"
                return isOwnUser && node.live.user != node.wanted.user ? .set("masteruser", to: node.wanted.user) : nil
            },
            { node in
                guard node.live.secret != node.wanted.secret, !node.wanted.secret.isEmpty else { return nil }
                return .set("masterauth", to: node.wanted.secret)
            },
            { $0.live.asked != $0.wanted.asked ? .set("requirepass", to: $0.wanted.asked) : nil },
            { $0.live.secret != $0.wanted.secret ? .set("masterauth", to: $0.wanted.secret) : nil },
            { $0.live.user != $0.wanted.user ? .set("masteruser", to: $0.wanted.user) : nil },
        ]
        for phase in phases {
            let steps = each(phase)
            if !steps.isEmpty { return steps }
        }
        return []
    }
}

extension NodeLogin {
    /// As a redis.conf sets it.
    init(_ file: RedisConfFacts) {
        func value(_ name: String) -> String { file.directives.last { $0.name == name }?.arguments.first ?? "" }
        self.init(user: value("masteruser"), secret: value("masterauth"), asked: value("requirepass"))
    }

    /// nil: the node has not reported it.
    init?(_ values: [String: String]) {
        guard let asked = values["requirepass"], let secret = values["masterauth"] else { return nil }
        self.init(user: values["masteruser"] ?? "", secret: secret, asked: asked)
    }
}
