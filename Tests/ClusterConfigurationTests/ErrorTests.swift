import ClusterConfiguration
import ClusterModel
import Testing

/// Every error has its file, line and column, and the nearest right word.
@Suite struct ErrorTests {
    @Test(arguments: [
        (
            "cluster:\n  replica: 1\n",
            "a.yaml:2:3: there is no key 'replica' in 'cluster'; did you mean 'replicas'?"
        ),
        ("clsuter:\n  masters: 3\n", "a.yaml:1:1: there is no section 'clsuter'; did you mean 'cluster'?"),
        ("cluster: 3\n", "a.yaml:1:10: 'cluster' must contain keys with values"),
        ("- a\n- b\n", "a.yaml:1:1: sections such as 'cluster:' are expected"),
        ("cluster:\n  masters: none\n", "a.yaml:2:12: cluster.masters: 'none' is not a number from 1 to 1000"),
        ("cluster:\n  masters: 0\n", "a.yaml:2:12: cluster.masters: '0' is not a number from 1 to 1000"),
        ("cluster:\n  masters: [3]\n", "a.yaml:2:12: cluster.masters: one value is expected"),
        (
            "cluster:\n  ports: 70000\n",
            "a.yaml:2:10: cluster.ports: '70000' is neither a port (1 to 65535) nor a range such as 7000-7099"
        ),
        (
            "cluster:\n  ports: 7000-7003\n",
            "a.yaml:2:10: cluster.ports: 3 masters with 1 replicas each need 6 ports, but there are 4"
        ),
        (
            "cluster:\n  masters: 1\n  replicas: 1\n  ports: [7000, 7000]\n",
            "a.yaml:4:10: cluster.ports: 7000 is listed twice"
        ),
        (
            "cluster:\n  port-wait: 444721608m\n",
            "a.yaml:2:14: cluster.port-wait: '444721608m' is not a duration such as 200ms, 30s or 5m"
        ),
        (
            "cluster:\n  port-wait: 10\n",
            "a.yaml:2:14: cluster.port-wait: '10' is not a duration such as 200ms, 30s or 5m"
        ),
        ("cluster:\n  min-free: lots\n", "a.yaml:2:13: cluster.min-free: 'lots' is not a size such as 512mb"),
        ("cluster:\n  bind: localhost\n", "a.yaml:2:9: cluster.bind: 'localhost' is not an IP address"),
        ("cluster:\n  bind: []\n", "a.yaml:2:9: cluster.bind: at least one address is needed"),
        ("cluster:\n  data-dir: here\n", "a.yaml:2:13: cluster.data-dir: 'here' must be an absolute path"),
        (
            "cluster:\n  on-port-conflict: nxt\n",
            "a.yaml:2:21: cluster.on-port-conflict: 'nxt' is not one of next, fail; did you mean 'next'?"
        ),
        (
            "supervision:\n  restart: sometimes\n",
            "a.yaml:2:12: supervision.restart: 'sometimes' is not one of always, on-failure, never"
        ),
        (
            "supervision:\n  restart-delay: 30s..1s\n",
            "a.yaml:2:18: supervision.restart-delay: '30s..1s' is not a range of durations such as 200ms..30s"
        ),
        (
            "supervision:\n  failback: often\n",
            "a.yaml:2:13: supervision.failback: 'often' is neither never nor when-idle nor a duration such as 30m"
        ),
        (
            "redis:\n  port: 7000\n",
            "a.yaml:2:3: redis.port: clusterd sets this itself: clusterd assigns each node its port; set cluster.ports"
        ),
        (
            "redis:\n  maxmemory: {a: 1}\n",
            "a.yaml:2:14: redis.maxmemory: a value, a list, or for a password {file: PATH} or {credential: NAME} is expected"
        ),
        (
            "redis:\n  aclfile: users.acl\n",
            "a.yaml:2:12: redis.aclfile: the path must be absolute: each node runs in its own folder"
        ),
        (
            "redis:\n  requirepass: {file: /none}\n  masterauth: x\n",
            "a.yaml:2:16: redis.requirepass: /none: No such file or directory"
        ),
        (
            "redis:\n  requirepass: {credential: no-such}\n  masterauth: x\n",
            "a.yaml:2:16: redis.requirepass: /run/credentials/no-such: No such file or directory"
        ),
        (
            "redis:\n  requirepass: {credential: ../shadow}\n  masterauth: x\n",
            "a.yaml:2:16: redis.requirepass: '../shadow' is not a credential name: it must be a file name without '/' and ':'"
        ),
        (
            "redis:\n  requirepass: {files: /x}\n  masterauth: x\n",
            "a.yaml:2:16: redis.requirepass: a value, or for a password {file: PATH} or {credential: NAME} is expected"
        ),
        (
            "redis:\n  requirepass: x\n",
            "a.yaml:2:16: redis.requirepass without redis.masterauth: replicas cannot follow their masters; "
                + "set redis.masterauth to the same password"
        ),
        (
            "redis:\n  masterauth: x\n",
            "a.yaml:2:15: redis.masterauth without redis.requirepass: replicas cannot follow their masters, which reject a "
                + "password if they require none; remove redis.masterauth too, or set redis.requirepass to the same password"
        ),
        (
            "redis:\n  requirepass: x\n  masterauth: y\n",
            "a.yaml:3:15: redis.masterauth differs from redis.requirepass: replicas cannot follow their masters; "
                + "set both to the same password"
        ),
        (
            "redis:\n  tls-cert-file: /a\n",
            "a.yaml:2:18: redis.tls-key-file: required for TLS"
        ),
        (
            "redis:\n  tls-cert-file: /a\n  tls-key-file: /b\n",
            "a.yaml:2:18: redis.tls-ca-cert-file: required for TLS, or redis.tls-ca-cert-dir instead"
        ),
        (
            "redis:\n  tls-cert-file: a\n  tls-key-file: /b\n  tls-ca-cert-dir: /c\n",
            "a.yaml:2:18: redis.tls-cert-file: the path must be absolute: each node runs in its own folder"
        ),
        (
            "redis:\n  tls-cert-file: /a\n  tls-key-file: /b\n  tls-ca-cert-dir: /c\n  tls-cluster: no\n",
            "a.yaml:5:16: redis.tls-cluster: if clients use TLS, nodes do too, because they know each other by their TLS "
                + "ports; remove it"
        ),
        (
            "redis:\n  tls-port: 7000\n",
            "a.yaml:2:3: redis.tls-port: clusterd sets this itself: clusterd assigns each node its port, which uses TLS "
                + "if redis.tls-cert-file is set; set cluster.ports"
        ),
        (
            "nodes:\n  \"7000\": {redis: {tls-cert-file: /a}}\n",
            "a.yaml:2:35: nodes.7000.redis.tls-cert-file: TLS applies to all nodes or to none; set redis.tls-cert-file"
        ),
        (
            "engine:\n  auth-user: me\n",
            "a.yaml:2:14: engine.auth-user: it needs a password; set engine.auth-pass: {file: PATH}"
        ),
        (
            "engine:\n  auth-pass: x\n",
            "a.yaml:2:14: engine.auth-pass: it needs engine.auth-user, which is not set"
        ),
        (
            "engine:\n  auth-user: me\n  auth-pass: {file: /none}\n",
            "a.yaml:3:14: engine.auth-pass: /none: No such file or directory"
        ),
        (
            "engine:\n  auth-user: a b\n  auth-pass: x\n",
            "a.yaml:2:14: engine.auth-user: an ACL user needs a name without spaces, and a password"
        ),
        (
            "nodes:\n  first: {data-dir: /x}\n",
            "a.yaml:2:3: 'first' is not a node name: a node is named after the port with which it was formed"
        ),
        (
            "nodes:\n  \"7000\": {dir: /x}\n",
            "a.yaml:2:12: there is no key 'dir' for a node"
        ),
        ("nodes:\n  \"7000\": {data-dir: x}\n", "a.yaml:2:22: data-dir must be an absolute path"),
        (
            "supervision:\n  failover: durabel\n",
            "a.yaml:2:13: supervision.failover: 'durabel' is not one of fast, durable, off; did you mean 'durable'?"
        ),
        (
            "supervision:\n  failover-max-lag: some\n",
            "a.yaml:2:21: supervision.failover-max-lag: 'some' is not a size such as 512mb"
        ),
        (
            "control:\n  metrics: 9655\n",
            "a.yaml:2:12: control.metrics: '9655' is not an address with a port such as 127.0.0.1:9655"
        ),
        ("control:\n  metrics: localhost:9655\n", "a.yaml:2:12: control.metrics: 'localhost' is not an IP address"),
    ])
    func everyErrorHasItsLocation(text: String, complaint: String) {
        #expect(complaints(text) == [complaint])
    }

