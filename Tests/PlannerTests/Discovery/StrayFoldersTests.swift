import ClusterModel
import Planner
import Testing

/// Folders in place of a member and beside the members: which are found, and what `fix` plans for them.
/// Invariants: unknown-is-data, idle-folder.
@Suite struct StrayFoldersTests {
    /// A settled cluster whose 7005 is down and whose folder holds `facts`.
    static func replaced(_ facts: (Scene) -> DirectoryFacts) -> Scene {
        var scene = Scene.settled()
        scene.die("7005")
        var there = facts(scene)
        there.path = Scene.folder("7005")
        scene.disk[there.path] = there
        scene.pass(.seconds(60))
        scene.look()
        scene.hear()
        return scene
    }

    static func stray(_ path: String, _ facts: DirectoryFacts) -> Scene {
        var scene = Scene.settled()
        var there = facts
        there.path = path
        scene.disk[path] = there
        scene.look()
        return scene
    }

    private func repair(_ scene: Scene, _ code: ReasonCode) -> Repair.SetAside? {
        let found = scene.decide().findings.filter { $0.code == code && $0.repair != nil }
        #expect(found.count == 1 && found.first?.hint == "clusterd fix")
        guard case .setAside(let move)? = found.first?.repair else { return nil }
        return move
    }

    @Test func aLoneNodeWithKeysInAMembersPlaceIsSetAsideByFix() throws {
        let scene = Self.replaced { _ in FolderClassificationTests.standalone("7005", keys: true) }
        #expect(scene.decide().nodes("start") == [] && scene.decide().orders("quarantine").isEmpty)
        let move = try #require(repair(scene, .standaloneWithKeys))
        #expect(move.member == "7005" && move.directory == "/data/nodes/7005" && move.path == "/data/nodes/7005")
        #expect(move.files == ["nodes-7005.conf", "appendonlydir"])
    }

    @Test func aCopyOfAnotherMemberInAMembersPlaceIsSetAsideByFix() throws {
        let scene = Self.replaced { $0.facts("7000") }
        let move = try #require(repair(scene, .directoryCopied))
        #expect(move.member == "7005" && move.files.contains("nodes-7000.conf"))
        #expect(!move.files.contains("redis.conf"), "clusterd rewrites its own file anyway")
        #expect(move.why.contains("copy of 7000's"))
    }

    /// Two folders were swapped by hand: setting one aside would take a node's only data out of the cluster.
    @Test func theOnlyFolderOfAnotherMemberIsNotSetAside() throws {
        var scene = Self.replaced { $0.facts("7004") }
        scene.die("7004")
        scene.disk[Scene.folder("7004")] = nil
        scene.pass(.seconds(60))
        scene.look()
        scene.hear()
        let finding = try #require(scene.decide().finding(.directoryMisplaced))
        #expect(finding.repair == nil && finding.node == "7005")
        #expect(finding.hint?.contains("/data/nodes/7004") == true)
    }

    @Test func strayFoldersBesideTheMembersAreFound() throws {
        let standalone = try #require(
            repair(
                Self.stray("/data/7009", FolderClassificationTests.standalone("7009", keys: true)),
                .standaloneWithKeys))
        #expect(
            standalone.member == nil && standalone.directory == "/data" && standalone.files == ["7009"]
                && standalone.path == "/data/7009")
        let copy = try #require(
            repair(Self.stray("/data/nodes/old", Scene.settled().facts("7001")), .directoryCopied))
        #expect(copy.directory == "/data/nodes" && copy.files == ["old"] && copy.label == "old")
        let empty = Self.stray("/data/7009", FolderClassificationTests.standalone("7009"))
        #expect(empty.decide().findings.allSatisfy { $0.repair == nil })
    }

    @Test func aFolderInUseIsLeftUnchanged() {
        var scene = Self.stray("/data/7009", FolderClassificationTests.standalone("7009", keys: true))
        scene.strangers = [
            .init(
                directory: "/data/7009", identity: ProcessIdentity(bootID: Scene.bootID, pid: 77, startTime: 1),
                command: "redis-server *:7009")
        ]
        scene.look()
        #expect(scene.decide().findings.allSatisfy { $0.repair == nil })
        #expect(scene.decide().finding(.directoryInUse) != nil)
    }

    @Test func aRequestedCheckReadsTheFoldersAgain() {
        var scene = Scene.settled()
        scene.seen.check.asked = scene.now + .seconds(5)
        scene.pass(.seconds(5))
        #expect(scene.decide().orders("survey").count == 1)
        scene.look()
        #expect(scene.decide().orders("survey").isEmpty)
    }
}
