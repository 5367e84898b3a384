import ClusterConfiguration
import ClusterModel
import Testing

/// The mapping from configuration text to a spec.
@Suite struct SpecTests {
    @Test func anEmptyConfigurationIsThreeMastersWithAReplicaEach() throws {
        let spec = try load("").spec
        #expect(spec.name == "demo" && spec.masters == 3 && spec.replicas == 1 && spec.ports == .from(7000))
        #expect(spec.bind == ["127.0.0.1"] && spec.onPortConflict == .next && spec.portWait == .seconds(10))
        #expect(spec.minimumFreeBytes == 512 << 20 && spec.server == "redis-server")
        #expect(
            spec.directives.map { [$0.name] + $0.arguments } == [
                ["cluster-node-timeout", "15000"], ["appendonly", "yes"], ["repl-diskless-sync-delay", "0"],
                ["cluster-allow-replica-migration", "no"], ["repl-diskless-sync", "no"],
            ])
        #expect(try !load("redis: {appendonly: no}").spec.directives.contains { $0.name == "repl-diskless-sync" })
    }

    @Test func everyConfigurationKeyIsParsed() throws {
        let spec = try load(
            """
            cluster: {name: shop, masters: 5, replicas: 2, ports: 7000-7099, on-port-conflict: fail, port-wait: 1m,
              bind: [10.0.0.1, "::1"], announce: 10.0.0.9, data-dir: /data/shop/, min-free: 1gb}
            engine: {server: /opt/valkey-server, user: redis}
            supervision: {failover: off, hang-timeout: 2s, restart: on-failure, restart-delay: 1s..1m, stop-timeout: 5m,
              failback: when-idle}
            control: {socket: /run/x.sock, group: ops}
            redis: {protected-mode: no}
            """
        ).spec
        #expect(spec.name == "shop" && spec.masters == 5 && spec.replicas == 2 && spec.ports == .range(7000...7099))
        #expect(spec.onPortConflict == .fail && spec.portWait == .seconds(60))
        #expect(spec.bind == ["10.0.0.1", "::1"] && spec.announce == "10.0.0.9" && spec.dataDirectory == "/data/shop")
        #expect(spec.minimumFreeBytes == 1 << 30 && spec.server == "/opt/valkey-server" && spec.engineUser == "redis")
        let supervision = spec.supervision
        #expect(supervision.failback == .whenIdle)
        #expect(supervision.failover == .off && supervision.restart == .onFailure)
        #expect(supervision.hangTimeout == .seconds(2) && supervision.stopTimeout == .seconds(300))
        #expect(supervision.restartDelay.first == .seconds(1) && supervision.restartDelay.last == .seconds(60))
        #expect(spec.control.socket == "/run/x.sock" && spec.control.group == "ops")
    }

    @Test func aLaterFileOverridesKeyByKeyAndTheCommandLineOverridesAll() throws {
        var commandLine = CommandLineSettings()
        commandLine.replicas = 0
        commandLine.sets = ["redis.maxmemory=3gb"]
        let loaded = try load(
            "cluster: {masters: 3, replicas: 1}\nredis: {maxmemory: 1gb, timeout: 5}\n",
            "cluster: {masters: 4}\nredis: {maxmemory: 2gb}\n", commandLine: commandLine)
        #expect(loaded.spec.masters == 4 && loaded.spec.replicas == 0)
        func setting(_ key: String) -> EffectiveSetting? { loaded.settings.first { $0.key == key } }
        #expect(setting("redis.maxmemory")?.value == "3gb")
        #expect(setting("redis.maxmemory")?.origin == .commandLine)
        #expect(setting("redis.timeout")?.origin == .file("a.yaml", line: 2, column: 34))
        #expect(setting("cluster.masters")?.origin == .file("b.yaml", line: 1, column: 20))
        #expect(setting("cluster.bind")?.origin == .builtIn)
    }

    @Test func aNullThatIsAValueHasItsOrigin() throws {
        let loaded = try load("supervision: {failover-max-lag: null}\ncontrol: {group: null, metrics: null}\n")
        #expect(loaded.spec.supervision.failoverMaxLag == nil && loaded.spec.control.group == nil)
        #expect(loaded.origin(.failoverMaxLag) == "a.yaml:1:33")
        #expect(loaded.origin(.controlGroup) == "a.yaml:2:18")
        #expect(loaded.origin(.metrics) == "built in")
    }

    @Test func nullSelectsTheEnginesDefault() throws {
        let spec = try load("redis: {appendonly: null, cluster-node-timeout: ~}\n").spec
        #expect(!spec.directives.contains { $0.name == "appendonly" || $0.name == "cluster-node-timeout" })
    }

    @Test func aListBecomesSeveralLinesAndAPasswordOneWord() throws {
        let spec = try load(
            "redis:\n  save: [900 1, 300 10]\n  client-output-buffer-limit: replica 1mb 1mb 60\n  masterauth: 'a b \"c'\n"
                + "  requirepass: 'a b \"c'\n"
        ).spec
        let lines = spec.directives.map { [$0.name] + $0.arguments }
        #expect(lines.contains(["save", "900", "1"]) && lines.contains(["save", "300", "10"]))
        #expect(lines.contains(["client-output-buffer-limit", "replica", "1mb", "1mb", "60"]))
        #expect(lines.contains(["masterauth", "a b \"c"]))
    }

    @Test func passwordsAreReadFromFilesAndNeverShown() throws {
        let loaded = try load(
            "redis:\n  requirepass: {file: /run/secret}\n  masterauth: {file: /run/secret}\n  user: 'a on >open ~*'\n",
            secrets: ["/run/secret": "hush\n"])
        #expect(loaded.spec.directives.contains { $0.name == "requirepass" && $0.arguments == ["hush"] })
        #expect(!loaded.settings.contains { $0.value.contains("hush") || $0.value.contains("open") })
    }

    @Test func passwordsAreReadFromSystemdAndAreUnknownToOtherCommands() throws {
        let text = "redis:\n  requirepass: {credential: redis}\n  masterauth: {credential: redis}\n"
        let loaded = try load(text, credentials: ["redis": "hush\n"])
        #expect(loaded.spec.directives.contains { $0.name == "masterauth" && $0.arguments == ["hush"] })
        #expect(loaded.warnings.isEmpty && !loaded.settings.contains { $0.value.contains("hush") })
        let unknown = try load(text, credentials: nil)
        #expect(
            unknown.warnings.first?.description
                == "a.yaml:2:16: redis.requirepass: the credential 'redis' is available only to the service and was not checked"
        )
    }

    @Test func aCertificateEnablesTLSOnAllConnections() throws {
        let text = "redis: {tls-cert-file: /a, tls-key-file: /b, tls-ca-cert-file: /c, tls-key-file-pass: {file: /p}}\n"
        let loaded = try load(text, secrets: ["/p": "hush\n"])
        let lines = loaded.spec.directives.map { [$0.name] + $0.arguments }
        #expect(lines.contains(["tls-cluster", "yes"]) && lines.contains(["tls-replication", "yes"]))
        let files = try #require(loaded.spec.certificates)
        #expect(files.clientCertificate == "/a" && files.clientKey == "/b" && files.clientKeyPassword == "hush")
        #expect(!loaded.settings.contains { $0.value.contains("hush") })
        #expect(try load("").spec.certificates == nil)
    }

    @Test func clusterdMayHaveItsOwnACLUser() throws {
        let loaded = try load(
            "engine: {auth-user: clusterd, auth-pass: {file: /run/secret}}\n", secrets: ["/run/secret": "hush\n"])
        #expect(loaded.spec.login == .init(user: "clusterd", password: "hush"))
        #expect(!loaded.settings.contains { $0.value.contains("hush") })
        #expect(try load("").spec.login == nil)
    }

    @Test(arguments: ["", "\n"]) func anEmptyPasswordFileIsRefused(text: String) {
        let error = #expect(throws: ConfigurationErrors.self) {
            try load("redis:\n  requirepass: {file: /x}\n  masterauth: y\n", secrets: ["/x": text])
        }
        #expect(
            error?.description == "a.yaml:2:16: redis.requirepass: file /x is empty: a password is required")
    }

    @Test func portsMayBeAListInAnyOrder() throws {
        #expect(
            try load("cluster: {masters: 1, replicas: 1, ports: [7005, 7001]}\n").spec.ports == .list([7005, 7001]))
    }

    @Test func beyondLoopbackABusyPortIsAnErrorByDefault() throws {
        #expect(try load("cluster: {bind: 0.0.0.0}\nredis: {protected-mode: no}\n").spec.onPortConflict == .fail)
    }

    @Test func aNodeMayHaveItsOwnFolderAndDirectives() throws {
        let spec = try load(
            "nodes:\n  \"7002\": {data-dir: /mnt/ssd/7002, redis: {maxmemory: 2gb}}\n"
        ).spec
        let override = try #require(spec.overrides["7002"])
        #expect(override.dataDirectory == "/mnt/ssd/7002" && override.directives.map(\.name) == ["maxmemory"])
    }

    @Test(arguments: [("1b", 1), ("2k", 2000), ("2kb", 2048), ("3M", 3_000_000), ("1gb", 1 << 30), ("17", 17)])
    func sizesAreParsedLikeTheEngines(text: String, bytes: Int64) throws {
        #expect(try load("cluster: {min-free: \(text)}\n").spec.minimumFreeBytes == bytes)
    }
}

