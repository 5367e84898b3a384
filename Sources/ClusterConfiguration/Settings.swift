import ClusterModel

/// The last value of each key in the files and on the command line, not yet interpreted.
struct Settings {
    struct Value {
        var node: YAMLNode
        var origin: ClusterSpec.Origin
        /// The position of the key.
        var keyOrigin: ClusterSpec.Origin
        /// Whether it was kept from a redis.conf written by hand: conf.d takes precedence over it.
        var isKept = false
    }

    private(set) var values: [ConfigurationKey: Value] = [:]
    /// Directives in the order of their first occurrence.
    private(set) var directives: [(name: String, value: Value)] = []
    private(set) var overrides: [String: Override] = [:]
    private(set) var errors: [ConfigurationError] = []
    /// Kept settings that protect the nodes, even if conf.d overrides them.
    private(set) var keptProtection: [(name: String, node: String?, origin: ClusterSpec.Origin)] = []
    private var isReadingKept = false

    struct Override {
        var origin: ClusterSpec.Origin
        var values: [NodeConfigurationKey: Value] = [:]
        var directives: [(name: String, value: Value)] = []
    }

    mutating func read(_ file: ConfigurationFile) {
        isReadingKept = file.isKept
        defer { isReadingKept = false }
        do {
            guard let root = try YAMLReader.read(file.text), !root.isNull else { return }
            guard case .mapping(let sections) = root.content else {
                return fail(
                    .file(file.name, line: root.mark.line, column: root.mark.column),
                    "sections such as 'cluster:' are expected")
            }
            for section in sections { take(section, file.name) }
        } catch {
            fail(.file(file.name, line: error.mark.line, column: error.mark.column), error.message)
        }
    }

    mutating func set(_ key: ConfigurationKey, _ node: YAMLNode) {
        values[key] = Value(node: node, origin: .commandLine, keyOrigin: .commandLine)
    }

    mutating func setDirective(_ name: String, _ node: YAMLNode) {
        putForAll(name, Value(node: node, origin: .commandLine, keyOrigin: .commandLine))
    }

    /// Takes the settings kept from redis.conf files written by hand. conf.d is read later, and takes precedence.
    mutating func keep(_ settings: HandMadeSettings) {
        func value(_ setting: HandMadeSettings.Setting) -> Value {
            Value(
                node: HandMadeSettings.node(setting), origin: setting.origin, keyOrigin: setting.origin, isKept: true)
        }
        if let announce = settings.announce { values[.announce] = value(announce) }
        if let bind = settings.bind { values[.bind] = value(bind) }
        for setting in settings.shared { putForAll(setting.name, value(setting)) }
        for (node, own) in settings.single {
            guard let first = own.first else { continue }
            overrides[node.text] = Override(origin: first.origin)
            for setting in own { putForNode(setting.name, node.text, value(setting)) }
        }
        errors += settings.refusals
    }

    private mutating func putForAll(_ name: String, _ value: Value) {
        Self.put(name, value, &directives)
        noteProtection(name, nil, value)
        guard !value.isKept else { return }
        // A value for all nodes overrides one that was kept for a single node, and a new password overrides both kept ones.
        for node in overrides.keys { overrides[node]?.directives.removeAll { $0.name == name && $0.value.isKept } }
        if name == "requirepass" { directives.removeAll { $0.name == "masterauth" && $0.value.isKept } }
    }

    private mutating func putForNode(_ name: String, _ node: String, _ value: Value) {
        var override = overrides[node] ?? Override(origin: value.keyOrigin)
        Self.put(name, value, &override.directives)
        overrides[node] = override
        noteProtection(name, node, value)
    }

    private mutating func noteProtection(_ name: String, _ node: String?, _ value: Value) {
        guard value.isKept, HandMadeSettings.protection.contains(name),
            value.node.content != .scalar("", isPlain: false)
        else { return }
        keptProtection.append((name, node, value.origin))
    }

    mutating func fail(_ origin: ClusterSpec.Origin, _ message: String, hint: String? = nil) {
        errors.append(ConfigurationError(origin: origin, message: message, hint: hint))
    }

    private mutating func take(_ section: YAMLNode.Member, _ file: String) {
        let origin = place(section.mark, file)
        guard Schema.topLevel.contains(section.key) else {
            return fail(
                origin, "there is no section '\(section.key)'", hint: Spelling.hint(section.key, among: Schema.topLevel)
            )
        }
        if section.value.isNull { return }
        guard case .mapping(let members) = section.value.content else {
            return fail(place(section.value.mark, file), "'\(section.key)' must contain keys with values")
        }
        for member in members {
            let value = Value(
                node: member.value, origin: place(member.value.mark, file), keyOrigin: place(member.mark, file),
                isKept: isReadingKept)
            switch section.key {
            case "redis": putForAll(member.key.lowercased(), value)
            case "nodes": takeOverride(member, file)
            default:
                if let key = ConfigurationKey(rawValue: "\(section.key).\(member.key)") {
                    values[key] = value
                } else {
                    fail(
                        value.keyOrigin, "there is no key '\(member.key)' in '\(section.key)'",
                        hint: Spelling.hint(member.key, among: ConfigurationKey.sections[section.key] ?? []))
                }
            }
        }
    }

    private mutating func takeOverride(_ node: YAMLNode.Member, _ file: String) {
        let origin = place(node.mark, file)
        guard case .mapping(let members) = node.value.content else {
            return fail(
                place(node.value.mark, file), "node '\(node.key)' must contain \(Schema.overrideWords)")
        }
        if overrides[node.key] == nil { overrides[node.key] = Override(origin: origin) }
        for member in members {
            let value = Value(
                node: member.value, origin: place(member.value.mark, file), keyOrigin: place(member.mark, file))
            if let key = NodeConfigurationKey(rawValue: member.key) {
                overrides[node.key]?.values[key] = value
                continue
            }
            switch (member.key, member.value.content) {
            case ("redis", .mapping(let directives)):
                for directive in directives {
                    putForNode(
                        directive.key.lowercased(), node.key,
                        Value(
                            node: directive.value, origin: place(directive.value.mark, file),
                            keyOrigin: place(directive.mark, file), isKept: isReadingKept))
                }
            case ("redis", _): fail(value.origin, "'redis' must contain directives with values")
            default:
                fail(
                    value.keyOrigin, "there is no key '\(member.key)' for a node",
                    hint: Spelling.hint(member.key, among: Schema.override))
            }
        }
    }

    private static func put(_ name: String, _ value: Value, _ list: inout [(name: String, value: Value)]) {
        if let index = list.firstIndex(where: { $0.name == name }) {
            list[index].value = value
        } else {
            list.append((name, value))
        }
    }

    private func place(_ mark: Mark, _ file: String) -> ClusterSpec.Origin {
        .file(file, line: mark.line, column: mark.column)
    }
}
