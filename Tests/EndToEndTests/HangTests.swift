import ControlAPI
import Foundation
import ProcessSupervision
import Testing

/// Hung is not dead, and busy is not hung: real processes that are stopped, busy, blocked, traced or starved.
/// Invariants: no-unrequested-stop, no-late-continue.
@Suite(.serialized) struct HangTests {
    /// A cluster that treats a node as hung after a second.
    private func withImpatientDaemon(
        _ arguments: [String] = [], _ body: (Daemon) async throws -> Void
    ) async throws {
        try await withDaemon { daemon in
            let conf = daemon.home + "/conf.yaml"
            // Prevents the nodes' own election, however long a test waits.
            try "supervision: {hang-timeout: 1s}\nredis: {cluster-node-timeout: 120000}\n".write(
                toFile: conf, atomically: true, encoding: .utf8)
            try daemon.up(["--config", conf] + arguments)
            try await daemon.ready()
            try await body(daemon)
            try await daemon.stop()
        }
    }

    private func finding(_ code: String, _ daemon: Daemon) throws -> FindingDocument? {
        try daemon.status().findings.first { $0.code == code }
    }

    /// The test waits for the clock itself.
    private func pass(_ time: Duration) async {
        let end = ContinuousClock.now + time
        #expect(await eventually { ContinuousClock.now > end })
    }

