import Foundation
import Testing

/// `up --detach`.
@Suite(.serialized) struct BackgroundTests {
    private func up(_ daemon: Daemon, _ arguments: String...) throws -> (exit: Int32, output: String, errors: String) {
        try Daemon.run(
            ["up", "--detach", "--dir", daemon.data, "--port", "\(daemon.base)", "--masters", "1", "--replicas", "1"]
                + arguments, in: daemon.home)
    }

    @Test func upDetachReturnsWhenReadyAndTheClusterKeepsRunning() async throws {
        try await withDaemon { daemon in
            let result = try up(daemon)
            #expect(result.exit == 0 && result.output == "", "\(result.errors)")
            #expect(result.errors.contains("[OK] All 16384 slots covered.\n"))
            let status = try daemon.status()
            let pid = status.cluster.daemon.pid
            defer { kill(pid, SIGKILL) }
            #expect(status.cluster.ready)
            #expect(
                result.errors.contains(
                    "running   in the background, pid \(pid); log: \(daemon.data)/clusterd.log\n"))
            #expect(
                result.errors.contains(
                    "clusterd status --dir data · redis-cli -c -p \(daemon.base) · clusterd stop --dir data"))
            #expect(getsid(pid) == pid)
            let log = try String(contentsOfFile: daemon.data + "/clusterd.log", encoding: .utf8)
            #expect(log.contains("ready     1 master, 1 replica") && !log.contains("Ctrl-C"))

            let again = try up(daemon)
            #expect(again.exit == 1 && again.errors.contains("another clusterd (pid \(pid)) runs in"))
            #expect(try daemon.command(["stop"]).exit == 0)
            #expect(daemon.nodePIDs() == [])
        }
    }

    @Test func upDetachShowsErrorsAndReturnsTheirExitCode() async throws {
        try await withDaemon { daemon in
            #expect(try up(daemon, "--set", "redis.nosuch=1").exit == 78)
            let holder = try Ports.listen(daemon.base)
            defer { close(holder) }
            let conf = daemon.home + "/conf.yaml"
            try "cluster: {on-port-conflict: fail}\n".write(toFile: conf, atomically: true, encoding: .utf8)
            let taken = try up(daemon, "--config", "conf.yaml")
            #expect(taken.exit == 1 && taken.errors.contains("error: \(daemon.base) is in use by"), "\(taken.errors)")
            #expect(daemon.nodePIDs() == [])
        }
    }

    @Test func aNodeThatCannotStartIsReportedAndTheDaemonKeepsRunning() async throws {
        try await withDaemon { daemon in
            let result = try up(daemon, "--set", "redis.loadmodule=/etc/passwd")
            #expect(result.exit == 1 && result.errors.contains("clusterd continues (pid "), "\(result.errors)")
            #expect(try daemon.command(["stop"]).exit == 0)
        }
    }
}
