import ControlAPI
import Foundation
import Testing

/// `clusterd reload` and `clusterd config`.
@Suite(.serialized) struct ReloadTests {
    private func write(_ daemon: Daemon, _ text: String) throws -> String {
        let conf = daemon.home + "/conf.yaml"
        try text.write(toFile: conf, atomically: true, encoding: .utf8)
        return conf
    }

    @Test func configShowsTheSettingsInEffect() async throws {
        try await withDaemon { daemon in
            let conf = try write(daemon, "redis: {maxmemory: 100mb, requirepass: secret-1, masterauth: secret-1}\n")
            try daemon.up(["--masters", "1", "--replicas", "0", "--config", conf])
            try await daemon.ready()
            func shown() throws -> [String: String] {
                let result = try daemon.command(["config", "show", "--json"])
                #expect(result.exit == 0 && !result.output.contains("secret-1"), "\(result.errors)")
                let document = try ControlJSON.decode(ConfigurationDocument.self, from: Array(result.output.utf8))
                return Dictionary(uniqueKeysWithValues: document.settings.map { ($0.key, $0.value) })
            }
            #expect(try shown()["redis.maxmemory"] == "100mb")
            _ = try write(daemon, "redis: {maxmemory: 200mb, requirepass: secret-1, masterauth: secret-1}\n")
            #expect(try shown()["redis.maxmemory"] == "100mb", "it is not read before a reload")
            #expect(try daemon.command(["reload"]).exit == 0)
            #expect(try shown()["redis.maxmemory"] == "200mb")
            let both = try daemon.command(["config", "show", "--config", conf])
            #expect(both.exit == 64 && both.errors.contains("use only one"), "\(both.errors)")
            try await daemon.stop()
        }
    }

    @Test func aReloadAppliesLiveDirectivesAndReportsOthersAsPending() async throws {
        try await withDaemon { daemon in
            let conf = try write(daemon, "redis: {maxmemory: 100mb}\n")
            try daemon.up(["--masters", "1", "--replicas", "1", "--config", conf])
            try await daemon.ready()
            let ports = try daemon.status().nodes.map(\.port)

            _ = try write(daemon, "redis:\n  maxmemory: 200mb\n  databases: 4\nsupervision: {restart: never}\n")
            let result = try daemon.command(["reload", "--json"])
            #expect(result.exit == 0, "\(result.errors)")
            let reload = try ControlJSON.decode(ReloadDocument.self, from: Array(result.output.utf8))
            #expect(reload.live == ["maxmemory"] && reload.applied == ["supervision.restart"])
            #expect(reload.pendingRestart.map(\.directive) == ["databases"])
            for port in ports {
                let answer = try await Redis.send(port, "CONFIG", "GET", "maxmemory")
                #expect(answer.elements?.last?.text == "209715200")
            }
            let status = try daemon.status()
            #expect(status.nodes.allSatisfy { $0.pendingRestart == ["databases"] })
            #expect(status.findings.contains { $0.code == "restart-pending" })
            #expect(!status.findings.contains { $0.code == "shape-differs" })

            // After a restart, a node has it.
            let replica = try #require(status.nodes.first { $0.role == .replica })
            #expect(try daemon.command(["restart-node", replica.name.text]).exit == 0)
            let isDone = await eventually {
                try daemon.status().nodes.first { $0.name == replica.name }?.pendingRestart == []
            }
            #expect(isDone)
            try await daemon.stop()
        }
    }

    @Test func aConfigurationWithAnErrorChangesNothing() async throws {
        try await withDaemon { daemon in
            let conf = try write(daemon, "redis: {maxmemory: 100mb}\n")
            try daemon.up(["--masters", "1", "--replicas", "0", "--config", conf])
            try await daemon.ready()
            _ = try write(daemon, "redis:\n  maxmemory: 200mb\n  maxmemory-polcy: noeviction\n")
            let refused = try daemon.command(["reload"])
            #expect(refused.exit == 78 && refused.errors.contains("conf.yaml:3:20:"), "\(refused.errors)")
            let answer = try await Redis.send(daemon.base, "CONFIG", "GET", "maxmemory")
            #expect(answer.elements?.last?.text == "104857600")
            // A reload restores a directive that was changed by hand.
            _ = try write(daemon, "redis: {maxmemory: 100mb}\n")
            _ = try await Redis.send(daemon.base, "CONFIG", "SET", "maxmemory", "1gb")
            #expect(try daemon.command(["reload"]).exit == 0)
            let again = try await Redis.send(daemon.base, "CONFIG", "GET", "maxmemory")
            #expect(again.elements?.last?.text == "104857600")
            try await daemon.stop()
        }
    }

