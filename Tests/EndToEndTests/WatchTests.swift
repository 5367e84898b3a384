import ControlAPI
import Foundation
import Testing

/// `status --watch` and `wait`, on a terminal and in scripts.
@Suite(.serialized) struct WatchTests {
    private func watch(_ daemon: Daemon, columns: UInt16 = 80, rows: UInt16 = 24) throws -> PseudoTerminal {
        try PseudoTerminal(
            ["status", "--watch", "--socket", daemon.data + "/control.sock"], columns: columns, rows: rows)
    }

    private func replica(_ daemon: Daemon) throws -> NodeDocument {
        try #require(try daemon.status().nodes.first { $0.role == .replica })
    }

    private static func isStopped(_ pid: pid_t) throws -> Bool {
        try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8).contains(") T ")
    }

    @Test func watchRedrawsInPlaceAndRestoresTheTerminal() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "1"])
            try await daemon.ready()
            let terminal = try watch(daemon)
            #expect(await eventually { terminal.screen.contains { $0.hasPrefix("\(daemon.base)  ") } })
            #expect(terminal.text.hasPrefix("\u{1B}[?1049h\u{1B}[?25l"))
            #expect(!terminal.isGivenBack)

            kill(try #require(try replica(daemon).pid), SIGKILL)
            #expect(await eventually { terminal.screen.contains { $0.contains("last exit: killed by SIGKILL") } })
            #expect(terminal.text.contains("\u{1B}[2;7mlast exit:"))

            terminal.resize(columns: 60, rows: 5)
            #expect(await eventually { terminal.screen.last?.contains("lines 1-4 of") ?? false })
            #expect(terminal.screen.count == 5 && terminal.screen.allSatisfy { $0.count <= 60 })
            terminal.press("jk\u{1B}[B")
            #expect(await eventually { terminal.screen.last?.contains("lines 2-5 of") ?? false })
            // The screen was cleared once; it has not flickered since.
            #expect(terminal.text.components(separatedBy: "\u{1B}[2J").count == 2)

            // Ctrl-Z: the shell gets its terminal, until it continues the program.
            let pid = terminal.process.processIdentifier
            kill(pid, SIGTSTP)
            #expect(await eventually { try Self.isStopped(pid) && terminal.isGivenBack })
            #expect(terminal.text.hasSuffix("\u{1B}[?1049l"))
            kill(pid, SIGCONT)
            #expect(await eventually { terminal.text.hasSuffix("q quits\u{1B}[0m\u{1B}[K") && !terminal.isGivenBack })

            kill(pid, SIGINT)
            #expect(await terminal.ended() == 130)
            #expect(terminal.text.hasSuffix("\u{1B}[?25h\u{1B}[?1049l") && terminal.isGivenBack)
        }
    }

    @Test func watchWaitsForADaemonThatIsDown() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "0"])
            try await daemon.ready()
            let terminal = try watch(daemon)
            #expect(await eventually { !terminal.screen.isEmpty })
            #expect(try daemon.command(["detach"]).exit == 0)
            #expect(await daemon.ended() == 0)
            #expect(await eventually { terminal.screen.first?.contains("no clusterd answers at") ?? false })
            #expect(terminal.screen.contains { $0.hasPrefix("\(daemon.base)  ") })
            try daemon.up()
            try await daemon.ready()
            let pid = "(pid \(daemon.process.processIdentifier))"
            #expect(await eventually { terminal.screen.dropFirst().first?.contains(pid) ?? false })
            terminal.press("q")
            #expect(await terminal.ended() == 0)
            #expect(terminal.isGivenBack)
        }
    }

    @Test func withoutATerminalWatchPrintsOnlyChanges() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "1"])
            try await daemon.ready()
            let process = Process()
            process.executableURL = URL(fileURLWithPath: Daemon.program)
            process.arguments = ["status", "--watch", "--json", "--socket", daemon.data + "/control.sock"]
            let output = Pipe()
            process.standardOutput = output
            try process.run()
            defer { kill(process.processIdentifier, SIGKILL) }
            let reader = output.fileHandleForReading
            _ = fcntl(reader.fileDescriptor, F_SETFL, O_NONBLOCK)
            var bytes: [UInt8] = []
            func documents() throws -> [StatusDocument] {
                var buffer = [UInt8](repeating: 0, count: 65536)
                while case let count = read(reader.fileDescriptor, &buffer, buffer.count), count > 0 {
                    bytes += buffer.prefix(count)
                }
                let whole = bytes.prefix(through: bytes.lastIndex(of: 10) ?? -1)
                return try whole.split(separator: 10).map {
                    try ControlJSON.decode(StatusDocument.self, from: Array($0))
                }
            }
            #expect(await eventually { try documents().count == 1 })
            kill(try #require(try replica(daemon).pid), SIGKILL)
            #expect(await eventually { try documents().last?.nodes.contains { $0.restarts == 1 } ?? false })
            let all = try documents()
            #expect(zip(all, all.dropFirst()).allSatisfy { $0 != $1 })
            // Its reader has exited.
            try reader.close()
            #expect(await eventually(within: .seconds(20)) { !process.isRunning })
        }
    }

    @Test func waitNamesItsCondition() async throws {
        try await withDaemon { daemon in
            let absent = try daemon.command(["wait", "--timeout", "200ms"])
            #expect(absent.exit == 3 && absent.output == "")
            try daemon.up(["--masters", "1", "--replicas", "1"])
            try await daemon.ready()
            for goal in ["ready", "serving", "\(daemon.base + 1)"] {
                let result = try daemon.command(["wait", goal])
                #expect(result.exit == 0 && result.output == "" && result.errors == "")
            }
            let unknown = try daemon.command(["wait", "nosuch"])
            #expect(unknown.exit == 64 && unknown.errors.contains("the nodes are \(daemon.base) \(daemon.base + 1)"))
            let status = try daemon.command(["wait", "--json"])
            #expect(try ControlJSON.decode(StatusDocument.self, from: Array(status.output.utf8)).cluster.ready)

            let node = try replica(daemon)
            #expect(try daemon.command(["stop-node", "\(node.name)"]).exit == 0)
            let late = try daemon.command(["wait", "\(node.name)", "--timeout", "100ms"])
            #expect(late.exit == 124 && late.output == "")
            #expect(
                late.errors.contains(
                    "error: \(node.name) is not ok after 100 ms: waiting for \(node.name) to run: it is stopped (requested; "
                ))
            let json = try daemon.command(["wait", "\(node.name)", "--timeout", "0s", "--json"])
            #expect(json.exit == 124 && json.output == "")
            #expect(
                try ControlJSON.decode(ErrorDocument.self, from: Array(json.errors.utf8)).error.code == "timeout")

            let waiting = try PseudoTerminal(["wait", "\(node.name)", "--socket", daemon.data + "/control.sock"])
            #expect(
                await eventually {
                    waiting.text.contains("waiting   for \(node.name) to run: it is stopped (requested;")
                })
            // Another clusterd replaces it: the command waits for it.
            #expect(try daemon.command(["detach"]).exit == 0)
            #expect(await daemon.ended() == 0)
            #expect(await eventually { waiting.text.contains("waiting   for clusterd to answer") })
            try daemon.up()
            #expect(await eventually { try daemon.command(["start-node", "\(node.name)"]).exit == 0 })
            #expect(await waiting.ended() == 0)
        }
    }

    @Test func statusOfOneNodeIsOneDocument() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "1"])
            try await daemon.ready()
            let result = try daemon.command(["status", "\(daemon.base + 1)", "--json"])
            let node = try ControlJSON.decode(NodeDocument.self, from: Array(result.output.utf8))
            #expect(result.exit == 0 && node.port == daemon.base + 1 && node.replicaOf?.text == "\(daemon.base)")
            #expect(result.output.contains(#""lastExit":null"#) && result.output.contains(#""maxMemoryBytes":null"#))
            let page = try daemon.command(["status", "127.0.0.1:\(daemon.base)"])
            #expect(page.exit == 0 && page.output.contains("role      master, replicas: \(daemon.base + 1)\n"))
            #expect(try daemon.command(["status", "nosuch"]).exit == 64)
        }
    }
}
