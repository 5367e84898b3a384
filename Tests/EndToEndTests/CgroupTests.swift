import ControlAPI
import Foundation
import Testing

/// Each node in a cgroup of its own, if clusterd was started in one of its own, as under systemd with Delegate=.
@Suite(.enabled(if: OwnCgroup.isAvailable, "no writable cgroup v2 on this host")) struct CgroupTests {
    private func withCgroup(_ body: (Daemon, OwnCgroup) async throws -> Void) async throws {
        try await withDaemon { daemon in
            let cgroup = try OwnCgroup()
            defer { cgroup.remove() }
            // The test starts the daemon in the cgroup.
            daemon.program = daemon.home + "/clusterd"
            // Where memory is counted below a cgroup, it cannot contain processes, and new ones are put beside it.
            let script = """
                #!/bin/sh
                echo $$ 2>/dev/null >\(cgroup.folder)/cgroup.procs || echo $$ >\(cgroup.folder)/supervisor/cgroup.procs
                exec \(Daemon.program) "$@"
                """
            try Data(script.utf8).write(to: URL(fileURLWithPath: daemon.program))
            chmod(daemon.program, 0o755)
            try await body(daemon, cgroup)
        }
    }

    private func areInTheirOwn(_ daemon: Daemon, _ cgroup: OwnCgroup) async -> Bool {
        await eventually {
            let nodes = try daemon.status().nodes
            return nodes.allSatisfy { node in
                let isCounted = (node.cpuSeconds ?? 0) > 0 && (node.residentBytes ?? 0) > 1 << 20
                let isAlone = cgroup.processes("node-\(node.name)") == [node.pid ?? 0]
                return isCounted && isAlone && node.cgroup == "\(cgroup.name)/node-\(node.name)"
            }
        }
    }

    @Test func eachNodeKeepsItsOwnCgroupAcrossDaemons() async throws {
        try await withCgroup { daemon, cgroup in
            try daemon.up()
            try await daemon.ready()
            #expect(await areInTheirOwn(daemon, cgroup), "\(daemon.output.suffix(1000))")
            #expect(cgroup.processes("supervisor") == [daemon.process.processIdentifier] && cgroup.processes() == [])
            let before = try daemon.status().nodes
            // The daemon is killed, and another one adopts the nodes.
            kill(daemon.process.processIdentifier, SIGKILL)
            #expect(await daemon.ended() == SIGKILL)
            try daemon.up()
            try await daemon.ready()
            #expect(await areInTheirOwn(daemon, cgroup))
            #expect(try daemon.status().nodes.map(\.pid) == before.map(\.pid))
            #expect(cgroup.processes("supervisor") == [daemon.process.processIdentifier])
            // The daemon is upgraded in place.
            #expect(try Daemon.run(["reexec", "--dir", daemon.data]).exit == 0)
            try await daemon.ready()
            #expect(await areInTheirOwn(daemon, cgroup))
            // A node that dies returns to its cgroup.
            let victim = try #require(before.first?.pid)
            kill(victim, SIGKILL)
            #expect(await eventually { try daemon.status().cluster.ready && daemon.status().nodes[0].pid != victim })
            #expect(await areInTheirOwn(daemon, cgroup))
            let page = try daemon.command(["status", before[0].name.text])
            #expect(page.output.contains("cgroup    \(cgroup.name)/node-\(before[0].name)"), "\(page.output)")
            try await daemon.stop()
            #expect(cgroup.children == [])
        }
    }

    @Test func nodesLeftRunningStayInTheirCgroups() async throws {
        try await withCgroup { daemon, cgroup in
            try daemon.up(["--masters", "1", "--replicas", "1"])
            try await daemon.ready()
            let pids = try daemon.status().nodes.map(\.pid)
            #expect(try daemon.command(["detach"]).exit == 0)
            #expect(await daemon.ended() == 0)
            #expect(cgroup.children.filter { $0.hasPrefix("node-") }.count == 2)
            // Another daemon without a cgroup adopts them nevertheless, and stops them.
            daemon.program = Daemon.program
            try daemon.up()
            try await daemon.ready()
            #expect(try daemon.status().nodes.map(\.pid) == pids)
            try await daemon.stop()
        }
    }

    /// This host may have the memory controller elsewhere: then a finding reports it, and nothing else differs.
    @Test func aMemoryLimitIsEnforcedOrReported() async throws {
        try await withCgroup { daemon, cgroup in
            let file = daemon.home + "/limits.yaml"
            try Data("cluster: {memory-max: 512mb}\nredis: {maxmemory: 300mb}\n".utf8).write(
                to: URL(fileURLWithPath: file))
            try daemon.up(["--masters", "1", "--replicas", "1", "--config", file])
            try await daemon.ready()
            let isAnswered = await eventually {
                let status = try daemon.status()
                let isSaid = status.findings.contains {
                    $0.code == "memory-max-not-held" && $0.message.contains("has no memory controller")
                }
                guard cgroup.hasMemory else { return isSaid }
                return !isSaid && status.nodes.allSatisfy { $0.memoryLimitBytes == 512 << 20 }
            }
            let findings = try daemon.status().findings
            #expect(isAnswered, "\(findings)")
            try await daemon.stop()
        }
    }
}

/// A cgroup that a test has made below the root cgroup.
final class OwnCgroup {
    static let root: String? = {
        let mounts = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ").map(String.init)
            if fields.count > 2, fields[2] == "cgroup2" { return fields[1] }
        }
        return nil
    }()
    static var isAvailable: Bool {
        guard let root, getuid() == 0 else { return false }
        return FileManager.default.isWritableFile(atPath: root + "/cgroup.procs")
    }

    let name: String
    let folder: String

    init() throws {
        name = "/clusterd-test-\(UUID().uuidString.prefix(8))"
        folder = try #require(Self.root) + name
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    }

    var children: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
            FileManager.default.fileExists(atPath: "\(folder)/\($0)/cgroup.procs")
        }
    }
    func processes(_ child: String = ".") -> [pid_t] {
        let text = (try? String(contentsOfFile: "\(folder)/\(child)/cgroup.procs", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { pid_t($0) }
    }
    var hasMemory: Bool {
        let text = (try? String(contentsOfFile: "\(folder)/cgroup.controllers", encoding: .utf8)) ?? ""
        return text.contains("memory")
    }

    /// Kills the processes that a failed test has left in it.
    func remove() {
        if let kill = FileHandle(forWritingAtPath: folder + "/cgroup.kill") {
            try? kill.write(contentsOf: Data("1".utf8))
        }
        let limit = ContinuousClock.now + .seconds(5)
        repeat {
            for child in children { rmdir("\(folder)/\(child)") }
        } while rmdir(folder) != 0 && errno == EBUSY && ContinuousClock.now < limit
    }
}
