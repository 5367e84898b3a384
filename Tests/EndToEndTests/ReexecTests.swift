import ControlAPI
import ControlClient
import Foundation
import Synchronization
import Testing

/// `reexec` and SIGUSR2: another program replaces the running one in the same process. Invariants: disposable-daemon,
/// one-daemon, record-first.
@Suite(.serialized) struct ReexecTests {
    /// The program in a file of the daemon's own, which can be replaced.
    private func install(_ daemon: Daemon) throws {
        daemon.program = daemon.home + "/clusterd"
        try FileManager.default.copyItem(atPath: Daemon.program, toPath: daemon.program)
    }

    /// Like dpkg: a new file takes the name. Returns its inode.
    @discardableResult
    private func replace(_ daemon: Daemon, with script: String? = nil, mode: mode_t = 0o755) throws -> ino_t {
        let new = daemon.program + ".new"
        if let script {
            try Data("#!/bin/sh\n\(script)\n".utf8).write(to: URL(fileURLWithPath: new))
        } else {
            try FileManager.default.copyItem(atPath: Daemon.program, toPath: new)
        }
        chmod(new, mode)
        try #require(rename(new, daemon.program) == 0)
        return try inode(daemon.program)
    }

    private func inode(_ path: String) throws -> ino_t {
        var status = stat()
        try #require(stat(path, &status) == 0)
        return status.st_ino
    }

    /// Waits until a program other than the one started then responds.
    private func isReplaced(_ daemon: Daemon, since before: StatusDocument) async -> Bool {
        await eventually {
            let now = try daemon.status().cluster
            return now.ready && now.daemon.startedAt != before.cluster.daemon.startedAt
        }
    }

