import ClusterModel
import Planner
import Testing

/// A start of the whole cluster over its data: the masters take their slots over from ghosts, as those of a new cluster do.
@Suite struct StartFromGhostsTests {
    private static let masters: [NodeName] = ["7000", "7001", "7002"]

    /// No node runs, and the daemon has just begun.
    private static func booted(_ change: (inout Scene) -> Void = { _ in }) -> Scene {
        var scene = Scene.settled()
        scene.processes = [:]
        scene.replaceDaemon()
        change(&scene)
        return scene
    }

    /// The masters run, and have answered.
    private static func unborn() -> Scene {
        var scene = booted()
        scene.run { $0.nodes("start") == masters }
        for name in masters { scene.answer(name) }
        return scene
    }

    @Test func mastersTakeTheirSlotsFromGhosts() {
        var scene = Self.booted()
        let before = Self.masters.map { scene.myself($0)?.slots }
        var order: [NodeName] = []
        let end = scene.run { decision in
            order += decision.nodes("take over")
            return decision.assessment.ready
        }
        #expect(order == Self.masters)
        #expect(end?.record?.ghosts == nil && end?.record?.ghostEpoch == nil)
        #expect(end?.assessment.shards.map(\.master) == Self.masters)
        #expect(Self.masters.map { scene.myself($0)?.slots } == before)
    }

    /// Invariant: slots-kept. The record says that files may name ghosts before one does.
    @Test func theRecordIsWrittenBeforeTheFirstFile() {
        var scene = Self.booted()
        let decision = scene.come { $0.record?.ghosts == true }
        #expect(decision.record?.ghostEpoch == 3)
        #expect(decision.orders("write").isEmpty && decision.nodes("start").isEmpty)
    }

    @Test func replicasStartWhenTheGhostsAreForgotten() {
        var scene = Self.unborn()
        let decision = scene.come { !$0.orders("forget").isEmpty }
        #expect(decision.nodes("start") == [] && decision.waits.contains(.birth))
        let end = scene.run { !$0.nodes("start").isEmpty }
        #expect(end?.nodes("start") == ["7003", "7004", "7005"])
    }

    /// The replicas of other masters have waited long enough, but its own would only follow the ghost.
    @Test func aReplicaWaitsForItsMasterHoweverLongThatLoads() {
        var scene = Self.booted()
        scene.run { $0.nodes("start") == Self.masters }
        scene.pass(.seconds(11))
        for name in Self.masters { scene.answer(name) }
        scene.seen.replies["7000"]?.outcome = .answered("LOADING Redis is loading the dataset in memory")
        let decision = scene.decide()
        #expect(decision.waits.contains(.birth) && decision.waits.contains(.slots(of: Self.masters)))
        for _ in 0..<200 {
            let findings = scene.turn().findings
            #expect(!findings.contains { $0.node == "7003" && $0.code == .nodeNotRunning })
            scene.seen.replies["7000"]?.outcome = .answered("LOADING Redis is loading the dataset in memory")
        }
        #expect(scene.processes["7003"] == nil && scene.decide().assessment.phase == .ready)
        #expect(scene.processes["7004"] != nil && scene.processes["7005"] != nil)
    }

    /// Invariant: last-copy. No engine can copy from a ghost, so there is nothing to keep.
    @Test func noDataAreLinkedIntoQuarantine() {
        var scene = Self.booted()
        var kept: [Effect] = []
        scene.run { decision in
            kept += decision.orders("preserve")
            return decision.assessment.ready
        }
        #expect(kept.isEmpty)
    }

    /// A daemon that was killed after some files were written: the others are written for ghosts too, otherwise the nodes would see two
    /// owners of the same epoch.
    @Test(arguments: [false, true]) func aNextDaemonContinues(recordIsLost: Bool) {
        var scene = Self.booted()
        let written = scene.come { !$0.orders("write").isEmpty }
        scene.take(written)
        if let first = written.orders("write").first { scene.perform(first) }
        #expect(scene.myself("7000")?.followsGhost == true)
        #expect(scene.myself("7001")?.followsGhost == false)
        scene.replaceDaemon()
        if recordIsLost { scene.loseRecord() }
        var order: [NodeName] = []
        let end = scene.run { decision in
            order += decision.nodes("take over")
            return decision.assessment.ready
        }
        #expect(order == Self.masters)
        #expect(end?.record?.ghosts == nil)
    }

