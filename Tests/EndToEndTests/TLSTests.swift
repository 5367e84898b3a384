import ControlAPI
import Foundation
import RESP
import RedisClient
import Testing

/// A cluster with TLS: for its clients, between its nodes, and for clusterd.
@Suite(.serialized) struct TLSTests {
    /// Engines that were built with TLS; the others are printed.
    static let engines: [String] = Engines.all.filter { server in
        let hasTLS = (try? isWithTLS(server)) ?? false
        if !hasTLS { print("TLS is not tested with \(server): it was built without") }
        return hasTLS
    }

    private static func isWithTLS(_ server: String) throws -> Bool {
        let folder = NSTemporaryDirectory() + "clusterd-tls-\(UUID().uuidString.prefix(8))"
        let certificates = try Certificates(in: folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let conf = folder + "/conf.yaml"
        try "engine: {server: \(server)}\nredis:\n\(certificates.directives)"
            .write(toFile: conf, atomically: true, encoding: .utf8)
        return try Daemon.run(["config", "check", "--config", conf]).exit == 0
    }

    private func configure(_ daemon: Daemon, _ text: String) throws -> String {
        let conf = daemon.home + "/conf.yaml"
        try text.write(toFile: conf, atomically: true, encoding: .utf8)
        return conf
    }

    private func ask(
        _ port: Int, _ certificates: Certificates, _ words: String...
    ) async throws -> RESPValue {
        try await Redis.send(port, words, security: try certificates.security())
    }

    @Test(arguments: engines)
    func aClusterWithTLSFormsFailsOverAndRestarts(server: String) async throws {
        try await withDaemon { daemon in
            let certificates = try Certificates(in: daemon.home + "/tls")
            let conf = try configure(
                daemon,
                "redis:\n\(certificates.directives)  cluster-node-timeout: 5000\n  requirepass: s3cret\n  masterauth: s3cret\n"
            )
            let arguments = ["--server", server, "--config", conf]
            try daemon.up(arguments)
            try await daemon.ready()
            #expect(await eventually { daemon.output.contains("clusterd shell") })
            let ports = try daemon.status().nodes.map(\.port)
            // Without TLS no connection succeeds.
            await #expect(throws: (any Error).self) { try await Redis.send(ports[0], "PING", within: .seconds(1)) }
            for port in ports {
                for (name, value) in [
                    ("port", "0"), ("tls-port", "\(port)"), ("tls-cluster", "yes"), ("tls-replication", "yes"),
                ] {
                    let words = ["CONFIG", "GET", name]
                    let answer = try await Redis.send(
                        port, words, password: "s3cret", security: certificates.security())
                    #expect(answer.elements?.last?.text == value, "\(name)")
                }
            }
            let socket = daemon.data + "/control.sock"
            let set = try Daemon.run(["shell", "--socket", socket, "--", "SET", "k", "v"])
            #expect(set.exit == 0 && set.output == "OK\n", "\(set.errors)")
            #expect(try Daemon.run(["call", "--socket", socket, "PING"]).exit == 0)

            try await daemon.loseAMaster()
            let rolling = try daemon.command(["rolling-restart"])
            #expect(rolling.exit == 0, "\(rolling.errors)")
            #expect(try daemon.command(["check"]).exit == 0)

            // Another clusterd adopts the nodes, and stops them; all keys return.
            kill(daemon.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            try daemon.up(arguments)
            try await daemon.ready()
            try await daemon.stop()
            try daemon.up(arguments)
            try await daemon.ready()
            #expect(try Daemon.run(["shell", "--socket", socket, "--", "GET", "k"]).output == "v\n")
            try await daemon.stop()
        }
    }

    @Test(arguments: engines)
    func newCertificatesAreLoadedWhileAllNodesRun(server: String) async throws {
        try await withDaemon { daemon in
            let certificates = try Certificates(in: daemon.home + "/tls")
            let conf = try configure(
                daemon, "cluster: {masters: 1, replicas: 1}\nredis:\n\(certificates.directives)")
            try daemon.up(["--server", server, "--config", conf])
            try await daemon.ready()
            let nodes = try daemon.status().nodes
            #expect(try await ask(nodes[0].port, certificates, "SET", "k", "v") == .simple("OK"))
            for node in nodes { #expect(try certificates.shown(by: node.port).contains("first")) }

            // A key that does not match the certificate changes nothing.
            try FileManager.default.copyItem(atPath: certificates.key, toPath: certificates.folder + "/kept.key")
            try FileManager.default.removeItem(atPath: certificates.key)
            try FileManager.default.copyItem(atPath: certificates.folder + "/ca.key", toPath: certificates.key)
            let refused = try daemon.command(["reload"])
            #expect(refused.exit == 78 && refused.errors.contains("conf.yaml:4:"), "\(refused.errors)")
            #expect(refused.errors.contains("is not the key of the certificate"), "\(refused.errors)")

            try certificates.issue("second")
            let reload = try daemon.command(["reload"])
            #expect(reload.exit == 0 && reload.output.contains("certificates"), "\(reload.output)\(reload.errors)")
            for node in nodes { #expect(try certificates.shown(by: node.port).contains("second")) }
            #expect(try daemon.status().nodes.map(\.pid) == nodes.map(\.pid))
            #expect(try await ask(nodes[0].port, certificates, "GET", "k").text == "v")
            #expect(try daemon.command(["check"]).exit == 0)
            #expect(try daemon.status().nodes.allSatisfy { $0.pendingRestart == [] })
            try await daemon.stop()
        }
    }

    @Test func aCertificateThatExpiresSoonIsAFindingUntilItIsReplaced() async throws {
        let server = try #require(Self.engines.first)
        try await withDaemon { daemon in
            let certificates = try Certificates(in: daemon.home + "/tls", days: 10)
            let conf = try configure(
                daemon, "cluster: {masters: 1, replicas: 1}\nredis:\n\(certificates.directives)")
            try daemon.up(["--server", server, "--config", conf])
            try await daemon.ready()
            func finding(_ code: String) throws -> FindingDocument? {
                try daemon.status().findings.first { $0.code == code }
            }
            #expect(await eventually { try finding("certificate-ends") != nil })
            let found = try #require(try finding("certificate-ends"))
            #expect(found.severity == .warning)
            #expect(found.message.hasPrefix("the certificate \(certificates.certificate) of all nodes expires at 20"))
            #expect(found.hint?.hasSuffix("clusterd reload") == true)
            let check = try daemon.command(["check"])
            #expect(check.exit == 0 && check.output.contains(certificates.certificate), "\(check)")

            try FileManager.default.removeItem(atPath: certificates.key)
            let broken = try daemon.command(["check"])
            #expect(broken.exit == 1 && broken.output.contains("\(certificates.key) cannot be read"), "\(broken)")
            try certificates.issue("second")
            #expect(try daemon.command(["reload"]).exit == 0)
            #expect(await eventually { try !daemon.status().findings.contains { $0.code.hasPrefix("certificate-") } })
            let good = try daemon.command(["check"])
            #expect(good.exit == 0 && good.output.contains("All certificates are valid"), "\(good)")
            try await daemon.stop()
        }
    }

    @Test(arguments: engines)
    func tlsIsSwitchedOnWhileNoNodeRuns(server: String) async throws {
        try await withDaemon { daemon in
            let certificates = try Certificates(in: daemon.home + "/tls")
            let plain = "cluster: {masters: 1, replicas: 1}\nredis:\n  hz: 10\n"
            let conf = try configure(daemon, plain)
            let arguments = ["--server", server, "--config", conf]
            try daemon.up(arguments)
            try await daemon.ready()
            #expect(try await Redis.send(daemon.base, "SET", "k", "v") == .simple("OK"))
            _ = try configure(daemon, plain + certificates.directives)
            let reload = try daemon.command(["reload"])
            #expect(reload.exit == 0 && reload.output.contains("TLS is switched on while no node runs"), "\(reload)")
            #expect(try await Redis.send(daemon.base, "GET", "k").text == "v")
            // Nodes with and without TLS cannot form one cluster.
            #expect(try daemon.command(["detach"]).exit == 0)
            _ = await daemon.ended()
            try daemon.up(arguments)
            #expect(await daemon.ended() == 78)
            #expect(daemon.output.contains("runs without TLS"), "\(daemon.output.suffix(500))")
            let stopped = try Daemon.run(
                ["run", "--stop-nodes", "--config", try stopping(daemon, plain + certificates.directives)])
            #expect(stopped.exit == 0, "\(stopped.errors)")
            #expect(daemon.nodePIDs().isEmpty)
            try daemon.up(arguments)
            try await daemon.ready()
            #expect(try await ask(daemon.base, certificates, "GET", "k").text == "v")
            try await daemon.stop()
        }
    }

    private func stopping(_ daemon: Daemon, _ text: String) throws -> String {
        let conf = daemon.home + "/run.yaml"
        let whole = text.replacingOccurrences(
            of: "{masters: 1, replicas: 1}", with: "{masters: 1, replicas: 1, data-dir: \(daemon.data)}")
        try (whole + "control: {socket: \(daemon.data)/control.sock}\n")
            .write(toFile: conf, atomically: true, encoding: .utf8)
        return conf
    }

    @Test func certificateErrorsAreReportedBeforeAnyNodeStarts() throws {
        let daemon = try Daemon()
        defer { daemon.cleanUp() }
        let certificates = try Certificates(in: daemon.home + "/tls", days: 10)
        func check(_ text: String) throws -> String {
            let conf = try configure(daemon, "redis:\n" + text)
            let result = try Daemon.run(["config", "check", "--config", conf])
            #expect(result.exit == 78, "\(text)")
            return result.errors
        }
        let names = certificates.directives
        #expect(
            try check(names.replacingOccurrences(of: "node.crt", with: "none.crt"))
                .contains(
                    "conf.yaml:2:18: redis.tls-cert-file: \(certificates.folder)/none.crt cannot be read: No such"))
        #expect(
            try check(names.replacingOccurrences(of: "node.key", with: "ca.key"))
                .contains("conf.yaml:3:17: redis.tls-key-file: \(certificates.folder)/ca.key is not the key"))
        #expect(
            try check(names.replacingOccurrences(of: "ca.crt", with: "node.key"))
                .contains("conf.yaml:4:21: redis.tls-ca-cert-file: \(certificates.key) holds no certificate"))
        // The doctor reports one that expires soon.
        let conf = try configure(daemon, "redis:\n" + names)
        let doctor = try Daemon.run(["doctor", "--config", conf])
        #expect(doctor.exit == 0, "\(doctor.errors)")
        let line = doctor.output.split(separator: "\n").first { $0.contains("node.crt") } ?? ""
        #expect(line.hasPrefix("[ADVICE]") && line.hasSuffix(" more days"), "\(doctor.output)")
        for server in Engines.all where !Self.engines.contains(server) {
            let conf = try configure(daemon, "engine: {server: \(server)}\nredis:\n" + names)
            let result = try Daemon.run(["config", "check", "--config", conf])
            #expect(result.exit == 78 && result.errors.contains("was built without TLS"), "\(result.errors)")
        }
    }
}
