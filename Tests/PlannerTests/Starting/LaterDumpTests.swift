import ClusterModel
import Planner
import Testing

/// A dump that is newer than the append-only file beside it: `appendonly` may have been switched off while no daemon ran.
/// Invariants: no-older-master, last-copy.
@Suite struct LaterDumpTests {
    /// The nodes of the first shard exit while no daemon runs, with a dump this many seconds newer than the last
    /// append.
    private static func dark(
        replicas: Int = 1, age: Int64 = 60, _ change: (inout RDBHeader, LastSeen) -> Void = { _, _ in }
    ) throws -> Scene {
        var scene = Scene.settled(replicas: replicas)
        scene.processes = [:]
        for name: NodeName in replicas > 0 ? ["7000", "7003"] : ["7000"] {
            let index = try #require(scene.record?.index(name))
            scene.record?.members[index].lastSeen?.appendOnlyBytes = 100
            let last = try #require(scene.record?.members[index].lastSeen)
            var content = DirectoryContent.dump(savedAt: Scene.wall + .seconds(age))
            content.dumps[0].header?.replicationID = last.replicationID
            content.dumps[0].header?.replicationOffset = last.offset + 5000
            if var header = content.dumps[0].header {
                change(&header, last)
                content.dumps[0].header = header
            }
            content.appendOnly = DirectoryContent.appendOnly(.keys).appendOnly
            scene.disk[Scene.folder(name)]?.content = content
        }
        scene.replaceDaemon()
        return scene
    }

    /// `appendonly` of the redis.conf with which 7000 starts.
    private static func started(_ scene: inout Scene) throws -> String {
        let decision = try #require(scene.run { $0.nodes("start").contains("7000") })
        _ = decision
        let files = try #require(scene.disk[Scene.folder("7000")]?.redisConf)
        return files.appendOnly == true ? "yes" : "no"
    }

    @Test func aNewerDumpIsLoadedIfItContinuesTheStreamAndIsComplete() throws {
        var scene = try Self.dark()
        #expect(try Self.started(&scene) == "no")
    }

    static let otherwise: [@Sendable (inout RDBHeader, LastSeen) -> Void] = [
        // From an engine that was started by hand with other data.
        { header, _ in header.replicationID = String(repeating: "e", count: 40) },
        // Saved before the node's last report.
        { header, last in header.replicationOffset = last.offset },
        { header, last in header.savedAt = Scene.wall + .seconds(5) },
    ]

    @Test(arguments: otherwise.indices)
    func theAppendOnlyFileIsLoadedIfTheDumpIsNotProvenNewer(_ index: Int) throws {
        var scene = try Self.dark(Self.otherwise[index])
        #expect(try Self.started(&scene) == "yes")
        #expect(scene.decide().finding(.dataUndecided) == nil)
    }

    @Test func aDumpIsLoadedOnlyIfItHasTheLaterAppends() throws {
        var scene = try Self.dark()
        scene.disk[Scene.folder("7000")]?.content.appendOnly?.files[0].size = 100 + 5001
        #expect(try Self.started(&scene) == "yes")
    }

    @Test(arguments: [(Int64(0), false), (7, true)])
    func aDumpWithoutAStreamIsKeptIfItsKeyCountDiffers(more: Int64, isSaid: Bool) throws {
        var scene = try Self.dark(replicas: 0) { header, last in
            (header.replicationID, header.replicationOffset) = (nil, nil)
            header.keys = last.keys + more
        }
        var kept: [Effect] = []
        let decision = scene.run { decision in
            kept += decision.orders("preserve")
            return decision.nodes("start").contains("7000")
        }
        #expect((decision?.finding(.dataUndecided)?.node == "7000") == isSaid)
        #expect(kept.isEmpty != isSaid)
    }
}
