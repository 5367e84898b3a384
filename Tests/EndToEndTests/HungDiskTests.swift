import ControlAPI
import Foundation
import Testing

/// A disk whose writes do not return: that of the record and the timeline. The nodes' own folders are on another disk.
@Suite(
    .serialized,
    .enabled(if: FrozenDisk.isPermitted, "no file system can be frozen here: nothing about disks that hang is tested"))
struct HungDiskTests {
    private func withFrozenDisk(_ body: (Daemon, [String], FrozenDisk) async throws -> Void) async throws {
        try await withDaemon { daemon in
            let disk = try FrozenDisk(at: daemon.data)
            defer {
                disk.thaw()
                daemon.cleanUp()
                disk.remove()
            }
            let conf = daemon.home + "/conf.yaml"
            let folders = (0..<6).map { "  \"\(daemon.base + $0)\": {data-dir: \(daemon.home)/data-of-\($0)}\n" }
            try ("cluster: {min-free: 16mb}\nnodes:\n" + folders.joined())
                .write(toFile: conf, atomically: true, encoding: .utf8)
            let options = ["--config", conf]
            try daemon.up(options)
            try await daemon.ready()
            try await body(daemon, options, disk)
        }
    }

    private func masters(_ daemon: Daemon) throws -> [NodeDocument] {
        try daemon.status().nodes.filter { $0.role == .master }
    }

    private func told(_ daemon: Daemon, _ words: String) async -> Bool {
        await eventually { try daemon.command(["events", "--json", "-n", "500"]).output.contains(words) }
    }

    /// Kills a master while the disk is frozen, and returns it and its replica, which has taken over.
    private func replaceAMaster(_ daemon: Daemon, _ disk: FrozenDisk) async throws -> (NodeDocument, NodeDocument) {
        let before = try daemon.status().nodes
        let master = try #require(before.first { $0.role == .master })
        let candidate = try #require(before.first { $0.replicaOf == master.name })
        try #require(disk.freeze())
        kill(try #require(master.pid), SIGKILL)
        // The engine's own election takes longer than cluster-node-timeout, 15 s.
        let isReplaced = await eventually(within: .seconds(10)) {
            let status = try daemon.status()
            return status.cluster.serving && status.nodes.first { $0.name == candidate.name }?.role == .master
        }
        #expect(isReplaced, "\(daemon.output.suffix(1500))")
        return (master, candidate)
    }

    @Test func aMasterIsReplacedWhileTheRecordCannotBeWrittenAndTheRecordCatchesUp() async throws {
        try await withFrozenDisk { daemon, _, disk in
            let (master, _) = try await replaceAMaster(daemon, disk)
            // The dead master restarts: the record on disk has its folder and its ports.
            #expect(
                await eventually {
                    let node = try daemon.status().nodes.first { $0.name == master.name }
                    return node?.pid != nil && node?.pid != master.pid && node?.link == .up
                })
            #expect(
                await eventually {
                    try daemon.status().findings.contains {
                        $0.code == "disk-hangs" && $0.message.contains("state.json has not returned since")
                    }
                })
            let reexec = try daemon.command(["reexec"])
            #expect(reexec.exit == 1 && reexec.errors.contains("has not returned"), "\(reexec)")
            // The timeline is read from memory, too.
            #expect(await told(daemon, #""finding":"disk-hangs""#))
            #expect(await told(daemon, #""code":"promoted""#))
            #expect(disk.thaw())
            #expect(await eventually { try daemon.status().findings.allSatisfy { $0.code != "disk-hangs" } })
            try await daemon.ready()
            #expect(await told(daemon, "finding-cleared"))
            try await daemon.stop()
        }
    }

    @Test func afterACrashWithAnUnwrittenRecordTheNextDaemonFindsTheRolesOfTheNodes() async throws {
        try await withFrozenDisk { daemon, options, disk in
            let keys = try await Redis.fill(masters(daemon).map(\.port), 300)
            let (master, candidate) = try await replaceAMaster(daemon, disk)
            kill(daemon.process.processIdentifier, SIGKILL)
            // A thread that waits for the disk ends when the disk responds, and the process with it.
            #expect(disk.thaw())
            #expect(await daemon.ended() == SIGKILL)
            try daemon.up(options)
            try await daemon.ready()
            let nodes = try daemon.status().nodes
            #expect(nodes.first { $0.name == candidate.name }?.role == .master)
            #expect(nodes.first { $0.name == candidate.name }?.pid == candidate.pid)
            #expect(nodes.first { $0.name == master.name }?.role == .replica)
            #expect(try await Redis.missing(keys, on: masters(daemon).map(\.port)) == 0)
            try await daemon.stop()
        }
    }
}
