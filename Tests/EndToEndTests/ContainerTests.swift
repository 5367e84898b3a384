import Foundation
import Testing

/// clusterd as the first process of its own process namespace, as in a container.
@Suite struct ContainerTests {
    private static let canUnshare: Bool = {
        let trial = Process()
        trial.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        trial.arguments = ["--pid", "--fork", "--mount-proc", "true"]
        trial.standardError = FileHandle.nullDevice
        guard (try? trial.run()) != nil else { return false }
        trial.waitUntilExit()
        return trial.terminationStatus == 0
    }()

    private func children(of pid: pid_t) -> [pid_t] {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
        return tasks.flatMap { task in
            let text = (try? String(contentsOfFile: "/proc/\(pid)/task/\(task)/children", encoding: .utf8)) ?? ""
            return text.split(separator: " ").compactMap { pid_t($0) }
        }
    }

    private func isZombie(_ pid: pid_t) -> Bool {
        let stat = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        return stat.contains(") Z ")
    }

    @Test(.enabled(if: canUnshare, "process namespaces cannot be made here"))
    func asPID1ClusterdReapsOrphansAndStopsOnSIGTERM() async throws {
        try await withDaemon { daemon in
            let script = daemon.home + "/as-pid-1"
            try "#!/bin/sh\nexec unshare --pid --fork --kill-child --mount-proc '\(Daemon.program)' \"$@\"\n"
                .write(toFile: script, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
            daemon.program = script
            try daemon.up(["--masters", "1", "--replicas", "1"])
            try await daemon.ready()
            let clusterd = try #require(children(of: daemon.process.processIdentifier).first)
            #expect(children(of: clusterd).count == 2)

            // A shell inside leaves a child behind that exits later.
            let inside = Process()
            inside.executableURL = URL(fileURLWithPath: "/usr/bin/nsenter")
            inside.arguments = [
                "--target", String(clusterd), "--pid", "--mount", "sh", "-c", "for i in 1 2 3; do (sleep 0.3 &); done",
            ]
            try inside.run()
            inside.waitUntilExit()
            #expect(await eventually { children(of: clusterd).contains(where: isZombie) })
            #expect(await eventually { children(of: clusterd).count == 2 })

            // A node's exit is still reported with its signal.
            let replica = try #require(try daemon.status().nodes.first { $0.role == .replica })
            let pids = daemon.nodePIDs()
            let victim = try #require(
                pids.first { pid in
                    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd"))?
                        .hasSuffix("/\(replica.name)") == true
                })
            kill(victim, SIGKILL)
            #expect(
                await eventually {
                    try daemon.status().nodes.first { $0.name == replica.name }?.lastExit?.signal == 9
                        && daemon.status().cluster.ready
                })
            kill(clusterd, SIGTERM)
            #expect(await daemon.ended() == 0)
            #expect(daemon.nodePIDs() == [])
        }
    }
}
