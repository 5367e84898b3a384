import Foundation
import RESP
import RedisClient
import Testing

/// Where passwords are read from, and where they must not appear.
@Suite(.serialized) struct SecretTests {
    private func write(_ path: String, _ text: String) throws {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    @Test func aRejectedDirectiveIsReportedWithoutItsPassword() throws {
        let daemon = try Daemon()
        defer { daemon.cleanUp() }
        let conf = daemon.home + "/conf.yaml"
        try write(conf, "redis:\n  user: alice on >s3cret nonsense\n")
        let refused = try Daemon.run(["config", "check", "--config", conf])
        #expect(refused.exit == 78 && refused.errors.contains("conf.yaml:2:9"), "\(refused.errors)")
        #expect(!refused.errors.contains("s3cret"))
    }

    @Test func passwordsAreReadFromSystemdCredentials() async throws {
        try await withDaemon { daemon in
            let (conf, folder) = (daemon.home + "/conf.yaml", daemon.home + "/credentials")
            try write(
                conf,
                "cluster: {masters: 1, replicas: 1}\nredis:\n  requirepass: {credential: redis}\n  masterauth: {credential: redis}\n"
            )
            // Without a credential from systemd the daemon exits; a read-only command reports it.
            let refused = try Daemon.run(["up", "--dir", daemon.data, "--config", conf])
            #expect(refused.exit == 78)
            #expect(refused.errors.contains("\(conf):3:16: redis.requirepass: the credential 'redis' is missing"))
            #expect(refused.errors.contains("LoadCredential=redis:PATH"))
            let checked = try Daemon.run(["config", "check", "--config", conf])
            #expect(
                checked.exit == 0 && checked.errors.contains("'redis' is available only to the service"),
                "\(checked.errors)")

            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let environment = ["CREDENTIALS_DIRECTORY": folder]
            let missing = try Daemon.run(["up", "--dir", daemon.data, "--config", conf], environment: environment)
            #expect(
                missing.exit == 78
                    && missing.errors.contains("\(conf):3:16: redis.requirepass: cannot read \(folder)/redis: "))
            try write(folder + "/redis", "f1rst\n")
            try daemon.up(["--config", conf], environment: environment)
            try await daemon.ready()
            #expect(try await Redis.send(daemon.base, "PING").errorText?.hasPrefix("NOAUTH") == true)
            #expect(try await Redis.send(daemon.base, "PING", password: "f1rst") == .simple("PONG"))
            // A client has no credentials, and needs none.
            let call = try Daemon.run(["call", "--socket", daemon.data + "/control.sock", "PING"])
            #expect(call.exit == 0, "\(call.errors)")
            for pid in daemon.nodePIDs() {
                let variables = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(pid)/environ"))
                #expect(!String(decoding: variables, as: UTF8.self).contains("CREDENTIALS"))
            }

            // Restarted without a credential over nodes that have a password: it adopts theirs.
            #expect(try daemon.command(["detach"]).exit == 0)
            #expect(await daemon.ended() == 0)
            let plain = daemon.home + "/plain.yaml"
            try write(plain, "cluster: {masters: 1, replicas: 1}\n")
            try daemon.up(["--config", plain])
            try await daemon.ready()

            // With another credential, the service is restarted over nodes that have the first one.
            #expect(try daemon.command(["detach"]).exit == 0)
            #expect(await daemon.ended() == 0)
            try write(folder + "/redis", "s3cond\n")
            try daemon.up(["--config", conf], environment: environment)
            try await daemon.ready()
            let reload = try daemon.command(["reload"])
            #expect(reload.exit == 0, "\(reload.errors)")
            #expect(try await Redis.send(daemon.base, "PING", password: "s3cond") == .simple("PONG"))
            await #expect(throws: RedisClientError.self) {
                try await Redis.send(daemon.base, "PING", password: "f1rst")
            }
            #expect(!(daemon.output + reload.output).contains("f1rst"))
            #expect(!(daemon.output + reload.output).contains("s3cond"))
            let events = try daemon.command(["events", "--json"]).output
            #expect(events.contains("setting-restored") && !events.contains("s3cond"), "\(events.suffix(800))")
            try await daemon.stop()
        }
    }
}
