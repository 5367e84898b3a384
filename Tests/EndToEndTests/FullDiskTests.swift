import ControlAPI
import Foundation
import Testing

/// A full disk: while a cluster forms, when a master dies, at a start, for clusterd's record, and of one node alone.
/// The keys are counted afterwards. Invariants: epoch-room, record-first.
@Suite(
    .serialized,
    .enabled(if: SmallDisk.isPermitted, "no file system may be mounted here: nothing about full disks is tested"))
struct FullDiskTests {
    static let engines = Engines.all.filter { $0 == "redis-server" || $0.contains("valkey-9") }

    /// The daemon's data folder, or one in it, is a separate file system.
    private func withDisk(
        _ megabytes: Int, below: ((Daemon) -> String)? = nil, _ body: (Daemon, SmallDisk) async throws -> Void
    ) async throws {
        try await withDaemon { daemon in
            let disk = try SmallDisk(at: daemon.data + (below?(daemon) ?? ""), megabytes: megabytes)
            defer {
                daemon.cleanUp()
                disk.unmount()
            }
            try await body(daemon, disk)
        }
    }

    private func options(_ daemon: Daemon, _ server: String, _ more: String = "") throws -> [String] {
        let conf = daemon.home + "/conf.yaml"
        try ("cluster: {min-free: 16mb}\n" + more).write(toFile: conf, atomically: true, encoding: .utf8)
        return ["--config", conf, "--server", server]
    }

    private func fill(_ daemon: Daemon, _ prefix: String = "key") async throws -> [String] {
        try await Redis.fill(masters(daemon).map(\.port), 600, prefix: prefix)
    }

    private func missing(_ keys: [String], _ daemon: Daemon) async throws -> Int {
        try await Redis.missing(keys, on: masters(daemon).map(\.port))
    }

    private func masters(_ daemon: Daemon) throws -> [NodeDocument] {
        try daemon.status().nodes.filter { $0.role == .master }
    }

    private func node(_ daemon: Daemon, _ name: NodeDocument) throws -> NodeDocument {
        try #require(daemon.status().nodes.first { $0.name == name.name })
    }

    private func finding(_ daemon: Daemon, _ code: String) throws -> FindingDocument? {
        try daemon.status().findings.first { $0.code == code }
    }