    @Test func twoMastersAreRefusedWithTheReason() throws {
        let said = try #require(complaints("cluster:\n  masters: 2\n").first)
        #expect(said.hasPrefix("a.yaml:2:12: cluster.masters: two masters cannot form a cluster"))
    }

    @Test func aReachableAddressMustBeProtected() throws {
        let said = try #require(complaints("cluster:\n  bind: 0.0.0.0\n").first)
        #expect(said.contains("redis.requirepass") && said.contains("redis.aclfile"))
        #expect(said.contains("redis.protected-mode: no"))
        for way in ["requirepass: a\n  masterauth: a", "aclfile: /etc/users.acl", "protected-mode: no"] {
            #expect(complaints("cluster:\n  bind: 0.0.0.0\nredis:\n  \(way)\n") == [])
        }
        #expect(complaints("cluster:\n  bind: [127.0.0.1, \"::1\", -127.0.0.2]\n") == [])
    }

    @Test func allErrorsAreReportedAtOnce() {
        #expect(complaints("cluster:\n  masters: x\n  nmae: y\nredis:\n  port: 1\n").count == 3)
    }

    @Test(arguments: [
        "cluster:\n  masters: 3\n  masters: 4\n", "cluster: [", "\tcluster:\n", "a: &x [*x]\n", "cluster:\n bind: \"\n",
        "--- 1\n--- 2\n", "cluster: {masters: !!int 3}\n", "\u{0}",
    ])
    func anInvalidDocumentIsRefusedWithItsLocation(text: String) throws {
        let said = try #require(complaints(text).first)
        #expect(said.hasPrefix("a.yaml:"), "\(said)")
    }

