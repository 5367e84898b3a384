import ClusterModel

/// The `redis:` section: any directive of the engine except those that clusterd must set itself.
extension SpecReader {
    /// The redis.conf lines of one directive.
    mutating func directive(_ name: String, _ value: Settings.Value, label: String) -> [ClusterSpec.Directive] {
        func refuse(_ message: String, _ origin: ClusterSpec.Origin) {
            self.refuse(message, label, origin)
        }
        guard name.utf8.allSatisfy({ $0 > 32 && $0 < 127 && !"\"'#".utf8.contains($0) }), !name.isEmpty else {
            refuse("not the name of a directive", value.keyOrigin)
            return []
        }
        if value.node.isNull { return [] }
        if let why = OwnedDirectives.reason(name, []) {
            refuse("clusterd sets this itself: \(why)", value.keyOrigin)
            return []
        }
        let lines: [[String]]
        switch value.node.content {
        case .scalar(let text, let isPlain): lines = [words(name, text, isPlain: isPlain)]
        case .sequence(let elements):
            guard elements.allSatisfy({ $0.scalar != nil || $0.content == .scalar("", isPlain: false) }) else {
                refuse("each element of a list must be one line of redis.conf", value.origin)
                return []
            }
            lines = elements.map { element in
                guard case .scalar(let text, let isPlain) = element.content else { return [] }
                return words(name, text, isPlain: isPlain)
            }
        case .mapping(let members):
            guard Self.secrets.contains(name) else {
                refuse("a value, a list, or \(Self.secretExpected) is expected", value.origin)
                return []
            }
            guard let password = secret(value, members, label: label) else { return [] }
            lines = [[password]]
        }
        for word in lines.joined() where word.utf8.contains(where: { $0 == 0 || $0 == 10 || $0 == 13 }) {
            refuse("line breaks are not allowed", value.origin)
            return []
        }
        for path in lines.compactMap(\.first)
        where Self.files.contains(name) && !path.hasPrefix("/") && !path.isEmpty {
            refuse("the path must be absolute: each node runs in its own folder", value.origin)
        }
        return lines.map { ClusterSpec.Directive(name: name, arguments: $0, origin: value.origin) }
    }

    private static let files: Set<String> = [
        "aclfile", "loadmodule", "tls-ca-cert-dir", "tls-ca-cert-file", "tls-cert-file", "tls-client-cert-file",
        "tls-client-key-file",
        "tls-dh-params-file", "tls-key-file",
    ]

    /// A password is always one word; anything else is split as the engine splits a line.
    private func words(_ name: String, _ text: String, isPlain: Bool) -> [String] {
        if Self.secrets.contains(name) || text.isEmpty { return [text] }
        let file = RedisConfFile(Array("\(name) \(text)".utf8))
        return file.directives.first?.arguments ?? [text]
    }

    /// clusterd's defaults that differ from those of the engine.
    func builtIn(besides seen: [ClusterSpec.Directive]) -> [ClusterSpec.Directive] {
        let isTemporary = defaults.temporaryPort != nil
        let own =
            [
                ("cluster-node-timeout", "15000"), ("appendonly", isTemporary ? "no" : "yes"),
                ("repl-diskless-sync-delay", "0"), ("cluster-allow-replica-migration", "no"),
            ] + (isTemporary ? [("save", "")] : [])
            // In a node that saves nothing the dump of a synchronization would stay, and be loaded at the next start.
            + (isTemporary || appendsToFile(seen) ? [("repl-diskless-sync", "no")] : [])
            + (isTemporary ? [("rdb-del-sync-files", "yes")] : [])
            + (seen.contains { $0.name == "tls-cert-file" }
                ? [("tls-cluster", "yes"), ("tls-replication", "yes")] : [])
        return own.filter { name, _ in !seen.contains { $0.name == name } && !isReset(name) }
            .map { ClusterSpec.Directive(name: $0.0, arguments: [$0.1]) }
    }

    private func appendsToFile(_ seen: [ClusterSpec.Directive]) -> Bool {
        seen.last { $0.name == "appendonly" }.map { $0.arguments == ["yes"] } ?? true
    }

    /// Whether a directive was set to null: the engine's own default.
    private func isReset(_ name: String) -> Bool {
        settings.directives.contains { $0.name == name && $0.value.node.isNull }
    }