    /// The data that each master had when the disk filled are in its file.
    private func settled(_ daemon: Daemon) async throws {
        for node in try daemon.status().nodes {
            #expect(
                await eventually {
                    let info = try await Redis.send(node.port, "INFO", "persistence").text ?? ""
                    return info.contains("aof_rewrite_in_progress:0") && info.contains("rdb_bgsave_in_progress:0")
                        && info.contains("aof_pending_bio_fsync:0") && info.contains("aof_buffer_length:0")
                })
        }
    }

    // MARK: forming

    @Test func aClusterFormsOnceTheDiskHasRoom() async throws {
        try await withDisk(128) { daemon, disk in
            try disk.fill(leaving: 8 << 20)
            try daemon.up(try options(daemon, "redis-server"))
            #expect(await eventually { try finding(daemon, "disk-full") != nil })
            let words = try #require(try finding(daemon, "disk-full")).message
            #expect(
                words.hasPrefix("\(daemon.data) has 7 MB free, and 16 MB are needed (cluster.min-free)"), "\(words)")
            #expect(daemon.process.isRunning && daemon.nodePIDs().isEmpty)
            disk.empty()
            try await daemon.ready()
            #expect(await eventually { disk.hasReserve })
            try await daemon.stop()
        }
    }

    // MARK: failover

    @Test(arguments: engines) func theReserveAllowsAFailoverOnAFullDisk(server: String) async throws {
        try await withDisk(128) { daemon, disk in
            try daemon.up(try options(daemon, server))
            try await daemon.ready()
            let keys = try await fill(daemon)
            try await settled(daemon)
            #expect(await eventually { disk.hasReserve })
            let before = try daemon.status().nodes
            let master = try masters(daemon)[0]
            let candidate = try #require(before.first { $0.replicaOf == master.name })
            try disk.fill()
            kill(try #require(master.pid), SIGKILL)
            #expect(await eventually { try node(daemon, candidate).role == .master && daemon.status().cluster.serving })
            #expect(!disk.hasReserve)
            // No other node exited because of it, and the dead one waits.
            #expect(
                await eventually {
                    try finding(daemon, "disk-full")?.message.hasSuffix("waiting for room: \(master.name)") == true
                })
            for other in before where other.name != master.name { #expect(try node(daemon, other).pid == other.pid) }
            #expect(try await missing(keys, daemon) == 0)
            disk.empty()
            try await daemon.ready()
            #expect(try await missing(keys, daemon) == 0)
            #expect(await eventually { disk.hasReserve })
            let events = try daemon.command(["events", "--json"]).output
            #expect(events.contains(#""code":"reserve-released""#) && events.contains(#""code":"reserve-made""#))
            try await daemon.stop()
        }
    }

    @Test(arguments: engines) func withoutAReserveTheMasterRestartsInPlace(server: String) async throws {
        try await withDisk(40) { daemon, disk in
            try daemon.up(try options(daemon, server))
            try await daemon.ready()
            let keys = try await fill(daemon)
            try await settled(daemon)
            // Whether the full disk took writes after the master's last report is unknown.
            #expect(
                await eventually { try masters(daemon).reduce(0) { $0 + Int($1.keys ?? 0) } == keys.count })
            let before = try daemon.status().nodes
            let master = try masters(daemon)[0]
            // Valkey saves its nodes.conf at its start, and exits if it cannot: it restarts in place if there is a
            // little room.
            try disk.fill(leaving: server.contains("valkey") ? 300 << 10 : 0)
            #expect(!disk.hasReserve)
            kill(try #require(master.pid), SIGKILL)
            #expect(
                await eventually {
                    let now = try node(daemon, master)
                    return try now.role == .master && now.pid != nil && now.pid != master.pid
                        && daemon.status().cluster.serving
                })
            #expect(daemon.output.contains("\(master.name) is restarted in place as master: there is no room"))
            for other in before where other.name != master.name { #expect(try node(daemon, other).pid == other.pid) }
            #expect(try await missing(keys, daemon) == 0)
            disk.empty()
            try await daemon.ready()
            #expect(try await missing(keys, daemon) == 0)
            #expect(try Set(masters(daemon).map(\.name)) == Set(before.filter { $0.role == .master }.map(\.name)))
            try await daemon.stop()
        }
    }

    /// Redis before 7.2 writes nodes.conf in place, and leaves half of it.
    @Test(arguments: engines) func aNodeThatDiedOfAFullDiskWaitsForRoomAndLosesNothing(server: String) async throws {
        try await withDisk(40) { daemon, disk in
            try daemon.up(try options(daemon, server))
            try await daemon.ready()
            let keys = try await fill(daemon)
            try await settled(daemon)
            let all = try masters(daemon)
            let master = all[0]
            let other = try #require(all[1].id)
            try disk.fill()
            // Each of these adds a line to nodes.conf: it grows beyond its page.
            for slot in 0..<150 {
                guard
                    (try? await Redis.send(
                        master.port, "CLUSTER", "SETSLOT", String(slot), "MIGRATING", other.text)) != nil
                else { break }
            }
            // Valkey's replica exits on the first of them, and the master then rejects the others.
            _ = try? await Redis.send(master.port, "CLUSTER", "BUMPEPOCH")
            #expect(await eventually { try node(daemon, master).lastExit?.kind == "disk-full" })
            #expect(
                await eventually {
                    try finding(daemon, "disk-full")?.message.contains("waiting for room: \(master.name)") == true
                })
            #expect(try node(daemon, master).restarts == 0)
            disk.empty()
            try await daemon.ready()
            #expect(try await missing(keys, daemon) == 0)
            try await daemon.stop()
        }
    }

    /// The engine would retry only after a write, and rejects writes until then.
    @Test func aFailedSaveIsRepeatedOnceThereIsRoom() async throws {
        try await withDisk(40) { daemon, disk in
            try daemon.up(try options(daemon, "redis-server"))
            try await daemon.ready()
            let keys = try await fill(daemon)
            try await settled(daemon)
            let port = try masters(daemon)[0].port
            try disk.fill()
            _ = try await Redis.send(port, "BGSAVE")
            #expect(await eventually { try await Redis.send(port, "PING").errorText?.hasPrefix("MISCONF") == true })
            disk.empty()
            #expect(await eventually { try await Redis.send(port, "PING") == .simple("PONG") })
            try await daemon.ready()
            #expect(try await missing(keys, daemon) == 0)
            try await daemon.stop()
        }
    }

    // MARK: restart

    @Test func aStartOnAFullDiskWaitsAndContinuesAutomatically() async throws {
        try await withDisk(128) { daemon, disk in
            let options = try options(daemon, "redis-server")
            try daemon.up(options)
            try await daemon.ready()
            let keys = try await fill(daemon)
            try await settled(daemon)
            kill(daemon.process.processIdentifier, SIGKILL)
            _ = await daemon.ended()
            for pid in daemon.nodePIDs() { kill(pid, SIGKILL) }
            #expect(await eventually { daemon.nodePIDs().isEmpty })
            try disk.fill()
            try daemon.up(options)
            #expect(
                await eventually { try finding(daemon, "disk-full")?.message.contains("waiting for room: ") == true })
            #expect(try daemon.status().cluster.phase == .ready && daemon.nodePIDs().isEmpty)
            disk.empty()
            try await daemon.ready()
            #expect(try await missing(keys, daemon) == 0)
            try await daemon.stop()
        }
    }

    // MARK: clusterd's record

    /// The nodes are on another disk, with room.
    @Test func withAnUnwritableRecordFailoversAndRestartsContinueFromMemory() async throws {
        try await withDisk(32) { daemon, disk in
            let folders = (0..<6).map { "  \"\(daemon.base + $0)\": {data-dir: \(daemon.home)/data-of-\($0)}\n" }
            try daemon.up(try options(daemon, "redis-server", "nodes:\n" + folders.joined()))
            try await daemon.ready()
            let keys = try await fill(daemon)
            try await settled(daemon)
            let before = try daemon.status().nodes
            let all = try masters(daemon)
            let candidate = try #require(before.first { $0.replicaOf == all[0].name })
            let replica = try #require(before.first { $0.replicaOf == all[1].name })
            try disk.fill()
            kill(try #require(all[0].pid), SIGKILL)
            #expect(await eventually { try node(daemon, candidate).role == .master && daemon.status().cluster.serving })
            #expect(await eventually { try finding(daemon, "record-not-written") != nil })
            kill(try #require(replica.pid), SIGKILL)
            #expect(
                await eventually {
                    let now = try node(daemon, replica)
                    return now.pid != nil && now.pid != replica.pid && now.link == .up
                })
            #expect(try await missing(keys, daemon) == 0)
            disk.empty()
            try await daemon.ready()
            #expect(try finding(daemon, "record-not-written") == nil)
            #expect(try await missing(keys, daemon) == 0)
            try await daemon.stop()
        }
    }

    // MARK: one node

    @Test(arguments: engines) func aMasterOnAFullDiskHandsOver(server: String) async throws {
        try await withDisk(64, below: { "/nodes/\($0.base)" }) { daemon, disk in
            try daemon.up(try options(daemon, server))
            try await daemon.ready()
            let keys = try await fill(daemon)
            #expect(await eventually { disk.hasReserve })
            let full = try #require(daemon.status().nodes.first { $0.port == daemon.base && $0.role == .master })
            let candidate = try #require(daemon.status().nodes.first { $0.replicaOf == full.name })
            let writer = ClusterWriter(try daemon.status().nodes.map(\.port), patience: .seconds(30))
            await writer.start(lanes: 3)
            try disk.fill()
            #expect(await eventually { try node(daemon, candidate).role == .master && daemon.status().cluster.serving })
            try disk.fill()
            #expect(await eventually { try finding(daemon, "disk-full")?.node == full.name })
            #expect(try daemon.status().cluster.serving)
            disk.empty()
            try await daemon.ready()
            await writer.end()
            #expect(await writer.failures == [])
            let lost = try await writer.lost(on: masters(daemon).map(\.port))
            #expect(lost.acknowledged == [])
            #expect(try await missing(keys, daemon) == 0)
            try await daemon.stop()
        }
    }
}