    @Test func anErrorInAnOptionNamesTheOption() {
        var commandLine = CommandLineSettings()
        commandLine.sets = ["maxmemory=1", "redis.port=1", "redis.=1"]
        let error = #expect(throws: ConfigurationErrors.self) { try load(commandLine: commandLine) }
        #expect(error?.errors.count == 3)
        #expect(
            error?.errors.first?.description.hasSuffix("--set maxmemory=1: redis.DIRECTIVE=VALUE is expected") == true)
    }

    /// Arbitrary bytes give a result or an error, and never a crash.
    @Test func arbitraryBytesAreReadOrRefused() {
        let sample = Array(
            "cluster:\n  masters: 3\n  bind: [127.0.0.1]\nredis:\n  save: [900 1]\nnodes:\n  \"7000\": {data-dir: /x}\n"
                .utf8)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var bytes = sample
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: at)
                default: bytes.insert(contentsOf: bytes[..<min(at, 8)], at: at)
                }
                if bytes.isEmpty { bytes = [10] }
            }
            _ = try? ConfigurationLoader.load(
                [ConfigurationFile(name: "x", text: bytes)], ConfigurationDefaults(dataDirectory: "/d"),
                commandLine: CommandLineSettings()
            ) { _ in "secret" }
        }
    }
}