    /// A temporary cluster has its files and its socket only in its own folder: the paths in the configuration may belong to
    /// another cluster.
    mutating func keepInside(_ spec: inout ClusterSpec) {
        spec.control.socket = nil
        spec.control.group = nil
        spec.control.metrics = nil
        // A temporary cluster does not change the cgroup in which it starts.
        spec.memoryMax = nil
        for name in spec.overrides.keys { spec.overrides[name]?.memoryMax = nil }
        for (name, override) in spec.overrides.sorted(by: { $0.key < $1.key }) where override.dataDirectory != nil {
            errors.append(
                ConfigurationError(
                    origin: override.origin,
                    message:
                        "node \(name) has its own data-dir, but a temporary cluster uses only its own folder",
                    hint: "do not use this file"))
        }
    }

    /// Checks that need all settings.
    mutating func check(_ spec: ClusterSpec) {
        func arguments(_ name: String) -> [String]? { spec.directives.last { $0.name == name }?.arguments }
        if let open = spec.bind.map(BindAddress.init).first(where: { $0.isValid && !$0.isLoopback }) {
            let isProtected =
                arguments("requirepass").map { $0 != [""] } ?? false || arguments("aclfile") != nil
                || arguments("user") != nil || arguments("protected-mode") == ["no"]
            if !isProtected {
                fail(
                    .bind,
                    "nodes on \(open.text) can be reached from other hosts, and no password protects them",
                    hint:
                        "set redis.requirepass (with redis.masterauth), or redis.aclfile, or set redis.protected-mode: no"
                )
            }
        }
        checkTLS(spec)
        checkMemory(spec)
        checkKeptProtection(spec)
        if !spec.isTemporary {
            errors += FolderRules.complaints(spec.folderPlaces, dataDirectory: spec.dataDirectory)
        }
        if let password = arguments("requirepass"), password != [""], arguments("masterauth") == nil,
            arguments("masteruser") == nil
        {
            let origin = spec.directives.last { $0.name == "requirepass" }?.origin ?? .builtIn
            errors.append(
                ConfigurationError(
                    origin: origin,
                    message: "redis.requirepass without redis.masterauth: replicas cannot follow their masters",
                    hint: "set redis.masterauth to the same password"))
        }
        checkReplicaLogin(spec)
    }

    /// An engine rejects a password if it requires none. With an ACL, or a separate user for replicas, the passwords may differ.
    private mutating func checkReplicaLogin(_ spec: ClusterSpec) {
        func value(_ name: String) -> String? {
            spec.directives.last { $0.name == name }?.arguments.first.flatMap { $0.isEmpty ? nil : $0 }
        }
        guard let sent = value("masterauth"), ["masteruser", "aclfile", "user"].allSatisfy({ value($0) == nil }),
            value("requirepass") != sent, errors.isEmpty,
            ![sent, value("requirepass")].contains(Self.unknownSecret)
        else { return }
        let isAsked = value("requirepass") != nil
        errors.append(
            ConfigurationError(
                origin: spec.directives.last { $0.name == "masterauth" }?.origin ?? .builtIn,
                message: isAsked
                    ? "redis.masterauth differs from redis.requirepass: replicas cannot follow their masters"
                    : "redis.masterauth without redis.requirepass: replicas cannot follow their masters, which reject a "
                        + "password if they require none",
                hint: isAsked
                    ? "set both to the same password"
                    : "remove redis.masterauth too, or set redis.requirepass to the same password"))
    }

    /// Every setting with its origin.
    func show(_ spec: ClusterSpec) -> [EffectiveSetting] {
        func origin(_ key: ConfigurationKey) -> ClusterSpec.Origin {
            guard let value = settings.values[key], !value.node.isNull || key.form.nullIsAValue
            else { return .builtIn }
            return value.origin
        }
        var shown = ConfigurationKey.all.map {
            EffectiveSetting(key: $0.path, value: $0.text(spec), origin: origin($0))
        }
        func add(_ directives: [ClusterSpec.Directive], _ prefix: String) {
            for directive in directives {
                let hidden = Self.secrets.contains(directive.name) || directive.name == "user"
                let line = RedisConfFile.render(name: "", arguments: directive.arguments).drop { $0 == " " }
                shown.append(
                    EffectiveSetting(
                        key: prefix + directive.name, value: hidden ? "(hidden)" : String(line),
                        origin: directive.origin))
            }
        }
        add(spec.directives, "redis.")
        for (name, override) in spec.overrides.sorted(by: { $0.key < $1.key }) {
            for key in NodeConfigurationKey.all {
                guard let value = key.text(override) else { continue }
                shown.append(EffectiveSetting(key: key.path(of: name), value: value, origin: override.origin))
            }
            add(override.directives, "nodes.\(name).redis.")
        }
        return shown
    }
}
