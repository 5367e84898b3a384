import ClusterModel

/// The redis.conf of one node, each line with its origin, so that the engine's error about line N can be reported as an error about a line
/// in conf.d.
package struct RedisConfPlan: Sendable, Equatable {
    package struct Line: Sendable, Equatable {
        package var text: String
        package var origin: ClusterSpec.Origin
    }

    package static let marker = "# Written by clusterd"

    package var lines: [Line]

    private static func heading(_ name: NodeName?) -> String {
        "\(marker) for node \(name?.text ?? "-"); changes here are overwritten. Edit conf.d instead."
    }

    /// The file of a running node, with only its passwords changed: its other start settings remain readable there.
    static func rewritten(_ file: RedisConfFacts, of node: NodeName, with login: NodeLogin) -> [UInt8] {
        let kept = file.directives.filter { !NodeLogin.directives.contains($0.name) }.map { ($0.name, $0.arguments) }
        let passwords = login.values.filter { !$0.value.isEmpty }.map { ($0.name, [$0.value]) }
        let lines = (kept + passwords).map { RedisConfFile.render(name: $0.0, arguments: $0.1) }
        return Array(([heading(node)] + lines).map { $0 + "\n" }.joined().utf8)
    }

    package var bytes: [UInt8] { Array(lines.map { $0.text + "\n" }.joined().utf8) }

    /// - Parameters:
    ///   - settingsName: the name of its settings in conf.d, if that is another.
    ///   - name: nil for a configuration that the engine only reads as a check.
    ///   - engine: nil for a configuration that the engine only reads as a check.
    ///   - appendOnly: what `appendonly` must be for the newest of the files on disk to be loaded; nil: as configured.
    package init(
        _ spec: ClusterSpec, name: NodeName?, settingsName: NodeName? = nil, ports: PortPair, directory: String,
        nodesFileName: String,
        fileNames: [String] = [], engine: Engine? = nil, appendOnly: Bool? = nil
    ) {
        lines = [Line(text: Self.heading(name), origin: .builtIn)]
        func owned(_ name: String, _ arguments: [String]) {
            lines.append(Line(text: RedisConfFile.render(name: name, arguments: arguments), origin: .builtIn))
        }
        owned("bind", spec.bind)
        owned("port", [spec.speaksTLS ? "0" : String(ports.client)])
        if spec.speaksTLS { owned("tls-port", [String(ports.client)]) }
        owned("cluster-enabled", ["yes"])
        owned("cluster-config-file", [nodesFileName])
        if ports.needsClusterPort { owned("cluster-port", [String(ports.bus)]) }
        if let announce = spec.announce { owned("cluster-announce-ip", [announce]) }
        owned("dir", [directory])
        owned("logfile", [directory + "/redis.log"])
        owned("daemonize", ["no"])
        owned("supervised", ["no"])
        owned("pidfile", [""])
        // A cut append-only file must cause a visible exit, not a silent loss (invariant: no-older-master).
        owned("aof-load-truncated", ["no"])
        if let value = Self.electionSetting(spec) { owned(value.name, [value.value]) }
        // A replica without data loses nothing if the transfer breaks off. conf.d comes later, and wins.
        if engine?.isSlowToNoticeDump == true { owned("repl-diskless-load", ["on-empty-db"]) }
        lines += fileNames.map { Line(text: $0, origin: .builtIn) }
        let overriding = (settingsName ?? name).flatMap { spec.overrides[$0]?.directives } ?? []
        let names = Set(overriding.map(\.name))
        for directive in spec.directives.filter({ !names.contains($0.name) }) + overriding {
            var arguments = directive.arguments
            if directive.name == "appendonly", let appendOnly { arguments = [appendOnly ? "yes" : "no"] }
            lines.append(
                Line(
                    text: RedisConfFile.render(name: directive.name, arguments: arguments), origin: directive.origin))
        }
    }

    /// Under `durable` and `off` the nodes hold no automatic elections: an election does not consider the dead master's files, which may
    /// hold what its winner lacks.
    package static func electionSetting(_ spec: ClusterSpec) -> (name: String, value: String)? {
        spec.supervision.failover == .fast ? nil : ("cluster-replica-no-failover", "yes")
    }

    /// The configured value of a directive for a node; nil: the engine's default.
    package static func configured(_ name: String, for node: NodeName?, _ spec: ClusterSpec) -> [String]? {
        let overriding = node.flatMap { spec.overrides[$0]?.directives.last { $0.name == name } }
        return (overriding ?? spec.directives.last { $0.name == name })?.arguments
    }
}

extension Turn {
    func redisConf(for member: Member, _ facts: DirectoryFacts?) -> RedisConfPlan {
        RedisConfPlan(
            spec, name: member.name, settingsName: member.settingsName, ports: member.ports,
            directory: member.directory,
            nodesFileName: member.nodesFileName,
            fileNames: member.fileNames, engine: program(for: member).engine,
            appendOnly: appendOnlyAtStart(member, facts))
    }
}

extension Observation {
    /// The redis.conf with which a node was started; nil: it was not read.
    func redisConf(of member: Member) -> RedisConfFacts? {
        written[member.name] ?? directory(at: member.directory)?.redisConf
    }
}
