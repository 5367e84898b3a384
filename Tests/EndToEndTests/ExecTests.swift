import Foundation
import Testing

/// `clusterd exec`: runs one command with a temporary cluster of its own.
@Suite(.serialized) struct ExecTests {
    /// A folder for temporary folders, and the processes in it.
    private struct Room {
        let home = NSTemporaryDirectory() + "clusterd-test-\(UUID().uuidString.prefix(8))"

        init() throws { try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true) }

        func exec(_ arguments: [String], _ script: String, through shell: Bool = false) throws -> Process {
            let process = Process()
            let words = ["exec"] + arguments + ["--", "/bin/sh", "-c", script]
            if shell {
                process.executableURL = URL(fileURLWithPath: "/bin/sh")
                process.arguments = ["-c", "\"$0\" \"$@\"; true", Daemon.program] + words
            } else {
                process.executableURL = URL(fileURLWithPath: Daemon.program)
                process.arguments = words
            }
            process.currentDirectoryURL = URL(fileURLWithPath: home)
            process.environment = ProcessInfo.processInfo.environment.merging(["TMPDIR": home]) { $1 }
            for name in ["out", "err"] {
                _ = FileManager.default.createFile(atPath: "\(home)/\(name)", contents: nil)
            }
            process.standardOutput = FileHandle(forWritingAtPath: home + "/out")
            process.standardError = FileHandle(forWritingAtPath: home + "/err")
            process.standardInput = FileHandle.nullDevice
            try process.run()
            return process
        }

        func run(_ arguments: [String], _ script: String) async throws -> Int32 {
            try await Self.end(of: exec(arguments, script))
        }

        /// The exit status of the program.
        static func end(of process: Process) async throws -> Int32 {
            let ended = await eventually { !process.isRunning }
            try #require(ended)
            return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
        }

        func run(_ script: String) async throws -> Int32 { try await run(["--masters", "1"], script) }

        func text(_ name: String) -> String { (try? String(contentsOfFile: "\(home)/\(name)", encoding: .utf8)) ?? "" }