/// The spec of a cluster that ends with its daemon.
@Suite struct TemporarySpecTests {
    private func load(_ text: String, sets: [String] = []) throws -> ClusterSpec {
        var commandLine = CommandLineSettings()
        commandLine.dataDirectory = "/tmp/clusterd-exec-x/data"
        commandLine.sets = sets
        return try ConfigurationLoader.load(
            [ConfigurationFile(name: "conf.yaml", text: Array(text.utf8))],
            ConfigurationDefaults(dataDirectory: "/unused", name: "exec", temporaryPort: 21_000),
            commandLine: commandLine
        ) { _ in "" }.spec
    }

    private func value(_ name: String, _ spec: ClusterSpec) -> [String]? {
        spec.directives.last { $0.name == name }?.arguments
    }

    @Test func aTemporaryClusterHasNoReplicasAndNoPersistenceByDefault() throws {
        let plain = try load("")
        #expect(plain.isTemporary && plain.masters == 3 && plain.replicas == 0 && plain.ports == .from(21_000))
        #expect(value("appendonly", plain) == ["no"] && value("save", plain) == [""])
        let asked = try load(
            "cluster: {masters: 1, replicas: 2, ports: 7000}", sets: ["redis.appendonly=yes", "redis.save=60 1"])
        #expect(asked.masters == 1 && asked.replicas == 2 && asked.ports == .from(7000))
        #expect(value("appendonly", asked) == ["yes"] && value("save", asked) == ["60", "1"])
    }

    @Test func aTemporaryClusterStaysInItsOwnFolder() throws {
        let spec = try load("cluster: {data-dir: /var/lib/clusterd}\ncontrol: {socket: /run/clusterd/control.sock}")
        #expect(spec.dataDirectory == "/tmp/clusterd-exec-x/data")
        #expect(spec.control.socket == nil && spec.control.group == nil)
        #expect(throws: ConfigurationErrors.self) { try load("nodes: {\"7002\": {data-dir: /mnt/ssd/7002}}") }
    }
}