    @Test func aStoppedMasterIsKilledAndReapedBeforeItIsReplaced() async throws {
        try await withImpatientDaemon { daemon in
            let status = try daemon.status()
            let master = status.nodes[0]
            let masters = status.nodes.filter { $0.role == .master }.map(\.port)
            let keys = try await Redis.fill(masters, 300)
            // It is continued once, and killed because it is stopped again.
            try await stopAgain(master, daemon)
            #expect(
                await eventually {
                    let now = try daemon.status()
                    return now.cluster.ready && now.nodes[0].role == .replica && now.nodes[0].pid != master.pid
                }, "\(daemon.output.suffix(1500))")
            let exit = try daemon.status().nodes[0].lastExit
            #expect(exit?.kind == "hung" && exit?.signal == 9 && exit?.pid == master.pid)
            #expect(exit?.cause.hasPrefix("killed by clusterd: it was stopped (state T) again after ") == true)
            let now = try daemon.status().nodes.filter { $0.role == .master }.map(\.port)
            #expect(try await Redis.missing(keys, on: now) == 0)
            // One per shard in ten minutes: its successor is continued each time, and never killed.
            let candidate = try #require(try daemon.status().nodes.first { $0.slots == master.slots })
            try await stopAgain(candidate, daemon)
            #expect(await eventually { ProcessTable.Stat(candidate.pid ?? 0).map { $0.state != "T" } ?? false })
            try await daemon.ready()
            #expect(try daemon.status().nodes.first { $0.name == candidate.name }?.pid == candidate.pid)
        }
    }

    /// Stops a node, waits until clusterd has continued it, and stops it once more.
    private func stopAgain(_ node: NodeDocument, _ daemon: Daemon) async throws {
        let pid = try #require(node.pid)
        kill(pid, SIGSTOP)
        #expect(await eventually { try self.finding("node-continued", daemon)?.node == node.name })
        #expect(try daemon.status().nodes.first { $0.name == node.name }?.pid == pid)
        kill(pid, SIGSTOP)
        #expect(await eventually { ProcessTable.Stat(pid)?.state == "T" })
    }

    /// Its replica is down: no other node has its data, and the operator needs no kill -CONT.
    @Test func aStoppedMasterWithoutAReplicaIsContinued() async throws {
        try await withImpatientDaemon { daemon in
            let status = try daemon.status()
            let master = status.nodes[0]
            let keys = try await Redis.fill(status.nodes.filter { $0.role == .master }.map(\.port), 300)
            let replica = try #require(status.nodes.first { $0.replicaOf == master.name })
            #expect(try daemon.command(["stop-node", replica.name.text]).exit == 0)
            kill(try #require(master.pid), SIGSTOP)
            #expect(await eventually { try self.finding("node-continued", daemon)?.node == master.name })
            #expect(try daemon.command(["start-node", replica.name.text]).exit == 0)
            try await daemon.ready()
            #expect(try daemon.status().nodes[0].pid == master.pid && daemon.status().nodes[0].role == .master)
            #expect(try await Redis.missing(keys, on: status.nodes.filter { $0.role == .master }.map(\.port)) == 0)
        }
    }

    @Test func afterASleepOfAllProcessesNoNodeIsKilled() async throws {
        try await withImpatientDaemon { daemon in
            let pids = try daemon.status().nodes.map(\.pid)
            let all = pids.compactMap { $0 } + [daemon.process.processIdentifier]
            for pid in all { kill(pid, SIGSTOP) }
            await pass(.seconds(4))
            // clusterd continues first, and finds all of them stopped.
            for pid in all.reversed() { kill(pid, SIGCONT) }
            try await daemon.ready()
            await pass(.seconds(3))
            #expect(try daemon.status().nodes.map(\.pid) == pids)
            #expect(try daemon.status().cluster.ready)
        }
    }

    @Test func allStoppedNodesAreContinued() async throws {
        try await withImpatientDaemon { daemon in
            let pids = try daemon.status().nodes.map(\.pid)
            for pid in pids { kill(try #require(pid), SIGSTOP) }
            #expect(
                await eventually { try daemon.status().findings.count { $0.code == "node-continued" } == pids.count })
            try await daemon.ready()
            #expect(try daemon.status().nodes.map(\.pid) == pids)
        }
    }

    @Test func aNodeWithALongScriptIsBusy() async throws {
        try await withImpatientDaemon { daemon in
            let node = try daemon.status().nodes[0]
            let script = Task {
                try await Redis.send(node.port, "EVAL", "while true do end", "0", within: .seconds(120))
            }
            #expect(await eventually { try daemon.status().nodes[0].health == .busy })
            // At first it does not reply; after five seconds it replies BUSY.
            #expect(
                await eventually {
                    try self.finding("node-busy", daemon)?.message.contains(
                        "it is busy (using CPU) with a long command or a script") == true
                })
            #expect(
                await eventually { try self.finding("node-busy", daemon)?.message.contains("BUSY") == true })
            #expect(try finding("node-busy", daemon)?.hint?.hasPrefix("redis-cli -p \(node.port) SCRIPT KILL") == true)
            await pass(.seconds(3))
            #expect(try await Redis.send(node.port, "SCRIPT", "KILL") == .simple("OK"))
            #expect(try await script.value.errorText != nil)
            try await daemon.ready()
            #expect(try daemon.status().nodes[0].pid == node.pid && daemon.status().nodes[0].role == .master)
        }
    }

    @Test func aNodeInABlockingMigrateIsNotHung() async throws {
        try await withImpatientDaemon { daemon in
            let node = try daemon.status().nodes[0]
            let keys = try await Redis.fill([node.port], 10)
            // A listener that accepts the connection and never replies.
            let mute = try Ports.listen(Ports.free(1))
            let port = try Ports.port(of: mute)
            let migrate = Task {
                try await Redis.send(
                    node.port, "MIGRATE", "127.0.0.1", "\(port)", keys[0], "0", "110000", within: .seconds(120))
            }
            #expect(await eventually { try daemon.status().nodes[0].health == .hung })
            #expect(await eventually { try self.finding("node-hung", daemon) != nil })
            #expect(try finding("node-hung", daemon)?.message.contains("neither uses CPU nor reads") == true)
            // The connection is reset, and the command ends.
            close(mute)
            #expect(try await migrate.value.errorText?.contains("IOERR") == true)
            try await daemon.ready()
            #expect(try daemon.status().nodes[0].pid == node.pid)
        }
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/gdb"), "gdb is not installed"))
    func aNodeUnderADebuggerIsNotKilled() async throws {
        try await withImpatientDaemon { daemon in
            let node = try daemon.status().nodes[0]
            let pid = try #require(node.pid)
            let leave = daemon.home + "/leave"
            let debugger = try spawn(
                SpawnOrder(
                    executable: "/usr/bin/gdb",
                    arguments: [
                        "-q", "-nx", "-p", "\(pid)", "-ex", "shell while [ ! -e \(leave) ]; do sleep 0.05; done", "-ex",
                        "detach", "-ex", "quit",
                    ], environment: ["PATH=/usr/bin:/bin"], directory: daemon.home, output: daemon.home + "/gdb.log"))
            defer {
                kill(debugger, SIGKILL)
                waitpid(debugger, nil, 0)
            }
            #expect(await eventually { ProcessTable.Stat(pid)?.state == "t" })
            #expect(
                await eventually {
                    try self.finding("node-hung", daemon)?.message.contains("a debugger holds it") == true
                })
            await pass(.seconds(3))
            #expect(try daemon.status().nodes[0].pid == pid)
            try Data().write(to: URL(fileURLWithPath: leave))
            try await daemon.ready()
            #expect(try daemon.status().nodes[0].pid == pid)
        }
    }

    @Test func aHostUnderFullLoadLosesNoNode() async throws {
        try await alone {
            try await withImpatientDaemon { daemon in
                let pids = try daemon.status().nodes.map(\.pid)
                let load = try (0..<(ProcessInfo.processInfo.activeProcessorCount * 4)).map { _ in
                    let process = Process()
                    process.executableURL = URL(fileURLWithPath: "/bin/sh")
                    process.arguments = ["-c", "while :; do :; done"]
                    try process.run()
                    return process
                }
                defer { for process in load { kill(process.processIdentifier, SIGKILL) } }
                await pass(.seconds(6))
                #expect(try daemon.status().nodes.map(\.pid) == pids)
            }
        }
    }

    /// A process in a frozen cgroup behaves like one that waits for a dead disk: SIGKILL does not end it.
    @Test(.enabled(if: Freezer.isAvailable, "no writable cgroup v1 freezer on this host"))
    func aNodeThatSurvivesSIGKILLIsReported() async throws {
        try await withImpatientDaemon { daemon in
            let pid = try #require(try daemon.status().nodes[3].pid)
            let freezer = try Freezer(pid)
            defer { freezer.remove() }
            try freezer.freeze()
            #expect(await eventually { try daemon.status().nodes[3].health == .hung })
            kill(pid, SIGKILL)
            #expect(
                await eventually { try self.finding("node-unkillable", daemon)?.node == daemon.status().nodes[3].name })
            #expect(try daemon.status().nodes[3].pid == pid)
            try freezer.thaw()
            #expect(await eventually { try daemon.status().nodes[3].pid != pid && daemon.status().cluster.ready })
        }
    }
}

/// Freezes a process with the kernel's own freezer.
private struct Freezer {
    private static let root = "/sys/fs/cgroup/freezer"
    static var isAvailable: Bool { FileManager.default.isWritableFile(atPath: root + "/cgroup.procs") && getuid() == 0 }

    private let folder: String
    private let pid: pid_t

    init(_ pid: pid_t) throws {
        self.pid = pid
        folder = "\(Self.root)/clusterd-test-\(pid)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        try write("\(pid)", folder + "/cgroup.procs")
    }

    func freeze() throws { try write("FROZEN", folder + "/freezer.state") }
    func thaw() throws { try write("THAWED", folder + "/freezer.state") }
    func remove() {
        try? thaw()
        try? write("\(pid)", Self.root + "/cgroup.procs")
        rmdir(folder)
    }

    private func write(_ text: String, _ path: String) throws {
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.write(contentsOf: Data(text.utf8))
    }
}