    /// Exited, and not reaped by the daemon.
    private func zombies(_ daemon: Daemon) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { name in
            guard pid_t(name) != nil, let text = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8)
            else { return false }
            return text.contains(") Z \(daemon.process.processIdentifier) ")
        }
    }

    private final class End: Sendable {
        private let state = Mutex(false)
        var hasCome: Bool { state.withLock { $0 } }
        func come() { state.withLock { $0 = true } }
    }

    @Test func anUpgradeInPlaceKeepsThePIDTheNodesAndTheSocket() async throws {
        try await withDaemon { daemon in
            try install(daemon)
            try daemon.up()
            try await daemon.ready()
            let before = try daemon.status()
            let keys = try await Redis.fill(before.nodes.filter { $0.role == .master }.map(\.port), 300)
            let inode = try replace(daemon)
            let result = try daemon.command(["reexec", "--json"])
            #expect(result.exit == 0, "\(result.errors) \(daemon.output.suffix(1000))")
            let replaced = try ControlJSON.decode(ReplacedDocument.self, from: Array(result.output.utf8))
            #expect(replaced.daemon.pid == before.cluster.daemon.pid && replaced.before == before.cluster.daemon)
            #expect(replaced.program == daemon.program)
            let after = try daemon.status()
            // A query right after it does not get the status of a cluster whose state is still unknown.
            #expect(after.cluster.ready && after.cluster.daemon == replaced.daemon)
            #expect(try self.inode("/proc/\(daemon.process.processIdentifier)/exe") == inode)
            #expect(after.nodes.map(\.pid) == before.nodes.map(\.pid))
            #expect(after.nodes.allSatisfy { $0.restarts == 0 })
            for pid in daemon.nodePIDs() {
                let environment = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(pid)/environ"))
                #expect(!String(decoding: environment, as: UTF8.self).contains("CLUSTERD_INHERITED"))
            }

            // Repeatedly, by signal too, and no descriptor leaks.
            let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(replaced.daemon.pid)/fd").count
            for _ in 0..<2 {
                let again = try daemon.command(["reexec"])
                #expect(again.exit == 0 && again.output.hasPrefix("upgraded  clusterd "), "\(again.errors)")
            }
            let third = try daemon.status()
            kill(daemon.process.processIdentifier, SIGUSR2)
            #expect(await isReplaced(daemon, since: third), "\(daemon.output.suffix(1000))")
            // Connections to nodes open and close; leaked descriptors stay.
            let isBack = await eventually {
                let now = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(replaced.daemon.pid)/fd").count
                return now <= open + 4
            }
            #expect(isBack, "more than \(open) descriptors stay open")
            #expect(try daemon.status().nodes.map(\.pid) == before.nodes.map(\.pid))
            #expect(try await Redis.missing(keys, on: after.nodes.filter { $0.role == .master }.map(\.port)) == 0)
            let events = try daemon.client.send(.events(EventQuery(), follows: false)).decode(EventsDocument.self)
            #expect(events.events.count { $0.code == "reexec-asked" } == 4)
            #expect(events.events.map(\.seq) == Array(1...Int64(events.events.count)))
            // None of it was an incident.
            #expect(events.events.filter { $0.severity != .info }.map(\.message) == [])
            // All signals reach the program that runs now.
            try await daemon.stop()
        }
    }

    /// Long blocking calls have their own thread: on a small machine Swift runs only two such tasks at once.
    private func onThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> AsyncStream<Result> {
        let (results, continuation) = AsyncStream<Result>.makeStream()
        Thread.detachNewThread {
            continuation.yield(body())
            continuation.finish()
        }
        return results
    }

    @Test func duringAnUpgradeInPlaceNoRequestIsRefusedAndTheLockIsHeld() async throws {
        try await withDaemon { daemon in
            try install(daemon)
            try daemon.up(["--masters", "1", "--replicas", "1"])
            try await daemon.ready()
            let end = End()
            let (client, data, pid) = (daemon.client, daemon.data, daemon.process.processIdentifier)
            let asking = onThread { () -> (asked: Int, refused: [String]) in
                var (asked, refused) = (0, [String]())
                while !end.hasCome {
                    do throws(ControlError) {
                        let status = try client.send(.status).decode(StatusDocument.self)
                        if !status.cluster.serving { refused.append("not served") }
                    } catch {
                        refused.append(error.message)
                    }
                    asked += 1
                }
                return (asked, refused)
            }
            let starting = onThread { () -> [String] in
                var others: [String] = []
                while !end.hasCome {
                    guard let second = try? Daemon.run(["up", "--dir", data]) else {
                        others.append("it could not be run")
                        continue
                    }
                    if second.exit != 1 || !second.errors.contains("another clusterd (pid \(pid)) runs in") {
                        others.append(second.errors)
                    }
                }
                return others
            }
            for _ in 0..<4 {
                try replace(daemon)
                let result = try daemon.command(["reexec"])
                #expect(result.exit == 0, "\(result.errors)")
            }
            end.come()
            let (asked, refused) = try #require(await asking.first { _ in true })
            #expect(asked > 20 && refused == [], "of \(asked)")
            #expect(await starting.first { _ in true } == [])
            try await daemon.stop()
        }
    }

    @Test func aNodeThatDiesDuringAnUpgradeInPlaceIsReapedWithItsSignal() async throws {
        try await withDaemon { daemon in
            try install(daemon)
            try daemon.up()
            try await daemon.ready()
            let before = try daemon.status()
            let master = try #require(before.nodes.first { $0.role == .master })
            let pid = try #require(master.pid)
            // It exits when the old program is gone and the new one has not looked yet.
            try replace(
                daemon,
                with: """
                    case "$*" in *--try-to-take-over*) ;; *) kill -9 \(pid) ;; esac
                    exec "\(Daemon.program)" "$@"
                    """)
            #expect(try daemon.command(["reexec"]).exit == 0)
            let isBack = await eventually {
                let now = try daemon.status()
                let node = now.nodes.first { $0.name == master.name }
                return now.cluster.ready && node?.role == .replica && node?.pid != pid
            }
            #expect(isBack, "\(daemon.output.suffix(1500))")
            let exit = try daemon.status().nodes.first { $0.name == master.name }?.lastExit
            #expect(exit?.signal == 9 && exit?.cause == "killed by SIGKILL", "\(String(describing: exit))")
            #expect(try zombies(daemon) == [])
            // And one that dies after it was adopted.
            let other = try #require(try daemon.status().nodes.first { $0.role == .replica && $0.name != master.name })
            kill(try #require(other.pid), SIGTERM)
            let isKnown = await eventually {
                let now = try daemon.status()
                let node = now.nodes.first { $0.name == other.name }
                return now.cluster.ready && node?.pid != other.pid && node?.lastExit?.code == 0
            }
            #expect(isKnown, "\(daemon.output.suffix(1500))")
            #expect(try zombies(daemon) == [])
            try await daemon.stop()
        }
    }

    @Test func anUpgradeInPlaceFinishesARunningFailover() async throws {
        try await withDaemon { daemon in
            try install(daemon)
            try daemon.up()
            try await daemon.ready()
            let before = try daemon.status()
            let masters = before.nodes.filter { $0.role == .master }
            let keys = try await Redis.fill(masters.map(\.port), 300)
            try replace(daemon)
            kill(daemon.process.processIdentifier, SIGUSR2)
            for master in masters { kill(try #require(master.pid), SIGKILL) }
            #expect(await isReplaced(daemon, since: before), "\(daemon.output.suffix(1500))")
            let isBack = await eventually {
                let now = try daemon.status()
                return now.cluster.ready && Set(now.nodes.map(\.pid)).isDisjoint(with: masters.map(\.pid))
            }
            #expect(isBack, "\(daemon.output.suffix(1500))")
            let now = try daemon.status().nodes.filter { $0.role == .master }.map(\.port)
            #expect(try await Redis.missing(keys, on: now) == 0)
            #expect(try zombies(daemon) == [])
            try await daemon.stop()
        }
    }

    @Test func anUpgradeInPlaceContinuesARunningOperationAndItsClient() async throws {
        try await withDaemon { daemon in
            try install(daemon)
            try daemon.up()
            try await daemon.ready()
            let before = try daemon.status()
            let rolling = try daemon.begin(["rolling-restart"])
            #expect(await eventually { try daemon.status().operations.contains { $0.state == .running } })
            let result = try daemon.command(["reexec"])
            #expect(result.exit == 0, "\(result.errors)")
            #expect(await eventually(within: .seconds(120)) { !rolling.process.isRunning })
            let words = try String(contentsOfFile: rolling.errors, encoding: .utf8)
            #expect(rolling.process.terminationStatus == 0, "\(words)")
            #expect(Set(try daemon.status().nodes.map(\.pid)).isDisjoint(with: before.nodes.map(\.pid)))
            try await daemon.stop()
        }
    }

    @Test func aSignalDuringAnUpgradeInPlaceIsNotLost() async throws {
        try await withDaemon { daemon in
            try install(daemon)
            try daemon.up(["--masters", "1", "--replicas", "1"])
            try await daemon.ready()
            try replace(
                daemon,
                with: """
                    case "$*" in *--try-to-take-over*) ;; *) kill -TERM $$ ;; esac
                    exec "\(Daemon.program)" "$@"
                    """)
            kill(daemon.process.processIdentifier, SIGUSR2)
            #expect(await daemon.ended() == 0, "\(daemon.output.suffix(1000))")
            #expect(daemon.output.contains("stopped   2 nodes"))
            #expect(daemon.nodePIDs() == [])
        }
    }

    @Test func aProgramThatCannotTakeOverChangesNothing() async throws {
        try await withDaemon { daemon in
            try install(daemon)
            let conf = daemon.home + "/conf.yaml"
            try "redis: {maxmemory: 100mb}\n".write(toFile: conf, atomically: true, encoding: .utf8)
            try daemon.up(["--masters", "1", "--replicas", "1", "--config", conf])
            try await daemon.ready()
            let before = try daemon.status()
            func refused(_ words: String, exit: Int32 = 1) throws {
                let result = try daemon.command(["reexec", "--json"])
                let error = try ControlJSON.decode(ErrorDocument.self, from: Array(result.errors.utf8)).error
                #expect(result.exit == exit && result.output == "", "\(result.errors)")
                #expect(error.message.contains(words), "\(error.message)")
            }
            try replace(daemon, with: "echo cannot find libnonsense.so.6; exit 127")
            try refused("exited with code 127: cannot find libnonsense.so.6")
            try replace(daemon, with: "exit 0")
            try refused("is not a clusterd that can take over")
            try replace(daemon, with: "kill -SEGV $$")
            try refused("was killed by SIGSEGV")
            try replace(daemon, mode: 0o644)
            try refused("Permission denied")
            try FileManager.default.removeItem(atPath: daemon.program)
            try refused("there is no \(daemon.program)")
            kill(daemon.process.processIdentifier, SIGUSR2)
            #expect(
                await eventually { daemon.output.contains("reexec    refused: there is no \(daemon.program)") })
            // A valid program, and a configuration that it rejects.
            try FileManager.default.copyItem(atPath: Daemon.program, toPath: daemon.program)
            try "redis: {maxmemry: 100mb}\n".write(toFile: conf, atomically: true, encoding: .utf8)
            try refused("conf.yaml:1:19", exit: 78)
            try "cluster: {masters: 1}\n".write(toFile: conf, atomically: true, encoding: .utf8)

            // A file that passes the trial, but cannot be executed: exec(2) is the last step that can fail.
            let passes = "\"\(Daemon.program)\" \"$@\"; code=$?;"
            try replace(daemon, with: "\(passes) chmod 644 \"$0\"; exit $code")
            let denied = try daemon.command(["reexec"])
            #expect(denied.exit == 1 && denied.errors.contains("Permission denied"), "\(denied.errors)")
            // A file that is gone by then is not the one that was tried.
            try replace(daemon, with: "\(passes) rm \"$0\"; exit $code")
            let gone = try daemon.command(["reexec"])
            #expect(gone.exit == 1 && gone.errors.contains("there is no \(daemon.program)"), "\(gone.errors)")

            let after = try daemon.status()
            #expect(after.cluster.daemon == before.cluster.daemon)
            #expect(after.nodes.map(\.pid) == before.nodes.map(\.pid))
            // The daemon continues unchanged.
            kill(try #require(after.nodes.first?.pid), SIGKILL)
            #expect(
                await eventually {
                    let now = try daemon.status()
                    return now.cluster.ready && now.nodes.contains { $0.restarts == 1 }
                })
            let events = try daemon.client.send(.events(EventQuery(), follows: false)).decode(EventsDocument.self)
            #expect(events.events.count { $0.code == "reexec-refused" } == 9)
            try await daemon.stop()
        }
    }

    @Test func aDetachedDaemonIsUpgradedInPlace() async throws {
        try await withDaemon { daemon in
            try install(daemon)
            let process = Process()
            process.executableURL = URL(fileURLWithPath: daemon.program)
            process.arguments = [
                "up", "--detach", "--dir", daemon.data, "--port", "\(daemon.base)", "--masters", "1", "--replicas", "0",
            ]
            process.currentDirectoryURL = URL(fileURLWithPath: daemon.home)
            process.standardError = FileHandle.nullDevice
            try process.run()
            #expect(await eventually { !process.isRunning })
            let before = try daemon.status()
            defer { kill(before.cluster.daemon.pid, SIGKILL) }
            let inode = try replace(daemon)
            #expect(try daemon.command(["reexec"]).exit == 0)
            #expect(try self.inode("/proc/\(before.cluster.daemon.pid)/exe") == inode)
            #expect(try daemon.status().nodes.map(\.pid) == before.nodes.map(\.pid))
            #expect(try daemon.command(["stop"]).exit == 0)
            #expect(daemon.nodePIDs() == [])
        }
    }
}