    @Test func aPasswordIsChangedWhileAllNodesRun() async throws {
        try await withDaemon { daemon in
            let conf = try write(daemon, "redis: {requirepass: one, masterauth: one}\n")
            try daemon.up(["--masters", "1", "--replicas", "1", "--config", conf])
            try await daemon.ready()
            _ = try write(daemon, "redis: {requirepass: two, masterauth: two}\n")
            let result = try daemon.command(["reload"])
            #expect(result.exit == 0 && !(result.output + result.errors).contains("two"))
            #expect(try await Redis.send(daemon.base, "PING", password: "two") == .simple("PONG"))
            let replica = try #require(try daemon.status().nodes.first { $0.role == .replica })
            #expect(try daemon.command(["restart-node", replica.name.text]).exit == 0)
            try await daemon.ready()
            #expect(!daemon.output.contains("two"))
            // Changed again while no clusterd runs: the next one logs in with the password that the last reload set.
            kill(daemon.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            _ = try write(daemon, "redis: {requirepass: three, masterauth: three}\n")
            try daemon.up(["--masters", "1", "--replicas", "1", "--config", conf])
            try await daemon.ready()
            #expect(try daemon.command(["reload"]).exit == 0)
            #expect(try await Redis.send(daemon.base, "PING", password: "three") == .simple("PONG"))
            try await daemon.stop()
        }
    }

    /// Removed, added and changed: after each change clusterd has access, the links are up, and a restarted node
    /// returns.
    @Test func aPasswordIsRemovedAndAddedWhileAllNodesRun() async throws {
        try await withDaemon { daemon in
            let shape = "cluster: {masters: 1, replicas: 1}\n"
            let conf = try write(daemon, shape + "redis: {requirepass: one, masterauth: one}\n")
            try daemon.up(["--config", conf])
            try await daemon.ready()
            for password in [nil, "two", "three", nil] as [String?] {
                _ = try write(
                    daemon, shape + (password.map { "redis: {requirepass: \($0), masterauth: \($0)}\n" } ?? ""))
                let reload = try daemon.command(["reload", "--json"])
                #expect(reload.exit == 0, "\(reload.errors)")
                let document = try ControlJSON.decode(ReloadDocument.self, from: Array(reload.output.utf8))
                #expect(
                    document.live == ["masterauth", "requirepass"] && document.pendingRestart.isEmpty, "\(document)")
                for node in try daemon.status().nodes {
                    #expect(try await Redis.send(node.port, "PING", password: password) == .simple("PONG"))
                    let user = try await Redis.send(node.port, "CONFIG", "GET", "masteruser", password: password)
                    #expect(user.elements?.last?.text == "")
                }
                // The replication link is reconnected, and every node is queried over a new connection.
                let restart = try daemon.command(["rolling-restart", "--timeout", "120s"])
                #expect(restart.exit == 0, "\(restart.errors)")
                try await daemon.ready()
                let codes = try daemon.status().findings.map(\.code)
                #expect(!codes.contains { ["login-refused", "replica-login-refused", "setting-differs"].contains($0) })
            }
            try await daemon.stop()
        }
    }

    /// The password was removed from the configuration while no clusterd ran, and the nodes kept theirs.
    @Test func aRollingRestartRemovesAPasswordThatIsNoLongerConfigured() async throws {
        try await withDaemon { daemon in
            let shape = "cluster: {masters: 1, replicas: 1}\n"
            let conf = try write(daemon, shape + "redis: {requirepass: one, masterauth: one}\n")
            try daemon.up(["--config", conf])
            try await daemon.ready()
            #expect(try daemon.command(["detach"]).exit == 0)
            #expect(await daemon.ended() == 0)
            _ = try write(daemon, shape)
            try daemon.up(["--config", conf])
            try await daemon.ready()
            let isTold = await eventually {
                try daemon.status().findings.contains {
                    $0.code == "setting-differs" && $0.message.contains("requirepass")
                }
            }
            #expect(isTold)
            let restart = try daemon.command(["rolling-restart", "--pending", "--timeout", "120s"])
            #expect(restart.exit == 0, "\(restart.errors)")
            try await daemon.ready()
            #expect(try await Redis.send(daemon.base, "PING") == .simple("PONG"))
            #expect(try daemon.status().nodes.allSatisfy { $0.pendingRestart.isEmpty })
            try await daemon.stop()
        }
    }

    @Test func configShowNamesTheOriginOfEachSettingAndHidesPasswords() throws {
        let daemon = try Daemon()
        defer { daemon.cleanUp() }
        let conf = try write(daemon, "cluster: {masters: 5}\nredis:\n  requirepass: s3cret\n  masterauth: s3cret\n")
        let shown = try Daemon.run(["config", "show", "--origin", "--config", conf])
        #expect(shown.exit == 0 && !shown.output.contains("s3cret"))
        func line(_ key: String) -> String {
            shown.output.split(separator: "\n").first { $0.hasPrefix(key + " ") }.map(String.init) ?? ""
        }
        #expect(line("cluster.masters").contains(" 5 ") && line("cluster.masters").hasSuffix("conf.yaml:1:20"))
        #expect(line("cluster.replicas").hasSuffix("built in"))
        #expect(line("redis.requirepass").contains("(hidden)"))
        #expect(try Daemon.run(["config", "check", "--config", conf]).errors.contains("read      \(conf)"))
        _ = try write(daemon, "cluster: {masters: 2}\n")
        let wrong = try Daemon.run(["config", "check", "--config", conf])
        #expect(wrong.exit == 78 && wrong.errors.contains("\(conf):1:20:"))
    }
}
