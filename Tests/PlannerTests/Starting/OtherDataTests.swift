import ClusterModel
import Planner
import Testing

/// Data are the keys of every database, and functions without a key. Invariant: unknown-is-data.
@Suite struct OtherDataTests {
    struct Held: Sendable, CustomTestStringConvertible {
        var keys: Int64
        var libraries: Int64
        var words: String
        var testDescription: String { words }
        var isData: Bool { keys + libraries > 0 }
        func note(_ report: inout NodeReport) {
            report.load.keys = keys
            report.load.libraries = libraries
        }
    }

    static let held = [
        Held(keys: 50, libraries: 0, words: "50 keys"),
        Held(keys: 1, libraries: 2, words: "1 key and 2 libraries of functions"),
        Held(keys: 0, libraries: 1, words: "1 library of functions"), Held(keys: 0, libraries: 0, words: "0 keys"),
    ]

    /// All data are in memory: every node gives this reply, and its shard keeps no file.
    private static func inMemory(_ held: Held) -> Scene {
        var scene = Scene.settled()
        for name: NodeName in ["7000", "7003"] {
            scene.disk[Scene.folder(name)]?.content = DirectoryContent()
            scene.answer(name) { report in
                held.note(&report)
                report.persistence.appendOnly = false
                report.persistence.appendOnlyBytes = nil
            }
        }
        scene.record = scene.decide().record
        return scene
    }

    @Test(arguments: held) func theRecordKnowsAtOnceWhetherANodeHoldsData(held: Held) {
        var scene = Self.inMemory(Held(keys: 0, libraries: 0, words: ""))
        scene.pass(.milliseconds(500))
        scene.answer("7003", held.note)
        let last = scene.decide().record?.members[3].lastSeen
        #expect(last?.keys == held.keys && last?.libraries ?? 0 == held.libraries)
    }

    /// The replica is stopped while its master dies, and both keep everything in memory.
    @Test(arguments: held) func anEmptyMasterIsNotStartedOverAStoppedReplicaThatHoldsData(held: Held) {
        var scene = Self.inMemory(held)
        scene.pass(.milliseconds(10))
        scene.die("7000")
        scene.look()
        scene.seen.replies["7003"]?.outcome = .silent
        scene.pass(.seconds(4))
        scene.seen.survey?.askedAt = scene.now
        #expect(scene.decide().prepares("7000") == !held.isData)
    }

    @Test(arguments: held) func theFindingNamesTheLostData(held: Held) {
        var scene = Self.inMemory(held)
        scene.processes = [:]
        scene.replaceDaemon()
        let end = scene.run { $0.assessment.ready }
        let finding = end?.finding(.dataMissing)
        #expect((finding != nil) == held.isData)
        if let finding { #expect(finding.message.contains("7000 held \(held.words) when it was last seen")) }
    }

    /// There is no room for a promotion, and the master's file is gone.
    @Test(arguments: held) func anEmptyMasterDoesNotRestartInPlaceForLackOfRoom(held: Held) {
        var scene = Self.inMemory(held)
        scene.pass(.milliseconds(10))
        scene.die("7000")
        scene.look()
        scene.answer("7003", held.note)
        scene.room(0)
        #expect(scene.decide().finding(.failoverHeld)?.severity == (held.isData ? .error : .warning))
    }

    @Test func anOlderRecordHasNoFunctions() throws {
        #expect(NodeReport.Load.amount(keys: 1, libraries: 0) == "1 key")
        for held in Self.held {
            #expect(NodeReport.Load.amount(keys: held.keys, libraries: held.libraries) == held.words)
        }
    }

    /// `redis-cli --cluster fix` counts in database 0 alone, and the engine deletes the rest with the slot.
    @Test(arguments: [[], [1]]) func aHalfMovedSlotWithKeysInOtherDatabasesIsNotLeftToRedisCli(others: [Int]) throws {
        var scene = Scene.settled()
        var decision = scene.decide()
        for _ in 0..<30 {
            scene.hear()
            scene.answer("7000") { report in
                report.load.otherDatabases = others
                Self.entry(&report, "7000") { $0.migrating = [.init(slot: 5, node: Scene.id("7001"))] }
            }
            scene.answer("7001") { report in
                Self.entry(&report, "7001") { $0.importing = [.init(slot: 5, node: Scene.id("7000"))] }
                report.keysOfImportedSlots[5] = 1
            }
            decision = scene.decide()
            scene.take(decision)
            scene.pass(.milliseconds(500))
        }
        let finding = try #require(decision.finding(.slotOpen))
        let move = Repair.MoveKeys(from: "7000", to: "7001", slots: SlotSet(5...5), keys: 1)
        #expect(finding.repair == (others.isEmpty ? .finishMove(move) : nil))
        #expect((finding.hint == "clusterd fix") == others.isEmpty)
        #expect(finding.message.contains("would delete its keys outside database 0") == !others.isEmpty)
    }

    private static func entry(_ report: inout NodeReport, _ name: NodeName, _ change: (inout NodeEntry) -> Void) {
        guard let index = report.view.entries.firstIndex(where: { $0.id == Scene.id(name) }) else { return }
        change(&report.view.entries[index])
    }
}

extension Decision {
    /// Files for its start are written, or it is started.
    fileprivate func prepares(_ node: NodeName) -> Bool { (nodes("write") + nodes("start")).contains(node) }
}
