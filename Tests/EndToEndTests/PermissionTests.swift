import ControlAPI
import ControlClient
import Foundation
import Testing

/// Which users may connect to the daemon. This needs another user, and only root can become one.
@Suite(.serialized, .enabled(if: getuid() == 0, "only root can try what another user may")) struct PermissionTests {
    private func asNobody(_ arguments: [String], _ daemon: Daemon) throws -> (exit: Int32, errors: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
        process.arguments =
            ["--reuid", "65534", "--regid", "65534", "--clear-groups", daemon.home + "/clusterd"] + arguments
        process.currentDirectoryURL = URL(fileURLWithPath: "/")
        let errors = Pipe()
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let words = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, words)
    }

    /// Any user can give a cluster any name: a command that finds its cluster by name connects to no other user's
    /// daemon.
    @Test func aNameNeverSelectsAnotherUsersCluster() async throws {
        try await withDaemon { daemon in
            try FileManager.default.copyItem(atPath: Daemon.program, toPath: daemon.home + "/clusterd")
            chmod(daemon.home, 0o755)
            let name = "theirs-\(UUID().uuidString.prefix(8).lowercased())"
            let theirs = "\(daemon.home)/\(name)"
            try FileManager.default.createDirectory(atPath: theirs, withIntermediateDirectories: true)
            chown(theirs, 65534, 65534)
            let other = Process()
            other.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
            other.arguments = [
                "--reuid", "65534", "--regid", "65534", "--clear-groups", daemon.home + "/clusterd", "up", "--dir",
                theirs + "/\(name)", "--port", String(daemon.base), "--masters", "1", "--replicas", "0",
            ]
            other.standardOutput = FileHandle.nullDevice
            other.standardError = FileHandle.nullDevice
            other.standardInput = FileHandle.nullDevice
            try other.run()
            defer { if other.isRunning { kill(other.processIdentifier, SIGKILL) } }
            let socket = theirs + "/\(name)/control.sock"
            let isReady = await eventually {
                try ControlClient(socketPath: socket).send(.status).decode(StatusDocument.self).cluster.ready
            }
            #expect(isReady)
            let listed = try Daemon.run(["list"]).output.split(separator: "\n").first { $0.hasPrefix(name + " ") }
            #expect(listed?.contains("not asked") == true && listed?.contains(" nobody ") == true)
            for command in [["status"], ["stop"], ["restart-node", String(daemon.base)]] {
                let refused = try Daemon.run(command + ["--cluster", name])
                #expect(refused.exit == 77 && refused.errors.contains("--socket \(socket)"), "\(refused.errors)")
            }
            // The name selects it for its owner.
            #expect(try asNobody(["status", "--cluster", name], daemon).exit == 0)
            #expect(try asNobody(["stop", "--cluster", name], daemon).exit == 0)
            #expect(await eventually { !other.isRunning })
        }
    }

    /// clusterd was run once as root in a user's folder: the error tells the user how to get the files back.
    @Test func theHintReturnsFilesThatRootMadeInAUsersFolder() async throws {
        try await withDaemon { daemon in
            try FileManager.default.copyItem(atPath: Daemon.program, toPath: daemon.home + "/clusterd")
            chmod(daemon.home, 0o755)
            try FileManager.default.createDirectory(
                atPath: daemon.data, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            chown(daemon.data, 65534, 65534)
            try daemon.up(["--masters", "1", "--replicas", "0"])
            try await daemon.ready()
            try await daemon.stop()
            #expect(daemon.output.contains("sudo chown -R nobody: \(daemon.data)"), "\(daemon.output)")
            let up = ["up", "--dir", daemon.data, "--port", String(daemon.base), "--detach"]
            for command in [up, ["fix", "--dir", daemon.data]] {
                let refused = try asNobody(command, daemon)
                #expect(refused.exit == 77 && refused.errors.contains("belong to user root"), "\(refused.errors)")
                #expect(refused.errors.contains("sudo chown -R nobody: \(daemon.data)"), "\(refused.errors)")
            }
            let chown = Process()
            chown.executableURL = URL(fileURLWithPath: "/bin/sh")
            chown.arguments = ["-c", "chown -R nobody: '\(daemon.data)'"]
            try chown.run()
            chown.waitUntilExit()
            let started = try asNobody(up, daemon)
            #expect(started.exit == 0, "\(started.errors)")
            #expect(try asNobody(["stop", "--dir", daemon.data], daemon).exit == 0)
        }
    }

    @Test func anotherUserIsRefusedWithAHint() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "1"])
            try await daemon.ready()
            // In a folder where every user can run it.
            try FileManager.default.copyItem(atPath: Daemon.program, toPath: daemon.home + "/clusterd")
            chmod(daemon.home, 0o755)
            let socket = daemon.data + "/control.sock"
            for command in [["status"], ["status", "--json"], ["restart-node", String(daemon.base)], ["stop"]] {
                let refused = try asNobody(command + ["--socket", socket], daemon)
                #expect(refused.exit == 77 && refused.errors.contains("sudo"), "\(command): \(refused.errors)")
            }
            // Even if the folder and the socket are accessible, the daemon checks the caller.
            chmod(daemon.data, 0o755)
            chmod(socket, 0o666)
            for command in [["status"], ["stop"]] {
                let refused = try asNobody(command + ["--socket", socket], daemon)
                #expect(refused.exit == 77 && refused.errors.contains("sudo"), "\(command): \(refused.errors)")
            }
            #expect(try daemon.status().cluster.ready)
            try await daemon.stop()
        }
    }
}