        /// Temporary folders, in use or left over.
        var folders: [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: home)) ?? []).filter {
                $0.hasPrefix("clusterd-exec-")
            }
        }

        /// Every process whose working directory is in here: nodes, the command, clusterd itself.
        var pids: [pid_t] {
            ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }.filter {
                pid in
                let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")
                return link?.hasPrefix(home) ?? false
            }
        }

        func cleanUp() {
            for pid in pids { kill(pid, SIGKILL) }
            try? FileManager.default.removeItem(atPath: home)
        }
    }

    private func withRoom(_ body: (Room) async throws -> Void) async throws {
        try await Seats.all.seated(1) {
            let room = try Room()
            defer { room.cleanUp() }
            try await body(room)
        }
    }

    @Test(arguments: Engines.all)
    func execProvidesAClusterAndLeavesNothing(server: String) async throws {
        try await withRoom { room in
            let code = try await room.run(
                ["--server", server],
                "env | grep -E '^(REDIS|CLUSTERD)_' | sort; \"\(Daemon.program)\" status --json; pwd; exit 7")
            #expect(code == 7, "\(room.text("err"))")
            #expect(room.text("err") == "")
            #expect(room.folders == [] && room.pids == [])
            let output = room.text("out")
            let port = try #require(output.firstMatch(of: #/(?m)^REDIS_PORT=(\d+)$/#).flatMap { Int($0.1) })
            let nodes = (0..<3).map { "127.0.0.1:\(port + $0)" }.joined(separator: ",")
            #expect(output.contains("REDIS_URL=redis://127.0.0.1:\(port)\n"))
            #expect(output.contains("REDIS_CLUSTER_NODES=\(nodes)\n"))
            #expect(output.contains("\"ready\":true") && output.contains("\"masters\":3,\"replicas\":0"))
            #expect(output.hasSuffix("\n\(room.home)\n"))
        }
    }

    @Test func execReturnsTheExitStatusOfTheCommand() async throws {
        try await withRoom { room in
            let killed = try await room.run("kill -9 $$")
            #expect(killed == 137)
            let done = try await room.run("exit 0")
            #expect(done == 0)
            #expect(room.folders == [] && room.pids == [])
        }
    }

    @Test func aCommandThatCannotRunHasTheExitCodesOfEnv() throws {
        let result = try Daemon.run(["exec", "--", "no-such-command"])
        #expect(result.exit == 127 && result.errors == "error: 'no-such-command': No such file or directory\n")
        #expect(try Daemon.run(["exec", "--", "/etc/passwd"]).exit == 126)
        #expect(try Daemon.run(["exec"]).exit == 64)
        #expect(try Daemon.run(["exec", "--masters", "many", "--", "true"]).exit == 64)
    }

    @Test func aClusterThatDoesNotStartExits125() async throws {
        try await withRoom { room in
            let twoMasters = try await room.run(["--masters", "2"], "true")
            #expect(twoMasters == 125)
            #expect(room.text("err").contains("two masters cannot form a cluster"))
            let badDirective = try await room.run(["--masters", "1", "--set", "redis.maxmemory=lots"], "true")
            #expect(badDirective == 125)
            let tooLate = try await room.run(["--masters", "1", "--timeout", "1ms"], "true")
            #expect(tooLate == 125)
            #expect(room.text("err").contains("the cluster was not ready within"))
            #expect(room.folders == [] && room.pids == [])
        }
    }

    @Test func execForwardsASignalToTheCommand() async throws {
        try await withRoom { room in
            let process = try room.exec(
                ["--masters", "1"], "sleep 600 & trap \"kill $!; exit 5\" TERM; echo up; wait")
            #expect(await eventually { room.text("out") == "up\n" })
            kill(process.processIdentifier, SIGTERM)
            let code = try await Room.end(of: process)
            #expect(code == 5)
            #expect(room.folders == [] && room.pids == [])
        }
    }

    @Test func aTemporaryClusterIsNotStoppedWhileItsCommandRuns() async throws {
        try await withRoom { room in
            let code = try await room.run(
                "\"\(Daemon.program)\" stop; [ $? = 4 ] && \"\(Daemon.program)\" detach; [ $? = 4 ] && \"\(Daemon.program)\" reexec; [ $? = 4 ]"
            )
            #expect(code == 0)
            #expect(room.text("err").contains("clusterd exec created this cluster for one command"))
        }
    }

    enum Victim: CaseIterable { case clusterd, processGroup, shell }

    /// No process remains, and the next run removes the files.
    @Test(arguments: Victim.allCases)
    func aKilledExecLeavesNothingRunning(victim: Victim) async throws {
        try await withRoom { room in
            let process = try room.exec(
                ["--masters", "1", "--replicas", "1"], "echo up; exec sleep 600", through: victim != .clusterd)
            #expect(await eventually { room.text("out") == "up\n" })
            #expect(room.pids.count >= 4)
            kill(victim == .processGroup ? -process.processIdentifier : process.processIdentifier, SIGKILL)
            #expect(await eventually { room.pids == [] }, "\(room.pids)")
            let next = try await room.run("true")
            #expect(next == 0)
            #expect(room.folders == [])
        }
    }

    @Test func twentyParallelExecsDoNotInterfere() async throws {
        try await alone {
            try await withRoom { room in
                // All start with the same port, which is the worst case.
                let base = try Ports.free(40)
                let rooms = try (0..<20).map { _ in try Room() }
                defer { for room in rooms { room.cleanUp() } }
                let processes = try rooms.map { room in
                    try room.exec(["--masters", "1", "--port", "\(base)"], "echo $REDIS_PORT; exec sleep 600")
                }
                #expect(await eventually { rooms.allSatisfy { $0.text("out").hasSuffix("\n") } })
                #expect(Set(rooms.map { $0.text("out") }).count == 20)
                for process in processes { kill(process.processIdentifier, SIGTERM) }
                #expect(await eventually { processes.allSatisfy { !$0.isRunning } })
                for room in rooms { #expect(room.folders == [] && room.pids == []) }
            }
        }
    }
}
