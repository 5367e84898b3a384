import ClusterModel

/// How a node lets others in, and how it logs in to its master: `requirepass`, `masterauth` and `masteruser`. What is not
/// configured is empty, which is the engine's default.
struct NodeLogin: Equatable {
    static let directives = ["masteruser", "masterauth", "requirepass"]

    /// `masteruser`; empty: the replica sends a password alone.
    var user: String
    /// `masterauth`; empty: the replica does not log in.
    var secret: String
    /// `requirepass`; empty: the node asks for none.
    var asked: String

    var values: [(name: String, value: String)] {
        [("masteruser", user), ("masterauth", secret), ("requirepass", asked)]
    }

    /// Whether a replica with this login can follow a master that asks for `password`. An engine refuses a password alone where
    /// it asks for none, and takes any password of the user `default` there (`authCommand`, src/acl.c).
    func opens(_ password: String) -> Bool {
        if secret.isEmpty { return password.isEmpty }
        if !user.isEmpty, user != "default" { return true }
        return password.isEmpty ? user == "default" : secret == password
    }
}

/// The passwords of all nodes on their way to what is configured, in steps after each of which every replica can log in to its
/// master, whether it was told already or not. All nodes take one step before any takes the next.
struct PasswordChange {
    struct Node: Equatable {
        var name: NodeName
        var live: NodeLogin
        var wanted: NodeLogin
        /// It takes the wanted password beside the old one.
        var acceptsBoth = false
    }

    enum Step: Equatable {
        case set(String, to: String)
        /// Take this password of the user `default` beside the old one.
        case accept(String)
    }

    /// What is to be done next, for the nodes that have to do it; empty: all is as configured.
    ///
    /// - Parameter bridges: whether the user `default` is what `requirepass` makes of it, and no ACL says otherwise.
    static func steps(_ nodes: [Node], bridges: Bool) -> [(node: NodeName, step: Step)] {
        func each(_ step: (Node) -> Step?) -> [(node: NodeName, step: Step)] {
            nodes.compactMap { node in step(node).map { (node.name, $0) } }
        }
        let changing = nodes.filter { $0.live.asked != $0.wanted.asked }
        let isSwitched = changing.contains { $0.live.asked.isEmpty || $0.wanted.asked.isEmpty }
        let phases: [(Node) -> Step?] = [
            { node in
                // Where some nodes ask for a password and others do not, `AUTH default PASSWORD` works with both.
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

    /// nil: the node has not said.
    init?(_ values: [String: String]) {
        guard let asked = values["requirepass"], let secret = values["masterauth"] else { return nil }
        self.init(user: values["masteruser"] ?? "", secret: secret, asked: asked)
    }
}
