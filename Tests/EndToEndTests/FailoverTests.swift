import ControlAPI
import Foundation
import Testing

/// Masters that die, on real servers: which node takes over, and which acknowledged writes survive. Invariants:
/// one-writer, complete-candidate.
@Suite(.serialized) struct FailoverTests {
    private func configure(_ daemon: Daemon, _ text: String) throws -> [String] {
        let conf = daemon.home + "/conf.yaml"
        try text.write(toFile: conf, atomically: true, encoding: .utf8)
        return ["--config", conf]
    }

    private func masters(_ daemon: Daemon) throws -> [NodeDocument] {
        try daemon.status().nodes.filter { $0.role == .master }
    }

    private func kept(_ keys: [String], _ daemon: Daemon) async throws -> Int {
        try await keys.count - Redis.missing(keys, on: masters(daemon).map(\.port))
    }

    /// The cluster is ready, and none of these processes remains.
    private func settled(_ daemon: Daemon, without pids: [pid_t], _ location: SourceLocation = #_sourceLocation) async {
        let isSettled = await eventually {
            let status = try daemon.status()
            return status.cluster.ready && !status.nodes.contains { node in node.pid.map(pids.contains) ?? false }
        }
        #expect(isSettled, "\(daemon.output.suffix(1500))", sourceLocation: location)
    }

    // MARK: several deaths at once

