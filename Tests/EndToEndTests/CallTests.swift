import ControlAPI
import Foundation
import Testing

/// `call` and `shell`: the operator's own commands to the nodes.
@Suite(.serialized) struct CallTests {
    @Test func callSendsACommandToManyNodesWithThePassword() async throws {
        try await withDaemon { daemon in
            try daemon.up([
                "--masters", "1", "--replicas", "1", "--set", "redis.requirepass=se cret", "--set",
                "redis.masterauth=se cret",
            ])
            try await daemon.ready()
            let (master, replica) = (daemon.base, daemon.base + 1)
            #expect(try daemon.command(["call"]).exit == 64)
            #expect(try Daemon.run(["call", "--primaries", "PING"]).exit == 64)
            // Options precede the command; everything after it belongs to the command.
            func call(_ options: [String], _ words: String...) throws -> (exit: Int32, output: String, errors: String) {
                try Daemon.run(["call", "--socket", daemon.data + "/control.sock"] + options + words)
            }
            let ping = try call([], "PING")
            #expect(ping.exit == 0 && ping.output == "\(master)  PONG\n\(replica)  PONG\n" && ping.errors == "")
            #expect(try call(["--masters"], "SET", "--key", "-1\n").output == "\(master)  OK\n")
            #expect(try call(["--node", "\(master)", "--"], "GET", "--key").output == "\(master)  \"-1\\n\"\n")
            #expect(try call(["--replicas"], "INFO", "replication").output.contains("\(replica)  role:slave\n"))
            let wrong = try call([], "NOSUCH")
            #expect(wrong.exit == 1 && wrong.output.contains("\(replica)  (error) ERR unknown command"))
            #expect(try call(["--node", "9"], "PING").exit == 64)
            #expect(try call(["--masters", "--replicas"], "PING").exit == 64)
            #expect(try call([], "SUBSCRIBE", "x").exit == 64)

            let json = try call(["--json", "--timeout", "100ms"], "BLPOP", "nobody", "30")
            #expect(json.exit == 1 && json.errors == "")
            let document = try ControlJSON.decode(CallDocument.self, from: Array(json.output.utf8))
            #expect(document.answers.map(\.port) == [master, replica])
            #expect(document.answers.map(\.role) == [.master, .replica])
            #expect(document.answers.map(\.type) == [nil, .error])
            #expect(document.answers[0].error?.contains("no answer in time") == true)
            #expect(document.answers[1].error?.hasPrefix("MOVED ") == true)
            #expect(!(daemon.output + ping.output + json.output).contains("se cret"))
        }
    }

    @Test func shellRunsRedisCLIWithThePasswordInItsEnvironment() async throws {
        try await withDaemon { daemon in
            try daemon.up([
                "--masters", "1", "--replicas", "1", "--set", "redis.requirepass=secret", "--set",
                "redis.masterauth=secret",
            ])
            try await daemon.ready()
            func shell(_ words: String...) throws -> (exit: Int32, output: String, errors: String) {
                try Daemon.run(["shell", "--socket", daemon.data + "/control.sock"] + words)
            }
            let set = try shell("--", "SET", "k", "v")
            #expect(set.exit == 0 && set.output == "OK\n", "\(set.errors)")
            // From a replica, redis-cli follows the redirection to the master.
            #expect(try shell("\(daemon.base + 1)", "--", "GET", "k").output == "v\n")
            #expect(try shell("9").exit == 64)
        }
    }
}
