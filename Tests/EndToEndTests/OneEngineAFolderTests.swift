import Foundation
import ProcessSupervision
import Testing

/// Engines outlive their daemon, and the next one must recognize them: a second engine in a folder is a second writer
/// of its files. What the next daemon can see of them differs between the tests. Invariants: one-engine, proven-death.
@Suite(.serialized) struct OneEngineAFolderTests {
    private static let shape = ["--masters", "3", "--replicas", "0"]

    private func kills(_ daemon: Daemon) async {
        kill(daemon.process.processIdentifier, SIGKILL)
        #expect(await daemon.ended() != nil)
    }

    /// The pids of the nodes, by name, as `status` reports them.
    private func nodes(_ daemon: Daemon) throws -> [String: pid_t] {
        var found: [String: pid_t] = [:]
        for node in try daemon.status().nodes { found[node.name.text] = node.pid }
        return found
    }

    /// Kills the daemon with SIGKILL and starts another; every node must still be the same process, alone in its
    /// folder.
    private func survives(
        _ daemon: Daemon, before first: [String], then second: [String], launcher: [String] = [],
        between: (Daemon) throws -> Void = { _ in }
    ) async throws {
        try daemon.up(Self.shape + first)
        try await daemon.ready()
        let before = try nodes(daemon)
        let ports = try daemon.status().nodes.map(\.port)
        await kills(daemon)
        try between(daemon)
        daemon.launcher = launcher
        try daemon.up(Self.shape + second)
        try await daemon.ready()
        #expect(try nodes(daemon) == before)
        #expect(try daemon.status().nodes.map(\.port) == ports)
        #expect(Set(daemon.nodePIDs()) == Set(before.values), "\(daemon.output.suffix(1500))")
        #expect(!daemon.output.contains("ended while clusterd was not running"))
    }

    /// Arguments that name the engine's program.
    private func server(_ path: String) throws -> [String] {
        let file = path + ".yaml"
        try "engine: {server: \(path)}\n".write(toFile: file, atomically: true, encoding: .utf8)
        return ["--config", file]
    }

    private func engine() throws -> String {
        let found = try Shell.which("redis-server")
        return try #require(found, "no redis-server in PATH")
    }

    @Test func anEngineWithACustomTitleIsAdopted() async throws {
        try await withDaemon { daemon in
            let title = ["--set", "redis.proc-title-template='\"mynode {port}\"'"]
            try await survives(daemon, before: title, then: title)
        }
    }

    @Test func anEngineIsAdoptedAfterEngineServerNamesAnotherProgram() async throws {
        try await withDaemon { daemon in
            let (old, new) = (daemon.home + "/oldkeeper", daemon.home + "/newkeeper")
            for path in [old, new] {
                // Debian's redis-server is a link.
                let file = URL(fileURLWithPath: try engine()).resolvingSymlinksInPath().path
                try FileManager.default.copyItem(atPath: file, toPath: path)
            }
            try await survives(
                daemon, before: server(old), then: server(new))
        }
    }

    @Test func anEngineThatAWrapperScriptStartsIsAdopted() async throws {
        try await withDaemon { daemon in
            let wrapper = daemon.home + "/wrapped"
            try "#!/bin/sh\nexec \(try engine()) \"$@\"\n".write(toFile: wrapper, atomically: true, encoding: .utf8)
            chmod(wrapper, 0o755)
            let wrapped = try server(wrapper)
            try await survives(daemon, before: wrapped, then: wrapped)
        }
    }

    /// Engines run by root, and a daemon that may neither read their /proc entries nor signal them.
    @Test(.enabled(if: getuid() == 0, "only root can start engines that another user may not look at"))
    func anUninspectableEngineOfAnotherUserIsAdopted() async throws {
        try await withDaemon { daemon in
            let copy = daemon.home + "/clusterd"
            try FileManager.default.copyItem(atPath: Daemon.program, toPath: copy)
            try await survives(
                daemon, before: [], then: [],
                launcher: ["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
            ) { daemon in
                daemon.program = copy
                try Shell.run("chown", "-R", "65534:65534", daemon.home)
            }
        }
    }

    /// The opposite case: if a process has really exited, nothing prevents the restart of the node.
    @Test func aNodeThatExitedWithoutADaemonIsStartedBesideAnEditorInItsFolder() async throws {
        try await withDaemon { daemon in
            try daemon.up(Self.shape)
            try await daemon.ready()
            let before = try nodes(daemon)
            let victim = try #require(before[String(daemon.base)])
            await kills(daemon)
            kill(victim, SIGKILL)
            #expect(ProcessWatch.wait(for: victim, limit: .seconds(10)))
            let editor = Process()
            editor.executableURL = URL(fileURLWithPath: "/bin/sleep")
            editor.arguments = ["600"]
            editor.currentDirectoryURL = URL(fileURLWithPath: "\(daemon.data)/nodes/\(daemon.base)")
            try editor.run()
            defer { kill(editor.processIdentifier, SIGKILL) }
            try daemon.up(Self.shape)
            try await daemon.ready()
            let after = try nodes(daemon)
            #expect(after[String(daemon.base)] != victim)
            #expect(after.filter { $0.value != before[$0.key] }.count == 1)
        }
    }
}

private enum Shell {
    static func run(_ words: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(words)")
    }

    static func which(_ program: String) throws -> String? {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return folders.map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}
