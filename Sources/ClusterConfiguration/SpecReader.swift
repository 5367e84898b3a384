import ClusterModel

/// Converts settings to a `ClusterSpec`. Each invalid value is an error with its position.
struct SpecReader {
    let settings: Settings
    let defaults: ConfigurationDefaults
    let readSecret: (SecretSource) throws -> String?
    var errors: [ConfigurationError]
    var warnings: [ConfigurationError] = []
    var effective: [EffectiveSetting] = []

    init(
        _ settings: Settings, _ defaults: ConfigurationDefaults, readSecret: @escaping (SecretSource) throws -> String?
    ) {
        self.settings = settings
        self.defaults = defaults
        self.readSecret = readSecret
        errors = settings.errors
    }

    mutating func read() -> LoadedConfiguration {
        // The data folder gives the cluster its default name, so it is read first.
        let directory = path(.dataDirectory) ?? defaults.dataDirectory
        let folder = directory.split(separator: "/").last.map(String.init) ?? "cluster"
        var spec = ClusterSpec(name: defaults.name ?? folder, dataDirectory: directory)
        if let port = defaults.temporaryPort { spec.makeTemporary(from: port) }
        spec.control.socket = defaults.socket
        for key in ConfigurationKey.all where key != .dataDirectory { read(key, &spec) }
        if settings.values[.onPortConflict]?.node.isNull ?? true {
            spec.onPortConflict = spec.isReachableFromOutside ? .fail : .next
        }
        checkShape(spec)
        var seen: [ClusterSpec.Directive] = []
        for (name, value) in settings.directives { seen += directive(name, value, label: "redis.\(name)") }
        spec.directives = builtIn(besides: seen) + seen
        readOverrides(&spec)
        if spec.isTemporary { keepInside(&spec) }
        check(spec)
        return LoadedConfiguration(spec: spec, settings: show(spec), warnings: warnings)
    }

    /// Reads a key by the form of its value. The default stays if the key is absent, or its value is invalid.
    private mutating func read(_ key: ConfigurationKey, _ spec: inout ClusterSpec) {
        switch key.form {
        case .name(let property):
            if let name = name(key) { spec[keyPath: property] = name }
        case .text(let property):
            if let text = text(key) { spec[keyPath: property] = text }
        case .optionalText(let property):
            if let text = text(key) { spec[keyPath: property] = text }
        case .textOrNull(let property):
            if let value = settings.values[key] { spec[keyPath: property] = value.node.scalar }
        case .path(let property):
            if let path = path(key) { spec[keyPath: property] = path }
        case .socket(let property):
            if let path = path(key) { spec[keyPath: property] = path }
        case .host(let property):
            if let host = host(key) { spec[keyPath: property] = host }
        case .addresses(let property):
            if let addresses = addresses(key) { spec[keyPath: property] = addresses }
        case .networkAddress(let property):
            if let address = networkAddress(key) { spec[keyPath: property] = address }
        case .ports(let property):
            if let ports = ports(key) { spec[keyPath: property] = ports }
        case .count(let property, let range):
            if let count = count(key, range) { spec[keyPath: property] = count }
        case .size(let property):
            if let size = size(key) { spec[keyPath: property] = size }
        case .sizeOrNull(let property):
            if isNull(key) {
                spec[keyPath: property] = nil
            } else if let size = size(key) {
                spec[keyPath: property] = size
            }
        case .memoryLimit(let property):
            if let value = settings.values[key] { spec[keyPath: property] = memoryMax(value, label: key.path) }
        case .duration(let property):
            if let duration = duration(key) { spec[keyPath: property] = duration }
        case .durationRange(let property):
            if let range = durationRange(key) { spec[keyPath: property] = range }
        case .failback(let property):
            if let failback = failback(key) { spec[keyPath: property] = failback }
        case .choice(let choice):
            if let word = word(key, among: choice.words) { choice.choose(&spec, word) }
        case .loginUser: break  // Read together with its password.
        case .loginPassword: spec.login = login()
        }
    }

    private mutating func checkShape(_ spec: ClusterSpec) {
        if spec.masters == 2 {
            fail(
                .masters,
                "two masters cannot form a cluster: if one fails, the other has no majority and cannot vote for a failover; "
                    + "use 1 for tests, otherwise 3 or more")
        }
        let pool: [Int]? =
            switch spec.ports {
            case .from: nil
            case .list(let ports): ports
            case .range(let range): Array(range)
            }
        if let pool, pool.count < spec.nodeCount {
            fail(
                .ports,
                "\(spec.masters) masters with \(spec.replicas) replicas each need \(spec.nodeCount) ports, but there are \(pool.count)"
            )
        }
    }

    private mutating func readOverrides(_ spec: inout ClusterSpec) {
        for (name, override) in settings.overrides.sorted(by: { $0.key < $1.key }) {
            guard Quantity.port(name) != nil else {
                errors.append(
                    .init(
                        origin: override.origin,
                        message: "'\(name)' is not a node name: a node is named after the port with which it was formed"
                    ))
                continue
            }
            var result = ClusterSpec.NodeOverride(origin: override.origin)
            for key in NodeConfigurationKey.all {
                if let value = override.values[key] { read(key, value, of: NodeName(name), &result) }
            }
            for (directiveName, value) in override.directives {
                result.directives += directive(directiveName, value, label: "nodes.\(name).redis.\(directiveName)")
            }
            spec.overrides[NodeName(name)] = result
        }
    }

    private mutating func read(
        _ key: NodeConfigurationKey, _ value: Settings.Value, of node: NodeName,
        _ override: inout ClusterSpec.NodeOverride
    ) {
        switch key {
        case .dataDirectory:
            guard let path = value.node.scalar, path.hasPrefix("/"), path.utf8.allSatisfy({ $0 >= 32 }) else {
                errors.append(ConfigurationError(origin: value.origin, message: "\(key.name) must be an absolute path"))
                return
            }
            override.dataDirectory = FolderRules.normal(path)
            override.directoryOrigin = value.origin
        case .memoryMax: override.memoryMax = memoryMax(value, label: key.path(of: node))
        }
    }
}

extension ClusterSpec {
    fileprivate mutating func makeTemporary(from port: Int) {
        isTemporary = true
        replicas = 0
        ports = .from(port)
        // Nodes that save no data still write small files.
        minimumFreeBytes = 16 << 20
    }
}
