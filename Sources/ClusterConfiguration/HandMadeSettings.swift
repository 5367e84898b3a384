import ClusterModel

/// The settings that clusterd keeps from redis.conf files written by hand when it takes over their nodes: every directive that
/// clusterd does not set itself. A value that all nodes share applies to all nodes, any other to its node. A directive that
/// cannot be kept is an error.
package struct HandMadeSettings: Hashable, Sendable {
    package struct Setting: Hashable, Sendable {
        package var name: String
        /// The arguments of each line.
        package var lines: [[String]]
        package var origin: ClusterSpec.Origin
    }

    package private(set) var shared: [Setting] = []
    package private(set) var single: [NodeName: [Setting]] = [:]
    package private(set) var bind: Setting?
    package private(set) var announce: Setting?
    package private(set) var refusals: [ConfigurationError] = []
    /// The files that the settings were read from.
    package private(set) var sources: [String] = []
    package private(set) var nodes: [NodeName] = []

    /// The settings that protect the nodes against unauthorized clients.
    static let protection = ["requirepass", "aclfile", "user", "tls-cert-file"]

    /// - Parameter exists: whether a file exists.
    package init(_ files: [HandMadeFile], exists: (String) -> Bool) {
        nodes = files.map(\.node)
        for path in files.flatMap(\.lines).map(\.path) where !sources.contains(path) { sources.append(path) }
        let kept = files.map { settings($0, exists) }
        for name in Self.names(kept) {
            let having = kept.map { $0.first { $0.name == name } }
            if let first = having[0], having.allSatisfy({ $0?.lines == first.lines }) {
                shared.append(first)
            } else {
                for (file, setting) in zip(files, having) {
                    if let setting { single[file.node, default: []].append(setting) }
                }
            }
        }
        checkPasswords(files)
        completePassword()
        takeAddresses(files)
    }

    package var isEmpty: Bool { shared.isEmpty && single.isEmpty && bind == nil && announce == nil }

    private static func names(_ settings: [[Setting]]) -> [String] {
        var names: [String] = []
        for name in settings.joined().map(\.name) where !names.contains(name) { names.append(name) }
        return names
    }

    private mutating func settings(_ file: HandMadeFile, _ exists: (String) -> Bool) -> [Setting] {
        var found: [Setting] = []
        for line in file.lines {
            var arguments = line.arguments
            switch HandMadeDirective.treatment(line, in: file) {
            case .leave: continue
            case .refuse(let why):
                refuse(line, "\(line.name) cannot be kept: \(why)")
                continue
            case .take: break
            case .takeFile:
                let path = arguments[0].hasPrefix("/") ? arguments[0] : "\(file.folder)/\(arguments[0])"
                guard exists(path) else {
                    refuse(line, "\(line.name) names \(arguments[0]), but there is no \(path)")
                    continue
                }
                arguments[0] = path
            }
            if let index = found.firstIndex(where: { $0.name == line.name }) {
                // For most directives the last line is effective; these accumulate.
                found[index].lines = Self.addUp.contains(line.name) ? found[index].lines + [arguments] : [arguments]
                found[index].origin = line.origin
            } else {
                found.append(Setting(name: line.name, lines: [arguments], origin: line.origin))
            }
        }
        return found
    }

    private static let addUp: Set<String> = ["save", "user", "loadmodule", "client-output-buffer-limit"]

    /// clusterd and the replicas use one password for all nodes.
    private mutating func checkPasswords(_ files: [HandMadeFile]) {
        func passwords(_ name: String) -> [(line: HandMadeFile.Line, value: String)] {
            files.compactMap { file in file.last(name).map { ($0, $0.arguments.first ?? "") } }.filter {
                $0.value != ""
            }
        }
        let asked = passwords("requirepass")
        if let first = asked.first {
            if let other = asked.first(where: { $0.value != first.value }) {
                refuse(other.line, "requirepass differs from \(first.line.origin): all nodes need the same password")
            } else if let without = files.first(where: { $0.value("requirepass") ?? "" == "" }) {
                refuse(
                    first.line,
                    "requirepass is set, but not in the redis.conf of \(without.node): all nodes need the same password"
                )
            }
            let isOther = passwords("masterauth").first { $0.value != first.value }
            if let isOther, files.allSatisfy({ $0.value("masteruser") ?? "" == "" }) {
                refuse(isOther.line, "masterauth differs from requirepass in \(first.line.origin)")
            }
        }
    }

    /// A master becomes a replica after a failover, and needs the password then.
    private mutating func completePassword() {
        guard let password = shared.first(where: { $0.name == "requirepass" && $0.lines != [[""]] }),
            !(shared + single.values.joined()).contains(where: { $0.name == "masteruser" })
        else { return }
        for node in single.keys { single[node]?.removeAll { $0.name == "masterauth" } }
        single = single.filter { !$0.value.isEmpty }
        guard !shared.contains(where: { $0.name == "masterauth" }) else { return }
        shared.append(Setting(name: "masterauth", lines: password.lines, origin: password.origin))
    }

    private mutating func takeAddresses(_ files: [HandMadeFile]) {
        let announced = files.compactMap { $0.last("cluster-announce-ip") }.filter { $0.arguments != [""] }
        if let first = announced.first {
            if let other = announced.first(where: { $0.arguments != first.arguments }) {
                refuse(
                    other,
                    "cluster-announce-ip differs from \(first.origin): all nodes of one host announce the same address; "
                        + "remove these lines, or set the current address in all of them")
            } else {
                announce = Setting(
                    name: ConfigurationKey.announce.name, lines: [first.arguments], origin: first.origin)
            }
        }
        // Without a password, the engine answers other hosts only if protected mode is off.
        let isOpen = shared.contains {
            Self.protection.contains($0.name) && $0.lines != [[""]]
                || $0.name == "protected-mode" && $0.lines == [["no"]]
        }
        let bound = files.map { $0.last("bind") }
        if isOpen, let first = bound.first ?? nil, bound.allSatisfy({ $0?.arguments == first.arguments }),
            !first.arguments.isEmpty, first.arguments.allSatisfy({ BindAddress($0).isValid })
        {
            bind = Setting(name: ConfigurationKey.bind.name, lines: [first.arguments], origin: first.origin)
        }
    }

    package mutating func refuse(_ line: HandMadeFile.Line, _ message: String) {
        refusals.append(ConfigurationError(origin: line.origin, message: message))
    }
}

