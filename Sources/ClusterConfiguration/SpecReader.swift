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
        let directory = path("cluster.data-dir") ?? defaults.dataDirectory
        let folder = directory.split(separator: "/").last.map(String.init) ?? "cluster"
        var spec = ClusterSpec(name: defaults.name ?? folder, dataDirectory: directory)
        if let port = defaults.temporaryPort { spec.makeTemporary(from: port) }
        readCluster(&spec)
        readEngine(&spec)
        readSupervision(&spec)
        readControl(&spec)
        var seen: [ClusterSpec.Directive] = []
        for (name, value) in settings.directives { seen += directive(name, value, label: "redis.\(name)") }
        spec.directives = builtIn(besides: seen) + seen
        readOverrides(&spec)
        if spec.isTemporary { keepInside(&spec) }
        check(spec)
        return LoadedConfiguration(spec: spec, settings: show(spec), warnings: warnings)
    }

    // MARK: sections

    private mutating func readCluster(_ spec: inout ClusterSpec) {
        if let name = text("cluster.name") {
            if name.utf8.allSatisfy({
                ("a"..."z").contains(Character(UnicodeScalar($0))) || ("A"..."Z").contains(Character(UnicodeScalar($0)))
                    || ("0"..."9").contains(Character(UnicodeScalar($0))) || "-_.".utf8.contains($0)
            }), name.utf8.count <= 64 {
                spec.name = name
            } else {
                fail("cluster.name", "a name consists of at most 64 letters, digits, '-', '_' and '.'")
            }
        }
        if let masters = count("cluster.masters", 1...1000) {
            spec.masters = masters
            if masters == 2 {
                fail(
                    "cluster.masters",
                    "two masters cannot form a cluster: if one fails, the other has no majority and cannot vote for a failover; "
                        + "use 1 for tests, otherwise 3 or more")
            }
        }
        if let replicas = count("cluster.replicas", 0...100) { spec.replicas = replicas }
        readPorts(&spec)
        if let wait = duration("cluster.port-wait") { spec.portWait = wait }
        if let addresses = list("cluster.bind") {
            for address in addresses where !BindAddress(address).isValid {
                fail("cluster.bind", "'\(address)' is not an IP address")
            }
            if addresses.isEmpty { fail("cluster.bind", "at least one address is needed") }
            if addresses.count > AddressRules.mostBound {
                fail("cluster.bind", "the engine binds at most \(AddressRules.mostBound) addresses")
            }
            spec.bind = addresses
        }
        spec.onPortConflict = spec.isReachableFromOutside ? .fail : .next
        if let conflict = choice("cluster.on-port-conflict", ClusterSpec.PortConflict.self) {
            spec.onPortConflict = conflict
        }
        spec.announce = text("cluster.announce")
        if let announced = spec.announce, let why = AddressRules.complaint(announced: announced) {
            fail("cluster.announce", why)
        }
        if let free = bytes("cluster.min-free") { spec.minimumFreeBytes = free }
        if let value = settings.values["cluster.memory-max"] {
            spec.memoryMax = memoryMax(value, label: "cluster.memory-max")
        }
    }

    private mutating func readPorts(_ spec: inout ClusterSpec) {
        guard let value = settings.values["cluster.ports"], !value.node.isNull else { return }
        switch value.node.content {
        case .scalar(let text, _):
            if let port = Quantity.port(text) {
                spec.ports = .from(port)
            } else if let range = Quantity.portRange(text) {
                spec.ports = .range(range)
            } else {
                fail("cluster.ports", "'\(text)' is neither a port (1 to 65535) nor a range such as 7000-7099")
            }
        case .sequence(let elements):
            var ports: [Int] = []
            for element in elements {
                if let port = element.scalar.flatMap(Quantity.port) {
                    if ports.contains(port) { fail("cluster.ports", "\(port) is listed twice") }
                    ports.append(port)
                } else {
                    fail("cluster.ports", "a list of ports must contain numbers from 1 to 65535")
                }
            }
            spec.ports = .list(ports)
        case .mapping: fail("cluster.ports", "a port, a list of ports or a range such as 7000-7099 is expected")
        }
        let pool: [Int]? =
            switch spec.ports {
            case .from: nil
            case .list(let ports): ports
            case .range(let range): Array(range)
            }
        if let pool, pool.count < spec.nodeCount {
            fail(
                "cluster.ports",
                "\(spec.masters) masters with \(spec.replicas) replicas each need \(spec.nodeCount) ports, but there are \(pool.count)"
            )
        }
    }

    private mutating func readEngine(_ spec: inout ClusterSpec) {
        if let server = text("engine.server") { spec.server = server }
        spec.engineUser = text("engine.user")
        spec.login = login()
    }

    private mutating func readSupervision(_ spec: inout ClusterSpec) {
        if let failover = choice("supervision.failover", ClusterSpec.Supervision.Failover.self) {
            spec.supervision.failover = failover
        }
        if settings.values["supervision.failover-max-lag"]?.node.isNull == true {
            spec.supervision.failoverMaxLag = nil
        } else if let lag = bytes("supervision.failover-max-lag") {
            spec.supervision.failoverMaxLag = lag
        }
        if let time = duration("supervision.hang-timeout") { spec.supervision.hangTimeout = time }
        if let restart = choice("supervision.restart", ClusterSpec.Supervision.Restart.self) {
            spec.supervision.restart = restart
        }
        if let delay = text("supervision.restart-delay") {
            if let (first, last) = Quantity.durationRange(delay) {
                spec.supervision.restartDelay = .init(first: first, last: last)
            } else {
                fail("supervision.restart-delay", "'\(delay)' is not a range of durations such as 200ms..30s")
            }
        }
        if let time = duration("supervision.stop-timeout") { spec.supervision.stopTimeout = time }
    }

    private mutating func readControl(_ spec: inout ClusterSpec) {
        spec.control.socket = path("control.socket") ?? defaults.socket
        if let value = settings.values["control.group"] { spec.control.group = value.node.scalar }
        spec.control.metrics = address("control.metrics")
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
            if let value = override.dataDirectory {
                if let path = value.node.scalar, path.hasPrefix("/"), path.utf8.allSatisfy({ $0 >= 32 }) {
                    result.dataDirectory = FolderRules.normal(path)
                    result.directoryOrigin = value.origin
                } else {
                    errors.append(
                        .init(
                            origin: value.origin,
                            message: "data-dir must be an absolute path"))
                }
            }
            if let value = override.memoryMax {
                result.memoryMax = memoryMax(value, label: "nodes.\(name).memory-max")
            }
            for (directiveName, value) in override.directives {
                result.directives += directive(directiveName, value, label: "nodes.\(name).redis.\(directiveName)")
            }
            spec.overrides[NodeName(name)] = result
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
