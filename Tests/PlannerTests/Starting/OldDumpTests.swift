import ClusterModel
import Planner
import Testing

/// A shard that keeps everything in memory has the dump of its last full synchronisation on disk, and loads it.
/// Invariant: no-older-master.
@Suite struct OldDumpTests {
    /// All nodes were killed; the first shard has a dump this many seconds older than its last report.
    private static func dark(save: [String]?, age: Int64, appendOnly: Bool = false) -> Scene {
        var scene = Scene.settled()
        scene.spec.directives = [
            .init(name: "appendonly", arguments: [appendOnly ? "yes" : "no"]),
            .init(name: "repl-diskless-sync", arguments: ["no"]),
        ]
        if let save { scene.spec.directives.append(.init(name: "save", arguments: save)) }
        scene.processes = [:]
        for index in [0, 3] {
            scene.record?.members[index].appendOnly = appendOnly
            scene.record?.members[index].lastSeen?.appendOnlyBytes = appendOnly ? 100 : nil
        }
        scene.disk[Scene.folder("7003")]?.content = DirectoryContent()
        if !appendOnly {
            scene.disk[Scene.folder("7000")]?.content = .dump(savedAt: Scene.wall + .seconds(-age))
        }
        scene.replaceDaemon()
        return scene
    }

    @Test(
        arguments: [
            ([""], Int64(3600), false, true), ([""], 5, false, false), (["3600", "1"], 3600, false, false),
            (nil, 3600, false, false), ([""], 3600, true, false),
        ] as [([String]?, Int64, Bool, Bool)])
    func keysOfAnOldSynchronisationAreAFinding(save: [String]?, age: Int64, appendOnly: Bool, isSaid: Bool) {
        var scene = Self.dark(save: save, age: age, appendOnly: appendOnly)
        let end = scene.run { $0.assessment.serving && $0.assessment.progress.agreeing >= 5 }
        let finding = end?.finding(.dataOld)
        #expect((finding?.node == "7000") == isSaid)
        if let finding { #expect(finding.message.contains("keys deleted since then are back")) }
    }
}