extension HandMadeSettings {
    /// As a file of conf.d.
    package var yaml: [UInt8] {
        var text = """
            # Settings that clusterd kept from these files when it took over their nodes:
            \(sources.map { "#   \($0)" }.joined(separator: "\n"))
            # clusterd reads this file before conf.d, and conf.d takes precedence. Edit it, then run: clusterd reload

            """
        let addresses = [announce, bind].compactMap { $0 }
        if !addresses.isEmpty { text += "cluster:\n" }
        for setting in addresses {
            text += "  \(setting.name): \(Self.quoted(setting.lines[0].joined(separator: " ")))\n"
        }
        if !shared.isEmpty { text += "redis:\n" + Self.text(shared, "  ") }
        if !single.isEmpty { text += "nodes:\n" }
        for (node, settings) in single.sorted(by: { $0.key < $1.key }) {
            text += "  \(Self.quoted(node.text)):\n    redis:\n" + Self.text(settings, "      ")
        }
        return Array(text.utf8)
    }

    private static func text(_ settings: [Setting], _ margin: String) -> String {
        settings.map { setting in
            switch node(setting).content {
            case .scalar(let text, _): "\(margin)\(quoted(setting.name)): \(quoted(text))\n"
            case .sequence(let nodes):
                "\(margin)\(quoted(setting.name)):\n" + nodes.map { "\(margin)  - \(quoted($0.text))\n" }.joined()
            case .mapping: ""
            }
        }.joined()
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 32 || scalar.value == 127:
                quoted += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// The value as conf.d has it.
    static func node(_ setting: Setting) -> YAMLNode {
        let place = Mark(line: 1, column: 1)
        func scalar(_ arguments: [String]) -> YAMLNode {
            let text =
                SpecReader.secrets.contains(setting.name)
                ? arguments.first ?? ""
                : String(RedisConfFile.render(name: "", arguments: arguments).drop { $0 == " " })
            return YAMLNode(content: .scalar(text, isPlain: false), mark: place)
        }
        guard setting.lines.count != 1 else { return scalar(setting.lines[0]) }
        return YAMLNode(content: .sequence(setting.lines.map(scalar)), mark: place)
    }

    /// The names of the kept settings, shown at the start. Values are not shown, because some are passwords.
    package func summary(file: String) -> [String] {
        var names: [String] = []
        if announce != nil { names.append(ConfigurationKey.announce.path) }
        if bind != nil { names.append(ConfigurationKey.bind.path) }
        var own: [String] = []
        for name in single.sorted(by: { $0.key < $1.key }).flatMap(\.value).map(\.name) where !own.contains(name) {
            own.append(name)
        }
        let all = names + shared.map(\.name)
        let nodes = nodes.sorted().map(\.text).joined(separator: " ")
        return ["the settings in the redis.conf of \(nodes) are kept in \(file)"]
            + (all.isEmpty ? [] : ["for all nodes: \(all.joined(separator: " "))"])
            + (own.isEmpty ? [] : ["node by node: \(own.joined(separator: " "))"])
    }
}

extension YAMLNode {
    fileprivate var text: String {
        guard case .scalar(let text, _) = content else { return "" }
        return text
    }
}
