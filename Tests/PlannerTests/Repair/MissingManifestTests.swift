import ClusterModel
import Testing

@testable import Planner

/// Invariant: last-copy.
@Suite struct MissingManifestTests {
    /// `node` has ended, and the manifest of its append-only file is missing.
    private func ended(_ node: NodeName, replicas: Int) throws -> Scene {
        var scene = Scene.settled(replicas: replicas)
        var facts = try #require(scene.disk[Scene.folder(node)])
        facts.content = .appendOnly(.keys)
        facts.content.appendOnly?.files.insert(
            DataFile(
                name: "appendonlydir/appendonly.aof.1.base.rdb", size: 90, modified: Scene.wall, evidence: .keys), at: 0
        )
        facts.content.appendOnly?.trouble = "appendonlydir/appendonly.aof.manifest is missing"
        facts.content.appendOnly?.lacksManifest = true
        scene.disk[Scene.folder(node)] = facts
        scene.pass(.milliseconds(10))
        scene.die(node, ProcessExit(signal: 9))
        scene.look()
        return scene
    }

    @Test func aMasterWithoutManifestIsNotStartedOverItsFiles() throws {
        var scene = try ended("7000", replicas: 0)
        for _ in 0..<40 {
            scene.hear()
            let decision = scene.turn()
            #expect(decision.nodes("start") == [] && decision.nodes("quarantine") == [])
            scene.pass(.milliseconds(100))
        }
        let finding = try #require(scene.decide().finding(.nodeDown))
        #expect(finding.message.contains("appendonly.aof.manifest is missing"))
        #expect(finding.hint == "clusterd fix")
        guard case .writeManifest(let write)? = finding.repair else {
            Issue.record("nothing is offered")
            return
        }
        #expect(
            write.text == "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n")
        #expect(write.path == "/data/nodes/7000/appendonlydir/appendonly.aof.manifest")
        #expect(finding.repair?.text.contains("copy appendonlydir to quarantine/") == true)
    }

    @Test func fixCopiesTheFilesWritesTheManifestAndStartsTheMaster() throws {
        var scene = try ended("7000", replicas: 0)
        scene.run { $0.finding(.nodeDown)?.repair != nil }
        let repair = try #require(scene.decide().finding(.nodeDown)?.repair)
        try scene.ask(.fix([repair.id]))
        var orders: [String] = []
        scene.run { decision in
            orders += decision.deeds.filter { deed in
                ["preserve", "manifest", "start"].contains { deed.hasPrefix($0 + " ") }
            }
            return decision.record?.operations.contains(where: \.isOpen) == false
        }
        #expect(orders.map { $0.split(separator: " ")[0] } == ["preserve", "manifest", "start"])
        #expect(scene.operation?.state == .done, "\(scene.operation?.error ?? "")")
    }

    @Test func aReplicaWithoutManifestSyncsAllDataFromItsMaster() throws {
        var scene = try ended("7004", replicas: 1)
        var moved: [String] = []
        let started = scene.run { decision in
            for case .quarantine(let move) in decision.effects where move.node == "7004" { moved += move.files }
            return decision.nodes("start") == ["7004"]
        }
        #expect(started != nil && moved == ["appendonlydir"])
    }

    @Test func aManifestIsProposedOnlyForOneBaseAndOneIncrement() {
        func text(_ names: [String]) -> String? {
            let files = names.map {
                DataFile(name: "appendonlydir/\($0)", size: 1, modified: Scene.wall, evidence: .keys)
            }
            return AOFManifest.text(
                for: AppendOnlyFiles(directoryName: "appendonlydir", files: files), DataFileNames())
        }
        #expect(text(["appendonly.aof.2.base.aof"]) != nil)
        #expect(text(["appendonly.aof.2.base.aof", "appendonly.aof.7.incr.aof"]) != nil)
        #expect(text(["appendonly.aof.1.incr.aof"]) == nil, "the base is missing")
        #expect(text(["appendonly.aof.1.base.rdb", "appendonly.aof.2.base.rdb"]) == nil)
        #expect(
            text(["appendonly.aof.1.base.rdb", "appendonly.aof.1.incr.aof", "appendonly.aof.2.incr.aof"]) == nil,
            "one of the increments may be history")
    }
}