    @Test func allMastersThatDieAtOnceAreReplacedInParallel() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let old = try masters(daemon)
            let keys = try await Redis.fill(old.map(\.port), 900)
            let pids = old.compactMap(\.pid)
            for pid in pids { kill(pid, SIGKILL) }
            await settled(daemon, without: pids)
            let new = try masters(daemon)
            #expect(Set(new.map(\.name)).isDisjoint(with: old.map(\.name)) && new.count == 3)
            #expect(try await kept(keys, daemon) == keys.count)
            try await daemon.stop()
        }
    }

    @Test func aMasterAndItsOnlyReplicaRestartInPlace() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let master = try #require(try masters(daemon).first)
            let replica = try #require(try daemon.status().nodes.first { $0.replicaOf == master.name })
            let keys = try await Redis.fill(try masters(daemon).map(\.port), 300)
            let pids = [master, replica].compactMap(\.pid)
            for pid in pids { kill(pid, SIGKILL) }
            await settled(daemon, without: pids)
            #expect(try await kept(keys, daemon) == keys.count)
            try await daemon.stop()
        }
    }

    @Test func aRunningDaemonRestoresAClusterWhoseNodesAllDied() async throws {
        try await withDaemon { daemon in
            try daemon.up()
            try await daemon.ready()
            let keys = try await Redis.fill(try masters(daemon).map(\.port), 600)
            // Under `everysec` the engine delays a write while it syncs, for up to two seconds: no node has that write
            // yet.
            for port in try daemon.status().nodes.map(\.port) {
                #expect(
                    await eventually {
                        let info = try await Redis.send(port, "INFO", "persistence").text ?? ""
                        return info.contains("aof_pending_bio_fsync:0") && info.contains("aof_buffer_length:0")
                    })
            }
            let pids = try daemon.status().nodes.compactMap(\.pid)
            for pid in pids { kill(pid, SIGKILL) }
            await settled(daemon, without: pids)
            #expect(try await kept(keys, daemon) == keys.count)
            try await daemon.stop()
        }
    }

    @Test func aMasterWithoutReplicasRestartsInPlace() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "3", "--replicas", "0"])
            try await daemon.ready()
            let keys = try await Redis.fill(try masters(daemon).map(\.port), 300)
            let pid = try #require(try masters(daemon).first?.pid)
            kill(pid, SIGKILL)
            await settled(daemon, without: [pid])
            #expect(try await kept(keys, daemon) == keys.count)
            try await daemon.stop()
        }
    }

    // MARK: failing replicas

    @Test func aStoppedReplicaIsNotPromotedAndDoesNotTakeOverLater() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "3", "--replicas", "2"])
            try await daemon.ready()
            let master = try #require(try masters(daemon).first)
            let replicas = try daemon.status().nodes.filter { $0.replicaOf == master.name }
            // The first replica wins ties: it would be chosen.
            let stopped = try #require(replicas.first?.pid)
            kill(stopped, SIGSTOP)
            defer { kill(stopped, SIGCONT) }
            kill(try #require(master.pid), SIGKILL)
            let other = try #require(replicas.last)
            #expect(
                await eventually {
                    try daemon.status().nodes.first { $0.name == other.name }?.role == .master
                }, "\(daemon.output.suffix(1000))")
            let keys = try await Redis.fill([other.port], 300)
            kill(stopped, SIGCONT)
            await settled(daemon, without: [try #require(master.pid)])
            #expect(try masters(daemon).contains { $0.name == other.name })
            #expect(try await Redis.missing(keys, on: [other.port]) == 0)
            try await daemon.stop()
        }
    }

    /// A stopped replica reads the data in the kernel when it continues; the rest, still in the master's memory, is
    /// lost.
    private func fallBehind(_ daemon: Daemon) async throws -> (master: NodeDocument, replica: NodeDocument) {
        let master = try #require(try masters(daemon).first)
        let replica = try #require(try daemon.status().nodes.first { $0.replicaOf == master.name })
        let pid = try #require(replica.pid)
        kill(pid, SIGSTOP)
        let value = String(repeating: "x", count: 1 << 20)
        var tag = 0
        var written = 0
        while written < 48, tag < 1000 {
            if try await Redis.send(master.port, "SET", "big{\(tag)}\(written)", value) == .simple("OK") {
                written += 1
            } else {
                tag += 1
            }
        }
        // clusterd knows the master's offset.
        let seen = try daemon.status().nodes.first { $0.name == master.name }?.memoryBytes ?? 0
        #expect(
            await eventually {
                try (daemon.status().nodes.first { $0.name == master.name }?.memoryBytes ?? 0) >= max(seen, 48 << 20)
            })
        // With `appendfsync everysec` the engine holds back writes while the disk is busy, and a kill loses them.
        let folder = "\(daemon.data)/nodes/\(master.name)/appendonlydir"
        #expect(
            await eventually {
                let files = try FileManager.default.contentsOfDirectory(atPath: folder)
                let sizes = try files.map { file in
                    try FileManager.default.attributesOfItem(atPath: "\(folder)/\(file)")[.size] as? Int ?? 0
                }
                return sizes.reduce(0, +) >= 48 << 20
            })
        kill(try #require(master.pid), SIGKILL)
        kill(pid, SIGCONT)
        return (master, replica)
    }

    @Test func aReplicaBeyondTheLagLimitIsNotPromoted() async throws {
        try await withDaemon { daemon in
            try daemon.up(try configure(daemon, "supervision: {failover-max-lag: 1mb, hang-timeout: 5m}\n"))
            try await daemon.ready()
            let (master, _) = try await fallBehind(daemon)
            await settled(daemon, without: [try #require(master.pid)])
            let now = try #require(try daemon.status().nodes.first { $0.name == master.name })
            #expect(now.role == .master && (now.keys ?? 0) >= 48)
            #expect(daemon.output.contains("\(master.name) is restarted in place as master: "))
            try await daemon.stop()
        }
    }

    @Test func withoutALagLimitALaggingReplicaIsPromotedAndTheLossReportedInBytes() async throws {
        try await withDaemon { daemon in
            // On a slow machine the replica is stopped for long, and must not count as hung.
            try daemon.up(try configure(daemon, "supervision: {failover-max-lag: null, hang-timeout: 5m}\n"))
            try await daemon.ready()
            let (master, replica) = try await fallBehind(daemon)
            await settled(daemon, without: [try #require(master.pid)])
            #expect(try daemon.status().nodes.first { $0.name == replica.name }?.role == .master)
            let line = daemon.output.split(separator: "\n").last {
                $0.contains("\(replica.name) is now master in place of \(master.name)")
            }
            let words = line?.split(separator: " ") ?? []
            let bytes = words.firstIndex(of: "bytes").flatMap { Int(words[$0 - 1]) } ?? 0
            #expect(bytes > 1 << 20, "\(line ?? "")")
            // The old master's data are kept.
            let folders = try FileManager.default.contentsOfDirectory(atPath: daemon.data + "/quarantine")
            let folder = try #require(folders.first { $0.contains("-\(master.name)-data-") })
            let note = try String(contentsOfFile: "\(daemon.data)/quarantine/\(folder)/NOTE.txt", encoding: .utf8)
            let command = try #require(
                note.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
                    .first { $0.contains("--unixsocket") })
            #expect(try await read(command, daemon) >= 48)
            try await daemon.stop()
        }
    }

    /// Follows the note, in a separate folder; returns the number of keys.
    private func read(_ command: String, _ daemon: Daemon) async throws -> Int {
        let place = daemon.home + "/read"
        let server = Process()
        server.executableURL = URL(fileURLWithPath: "/bin/sh")
        server.arguments = [
            "-c",
            command.replacingOccurrences(of: "/tmp/read", with: place)
                .replacingOccurrences(of: "&& ", with: "&& exec "),
        ]
        server.standardOutput = FileHandle.nullDevice
        try server.run()
        defer {
            kill(server.processIdentifier, SIGKILL)
            server.waitUntilExit()
        }
        var count = 0
        #expect(
            await eventually {
                let cli = Process()
                let output = Pipe()
                cli.executableURL = URL(fileURLWithPath: "/usr/bin/env")
                cli.arguments = ["redis-cli", "-s", place + "/read.sock", "DBSIZE"]
                cli.standardOutput = output
                cli.standardError = FileHandle.nullDevice
                try cli.run()
                let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
                cli.waitUntilExit()
                count = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
                return count > 0
            })
        return count
    }

    // MARK: durable

    @Test func withDurableTheMasterRestartsWithEveryAcknowledgedWrite() async throws {
        try await withDaemon { daemon in
            try daemon.up(
                try configure(daemon, "redis: {appendfsync: always}\nsupervision: {failover: durable}\n"))
            try await daemon.ready()
            for _ in 0..<2 {
                let master = try #require(try masters(daemon).first)
                let replica = try #require(try daemon.status().nodes.first { $0.replicaOf == master.name })
                // None of these writes reaches the replica.
                kill(try #require(replica.pid), SIGSTOP)
                let keys = try await Redis.fill(try masters(daemon).map(\.port), 300)
                kill(try #require(master.pid), SIGKILL)
                kill(try #require(replica.pid), SIGCONT)
                await settled(daemon, without: [try #require(master.pid)])
                #expect(try masters(daemon).contains { $0.name == master.name })
                #expect(try await kept(keys, daemon) == keys.count)
            }
            try await daemon.stop()
        }
    }

    @Test func withDurableAReplicaIsPromotedIfTheMasterCannotLoadItsFile() async throws {
        try await withDaemon { daemon in
            try daemon.up(
                try configure(
                    daemon,
                    "redis: {appendfsync: always}\nsupervision: {failover: durable, restart-delay: 3s..10s}\n"))
            try await daemon.ready()
            let keys = try await Redis.fill(try masters(daemon).map(\.port), 300)
            let master = try #require(try masters(daemon).first)
            let pid = try #require(master.pid)
            kill(pid, SIGKILL)
            // Before the restart, its file is truncated.
            let folder = "\(daemon.data)/nodes/\(master.name)/appendonlydir"
            let name = try #require(
                FileManager.default.contentsOfDirectory(atPath: folder).first { $0.hasSuffix(".incr.aof") })
            let file = try #require(FileHandle(forWritingAtPath: "\(folder)/\(name)"))
            let size = try file.seekToEnd()
            try file.truncate(atOffset: size - 3)
            try file.close()
            await settled(daemon, without: [pid])
            #expect(try masters(daemon).allSatisfy { $0.name != master.name })
            #expect(try await kept(keys, daemon) == keys.count)
            try await daemon.stop()
        }
    }

    // MARK: competing failovers

    /// The daemon is stopped while the nodes detect the failure and hold an election, and continues at some moment of
    /// it.
    @Test(arguments: [400, 700, 1000, 1400]) func anElectionAndAFailoverOfClusterdPromoteOnlyOneReplica(
        milliseconds: Int
    ) async throws {
        try await withDaemon { daemon in
            try daemon.up(
                ["--masters", "3", "--replicas", "2"] + configure(daemon, "redis: {cluster-node-timeout: 300}\n"))
            try await daemon.ready()
            let master = try #require(try masters(daemon).first)
            let keys = try await Redis.fill(try masters(daemon).map(\.port), 300)
            let pid = daemon.process.processIdentifier
            kill(pid, SIGSTOP)
            let died = ContinuousClock.now
            kill(try #require(master.pid), SIGKILL)
            // The test is about this exact moment.
            #expect(await eventually { ContinuousClock.now - died >= .milliseconds(milliseconds) })
            kill(pid, SIGCONT)
            await settled(daemon, without: [try #require(master.pid)])
            let owners = try masters(daemon)
            #expect(owners.count == 3)
            #expect(try await kept(keys, daemon) == keys.count)
            // All nodes report the same master.
            for node in try daemon.status().nodes {
                let view = try await Redis.send(node.port, "CLUSTER", "NODES").text ?? ""
                let theirs = view.split(separator: "\n").filter {
                    $0.contains("master") && $0.contains("-") && $0.split(separator: " ").count > 8
                }
                #expect(theirs.count == 3, "\(view)")
            }
            try await daemon.stop()
        }
    }

    @Test func withFailoverOffTheMasterRestartsAndNoReplicaIsElected() async throws {
        try await withDaemon { daemon in
            try daemon.up(
                try configure(daemon, "redis: {cluster-node-timeout: 500}\nsupervision: {failover: off}\n"))
            try await daemon.ready()
            let master = try #require(try masters(daemon).first)
            let keys = try await Redis.fill(try masters(daemon).map(\.port), 300)
            kill(try #require(master.pid), SIGKILL)
            await settled(daemon, without: [try #require(master.pid)])
            #expect(try masters(daemon).contains { $0.name == master.name })
            #expect(try await kept(keys, daemon) == keys.count)
            #expect(
                try await Redis.send(master.port, "CONFIG", "GET", "cluster-replica-no-failover").elements?.last?.text
                    == "yes")
            try await daemon.stop()
        }
    }
}
