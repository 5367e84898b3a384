import ClusterModel
import Planner
import Testing

/// Invariant: complete-candidate. With `repl-diskless-sync` a replica's link is up before its master sends it anything.
@Suite struct StreamStartTests {
    /// All links came up just now.
    private static func linked(diskless: String?) -> Scene {
        var scene = Scene.settled()
        scene.spec.directives.removeAll { $0.name == "repl-diskless-sync" }
        if let diskless { scene.spec.directives.append(.init(name: "repl-diskless-sync", arguments: [diskless])) }
        return scene
    }

    @Test(arguments: [nil, "yes"]) func aReplicaIsInSyncOnlyWhenItsStreamFlows(diskless: String?) {
        var scene = Self.linked(diskless: diskless)
        let early = scene.decide().assessment
        #expect(early.node("7003")?.health == .syncing && !early.ready && early.shards[0].canFailOver == false)
        scene.pass(.milliseconds(1200))
        scene.hear()
        let later = scene.decide().assessment
        #expect(later.node("7003")?.health == .ok && later.ready && later.shards[0].canFailOver)
    }

    @Test func withADumpOnDiskItIsInSyncAtOnce() {
        #expect(Self.linked(diskless: "no").decide().assessment.ready)
    }

    @Test func redis6SynchronizesWithADumpOnDisk() {
        var scene = Self.linked(diskless: nil)
        scene.seen.engine.version = EngineVersion(6, 2, 5)
        #expect(scene.decide().assessment.node("7003")?.health == .ok)
    }

    /// It has answered since its replica's link came up, and its file is whole.
    private static func firstOrder(in scene: inout Scene) -> (promoted: [NodeName], started: [NodeName]) {
        scene.die("7000")
        let decision = scene.run { !$0.nodes("promote").isEmpty || !$0.nodes("start").isEmpty }
        return (decision?.nodes("promote") ?? [], decision?.nodes("start") ?? [])
    }

    @Test func aMasterThatDiesBeforeTheStreamFlowsStartsInPlace() {
        var scene = Self.linked(diskless: nil)
        #expect(Self.firstOrder(in: &scene) == ([], ["7000"]))
    }

    @Test func aMasterThatDiesLaterIsReplaced() {
        var scene = Self.linked(diskless: nil)
        scene.pass(.milliseconds(1300))
        scene.hear()
        #expect(Self.firstOrder(in: &scene) == (["7003"], []))
    }

    /// There is nothing else.
    @Test func aReplicaTakesOverFromAMasterWithoutFiles() {
        var scene = Self.linked(diskless: nil)
        scene.disk[Scene.folder("7000")]?.content = DirectoryContent()
        #expect(Self.firstOrder(in: &scene).promoted == ["7003"])
    }
}
