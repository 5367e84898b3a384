import ClusterConfiguration
import ClusterModel
import Testing

/// Which settings of redis.conf files written by hand are kept.
@Suite struct HandMadeSettingsTests {
    private static func file(_ port: Int, _ text: String) -> HandMadeFile {
        let folder = "/srv/\(port)"
        let lines = RedisConfFile(Array("port \(port)\n\(text)".utf8)).directives.map {
            HandMadeFile.Line(path: "\(folder)/redis.conf", number: $0.line, name: $0.name, arguments: $0.arguments)
        }
        return HandMadeFile(node: NodeName(String(port)), folder: folder, client: port, lines: lines)
    }

    private static func kept(
        _ texts: String..., existing: Set<String> = []
    ) -> HandMadeSettings {
        HandMadeSettings(texts.enumerated().map { file(7000 + $0, $1) }) { existing.contains($0) }
    }

    private static func load(_ settings: HandMadeSettings, _ text: String = "") throws(ConfigurationErrors)
        -> ClusterSpec
    {
        try ConfigurationLoader.load(
            [ConfigurationFile(name: "a.yaml", text: Array(text.utf8))], ConfigurationDefaults(dataDirectory: "/srv"),
            commandLine: CommandLineSettings(), handMade: settings
        ) { _ in nil }.spec
    }

    private static func load(file: [UInt8], _ text: String = "") throws(ConfigurationErrors) -> ClusterSpec {
        let files = [
            ConfigurationFile(name: "kept", text: file, isKept: true),
            ConfigurationFile(name: "a.yaml", text: Array(text.utf8)),
        ]
        return try ConfigurationLoader.load(
            files, ConfigurationDefaults(dataDirectory: "/srv"), commandLine: CommandLineSettings()
        ) { _ in nil }.spec
    }

    private static func complaints(_ settings: HandMadeSettings, _ text: String = "") -> [String] {
        do {
            _ = try load(settings, text)
            return []
        } catch {
            return error.errors.map(\.description)
        }
    }

    private static func value(_ spec: ClusterSpec, _ name: String, _ node: NodeName? = nil) -> [[String]] {
        let own = node.flatMap { spec.overrides[$0]?.directives } ?? []
        return (node == nil ? spec.directives : own).filter { $0.name == name }.map(\.arguments)
    }

    @Test func sharedDirectivesApplyToAllNodesAndOthersToTheirNode() throws {
        let settings = Self.kept(
            "requirepass \"se \\\"same\"\nmaxmemory 64mb\nsave 900 1\nsave 300 10",
            "requirepass 'se \"same'\nmaxmemory 32mb\nsave 900 1\nsave 300 10\nhz 20")
        for spec in [try Self.load(settings), try Self.load(file: settings.yaml)] {
            #expect(Self.value(spec, "requirepass") == [["se \"same"]])
            #expect(Self.value(spec, "masterauth") == [["se \"same"]], "a master becomes a replica one day")
            #expect(Self.value(spec, "save") == [["900", "1"], ["300", "10"]])
            #expect(Self.value(spec, "maxmemory") == [])
            #expect(Self.value(spec, "maxmemory", "7000") == [["64mb"]])
            #expect(Self.value(spec, "maxmemory", "7001") == [["32mb"]])
            #expect(Self.value(spec, "hz", "7001") == [["20"]])
            #expect(Self.value(spec, "port") == [] && Self.value(spec, "port", "7000") == [])
        }
    }

    @Test func cumulativeDirectivesAreKeptAndOfOthersTheLastLineCounts() throws {
        let settings = Self.kept("save 60 1\nhz 20\nsave \"\"\nhz 30\nuser a on ~* +@all >b\nuser c off")
        for spec in [try Self.load(settings), try Self.load(file: settings.yaml)] {
            #expect(Self.value(spec, "hz") == [["30"]])
            #expect(Self.value(spec, "save") == [["60", "1"], [""]])
            #expect(Self.value(spec, "user").map(\.first) == ["a", "c"])
        }
    }

