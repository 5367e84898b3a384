import ClusterModel
import Testing

@testable import Planner

/// A node with unloadable data that the daemon restores without the operator: the finding says so, and is not an error.
@Suite struct ComebackTests {
    static let refusal = [
        "1:M 29 Nov 2026 07:10:00.000 # Bad or missing AOF manifest",
        "*** FATAL AOF MANIFEST FILE ERROR ***", "Empty AOF manifest",
    ]

    /// 7000 could not load its append-only file, and lacks a manifest.
    static func master(replicas: Int = 1, _ change: (inout Scene) -> Void = { _ in }) -> Scene {
        var scene = Scene.settled(replicas: replicas)
        change(&scene)
        scene.pass(.milliseconds(10))
        scene.lackManifest("7000")
        scene.die("7000", ProcessExit(code: 1), log: refusal)
        scene.look()
        return scene
    }

    @Test func unloadableDataOfAMasterAreAWarningWhileItsReplicaTakesOver() throws {
        var scene = Self.master()
        var told: [Finding] = []
        let end = scene.run { decision in
            told += decision.findings.filter { $0.code == .nodeDown }
            return decision.assessment.ready
        }
        #expect(end != nil && scene.masters[0] == "7003")
        #expect(told.allSatisfy { $0.severity == .warning && $0.hint == nil && $0.repair == nil }, "\(told)")
        #expect(told.allSatisfy { !$0.isLasting })
    }

    @Test func unloadableDataThatNeedTheOperatorAreAnError() throws {
        for change: (inout Scene) -> Void in [
            { $0.spec.supervision.failover = .off }, { $0.spec.supervision.restart = .never },
        ] {
            var scene = Self.master(change)
            for name: NodeName in ["7003"] { scene.die(name, ProcessExit(code: 1), log: Self.refusal) }
            scene.look()
            let end = scene.run { $0.findings.contains { $0.node == "7000" && $0.isLasting } }
            #expect(end != nil)
        }
        var alone = Self.master(replicas: 0)
        let finding = try #require(alone.run { $0.finding(.nodeDown) != nil }?.finding(.nodeDown))
        #expect(finding.isLasting && finding.repair != nil)
    }

    /// Both manifests are damaged: the replica syncs all data from its master, once that is repaired.
    @Test func aReplicaWithADamagedManifestWaitsForItsMaster() throws {
        var scene = Self.master { scene in
            scene.lackManifest("7003")
            scene.die("7003", ProcessExit(code: 1), log: Self.refusal)
        }
        scene.run { $0.findings.filter { $0.code == .nodeDown }.count == 2 }
        let findings = scene.decide().findings.filter { $0.code == .nodeDown }
        #expect(findings.filter { $0.repair != nil }.map(\.node) == ["7000"])
        let replica = try #require(findings.first { $0.node == "7003" })
        #expect(
            replica.severity == .warning && replica.message.hasSuffix("it copies all data from 7000 once 7000 serves"))
    }

    @Test func slotsWithoutAKnownOwnerWaitForTheOperator() {
        #expect(Finding(.slotsUnknown, .error, "7000 is not started").isLasting)
    }
}

extension Scene {
    /// The manifest of this node's append-only file is empty, and its parts are whole.
    mutating func lackManifest(_ node: NodeName) {
        var content = DirectoryContent.appendOnly(.keys)
        content.appendOnly?.files.insert(
            DataFile(
                name: "appendonlydir/appendonly.aof.1.base.rdb", size: 90, modified: Scene.wall, evidence: .keys), at: 0
        )
        content.appendOnly?.trouble = "appendonlydir/appendonly.aof.manifest cannot be read"
        content.appendOnly?.lacksManifest = true
        disk[Scene.folder(node)]?.content = content
    }
}