    /// It starts as everybody knows it.
    @Test func aMasterThatHasItsSlotsRestartsAsMaster() {
        var scene = Self.unborn()
        scene.run { $0.nodes("take over") == ["7001"] }
        scene.die("7000")
        _ = scene.come { $0.nodes("start") == ["7000"] }
        #expect(scene.myself("7000")?.flags.contains(.master) == true)
    }

    @Test func aMasterThatHasNotRestartsAsItStarted() {
        var scene = Self.unborn()
        scene.die("7001")
        _ = scene.come { $0.nodes("start") == ["7001"] }
        #expect(scene.myself("7001")?.followsGhost == true)
    }

    /// It delays no other shard, and its own replica takes its place.
    @Test func aMasterThatCannotLoadItsFilesIsReplaced() {
        var scene = Self.unborn()
        scene.die(
            "7000", ProcessExit(code: 1),
            log: ["Bad file format reading the append only file appendonly.aof.1.incr.aof"])
        let end = scene.run { $0.assessment.node("7003")?.role == .master && $0.assessment.slotsCovered == 16384 }
        #expect(end?.assessment.node("7003")?.slots == SlotSet(0...5460))
    }

    @Test func anotherShardIsNotDelayedByAMasterThatIsDown() {
        var scene = Self.unborn()
        scene.die("7000", failures: 5)
        let started = scene.come { $0.nodes("start").contains("7004") }
        #expect(started.record?.ghosts == true)
    }

    /// A stop that comes between keeps what the last clean stop said.
    @Test func aStopBeforeTheTakeoverSaysNothingNew() {
        var scene = Self.unborn()
        let before = scene.record?.member("7000")?.lastSeen
        scene.die("7000", ProcessExit(code: 0))
        #expect(scene.decide().record?.member("7000")?.lastSeen == before)
    }

    enum Case: CaseIterable, Sendable {
        case aNodeRuns, wasNeverReady, isPaused, hasAnAccessList, slotIsOpen, filesAreLarge, filesAreUnknown
    }

    /// Then all start as everybody knows them.
    @Test(arguments: Case.allCases) func aSpecialStartTakesThePlainPath(kind: Case) {
        var scene = Self.booted { scene in
            switch kind {
            case .aNodeRuns: scene.processes["7005"] = Scene.identity("7005")
            case .wasNeverReady: scene.record?.everReady = false
            case .isPaused: scene.record?.pause = Pause(since: Scene.wall, until: nil)
            case .hasAnAccessList: scene.spec.directives.append(.init(name: "aclfile", arguments: ["users.acl"]))
            case .slotIsOpen:
                scene.edit("7000") { $0.migrating = [.init(slot: 5, node: Scene.id("7001"))] }
            case .filesAreLarge:
                scene.disk[Scene.folder("7001")]?.content.appendOnly?.files[0].size = 400_000_000
            case .filesAreUnknown: scene.disk[Scene.folder("7001")]?.content.trouble = "permission denied"
            }
        }
        for _ in 0..<50 { scene.turn() }
        #expect(scene.record?.ghosts == nil)
        let entries = Self.masters.compactMap { scene.myself($0) }
        #expect(entries.map(\.followsGhost) == [false, false, false])
    }
}

extension Scene {
    /// What the file in the folder of this node says about it.
    fileprivate func myself(_ name: NodeName) -> NodeEntry? { disk[Self.folder(name)]?.parsed?.view.myself }

    fileprivate mutating func edit(_ name: NodeName, _ change: (inout NodeEntry) -> Void) {
        guard var file = disk[Self.folder(name)]?.parsed,
            let index = file.view.entries.firstIndex(where: { $0.flags.contains(.myself) })
        else { return }
        change(&file.view.entries[index])
        disk[Self.folder(name)]?.nodesFile = .parsed(file)
    }
}