    @Test func confDTakesPrecedenceOverRedisConf() throws {
        let settings = Self.kept(
            "requirepass old\nmasterauth old\nmaxmemory 1mb", "requirepass old\nmasterauth old\nmaxmemory 2mb")
        let text = "redis: {requirepass: new, masterauth: new, maxmemory: 3mb}"
        for spec in [try Self.load(settings, text), try Self.load(file: settings.yaml, text)] {
            #expect(Self.value(spec, "requirepass") == [["new"]])
            #expect(Self.value(spec, "maxmemory") == [["3mb"]])
            #expect(
                Self.value(spec, "maxmemory", "7000") == [], "a value for all nodes wins over one that was kept for one"
            )
        }
        #expect(
            Self.complaints(settings, "redis: {requirepass: new}").contains { $0.contains("without redis.masterauth") })
    }

    @Test(arguments: ["redis: {requirepass: null}", "redis: {requirepass: \"\"}"])
    func anEmptyPasswordInConfDDoesNotRemoveTheOneInRedisConf(text: String) {
        let said = Self.complaints(Self.kept("requirepass sesame"), text)
        #expect(
            said.contains { $0.hasPrefix("a.yaml:1:") && $0.contains("/srv/7000/redis.conf:2:1 sets it") }, "\(said)")
        #expect(!said.joined().contains("sesame"))
    }

    @Test(arguments: [
        ("rename-command KEYS \"\"", "rename-command cannot be kept"), ("unixsocket /run/r.sock", "unixsocket cannot"),
        ("replicaof 10.0.0.1 6379", "replicaof cannot"), ("cluster-announce-hostname a.b", "cluster-announce-hostname"),
        ("aclfile users.acl", "there is no /srv/7000/users.acl"), ("loadmodule ./m.so", "there is no /srv/7000/./m.so"),
        ("aclfile /etc/none.acl", "there is no /etc/none.acl"), ("tls-port 7443\ntls-cert-file a", "has one port"),
        ("cluster-replica-no-failover yes", "supervision.failover"), ("tls-cluster yes", "encrypts all connections"),
    ])
    func anUnsupportedDirectiveIsRefusedWithItsLocation(text: String, words: String) {
        let said = Self.complaints(Self.kept(text))
        #expect(said.contains { $0.hasPrefix("/srv/7000/redis.conf:2:1: ") && $0.contains(words) }, "\(said)")
    }

    @Test func relativePathsAreResolvedInTheDataFolder() throws {
        let there: Set = ["/srv/7000/users.acl", "/srv/7001/users.acl", "/m/a.so"]
        let settings = Self.kept(
            "aclfile users.acl\nloadmodule /m/a.so x", "aclfile users.acl\nloadmodule /m/a.so x", existing: there)
        let spec = try Self.load(settings)
        #expect(Self.value(spec, "aclfile", "7001") == [["/srv/7001/users.acl"]])
        #expect(Self.value(spec, "loadmodule") == [["/m/a.so", "x"]])
    }

    @Test func nodesWithDifferentPasswordsAreRefused() {
        #expect(
            Self.complaints(Self.kept("requirepass a", "requirepass b")).contains { $0.contains("requirepass differs") }
        )
        #expect(
            Self.complaints(Self.kept("requirepass a", "hz 10")).contains {
                $0.contains("not in the redis.conf of 7001")
            })
        #expect(
            Self.complaints(Self.kept("requirepass a\nmasterauth b")).contains { $0.contains("masterauth differs") })
        #expect(Self.complaints(Self.kept("requirepass a\nmasterauth b\nmasteruser r")) == [])
    }

    @Test func bindAddressesAreKeptIfTheNodesAreProtected() throws {
        let open = try Self.load(Self.kept("bind 0.0.0.0\nrequirepass a\ncluster-announce-ip 10.0.0.7"))
        #expect(open.bind == ["0.0.0.0"] && open.announce == "10.0.0.7")
        #expect(try Self.load(Self.kept("bind 0.0.0.0")).bind == ["127.0.0.1"])
        #expect(
            try Self.load(Self.kept("bind 0.0.0.0\nrequirepass a"), "cluster: {bind: 127.0.0.1}").bind == ["127.0.0.1"])
        let two = Self.kept("cluster-announce-ip 10.0.0.1", "cluster-announce-ip 10.0.0.2")
        #expect(
            Self.complaints(two).contains { $0.hasPrefix("/srv/7001/redis.conf:2:1: cluster-announce-ip differs") })
    }

    @Test func anErrorNeverContainsAPassword() {
        let settings = Self.kept(
            "requirepass sesame\nuser a on >sesame ~* +@all", "requirepass sesame\nuser a on >other")
        #expect(!settings.summary(file: "f").joined().contains("sesame"))
        #expect(!settings.refusals.map(\.description).joined().contains("sesame"))
    }
}
