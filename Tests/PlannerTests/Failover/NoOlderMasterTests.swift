import ClusterModel
import Planner
import Testing

/// Invariants: no-older-master, last-copy. No node of the shard runs: the folders and the record are the only evidence.
@Suite struct NoOlderMasterTests {
    /// All processes were killed, including clusterd, and a new daemon starts.
    private static func dark(replicas: Int = 1, _ change: (inout Scene) -> Void = { _ in }) -> Scene {
        var scene = Scene.settled(replicas: replicas)
        scene.processes = [:]
        change(&scene)
        scene.replaceDaemon()
        return scene
    }

    private static let empty = DirectoryContent()

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// The master of the first shard in the end.
        var master: NodeName
        var finding: ReasonCode?
        var change: @Sendable (inout Scene) -> Void

        init(
            _ words: String, _ master: NodeName, finding: ReasonCode? = nil,
            _ change: @escaping @Sendable (inout Scene) -> Void
        ) {
            testDescription = words
            self.master = master
            self.finding = finding
            self.change = change
        }
    }

    static let cases = [
        Case("no evidence for another node: the master keeps its role", "7000") { _ in },
        Case("the master's data are gone", "7003") { $0.disk[Scene.folder("7000")]?.content = empty },
        Case("the master's folder is missing", "7003") { $0.disk[Scene.folder("7000")] = nil },
        Case("the replica's data are gone", "7000") { $0.disk[Scene.folder("7003")]?.content = empty },
        Case("the data of both are lost", "7000", finding: .dataMissing) { scene in
            for name: NodeName in ["7000", "7003"] { scene.disk[Scene.folder(name)]?.content = empty }
        },
        Case("the master has an hour-old dump", "7003") { scene in
            scene.disk[Scene.folder("7000")]?.content = .dump(savedAt: Scene.wall + .seconds(-3600))
        },
        Case("both have dumps, the replica's is newer", "7003") { scene in
            scene.disk[Scene.folder("7000")]?.content = .dump(savedAt: Scene.wall + .seconds(-3600))
            scene.disk[Scene.folder("7003")]?.content = .dump(savedAt: Scene.wall + .seconds(-60))
        },
        Case("both have dumps, the master's is newer", "7000") { scene in
            scene.disk[Scene.folder("7000")]?.content = .dump(savedAt: Scene.wall + .seconds(-60))
            scene.disk[Scene.folder("7003")]?.content = .dump(savedAt: Scene.wall + .seconds(-3600))
        },
        Case("the master's append-only file lacks a part", "7003") { scene in
            scene.disk[Scene.folder("7000")]?.content.appendOnly?.trouble = "it names a file that is not there"
        },
        Case("the master's append-only file ends earlier than it did, between two commands", "7003") { scene in
            scene.record?.members[0].lastSeen?.appendOnlyBytes = 5000
            scene.record?.members[0].lastSeen?.at = Scene.wall + .seconds(1)
        },
        Case("the same, and the replica was out of sync for an hour", "7000", finding: .dataUndecided) { scene in
            scene.record?.members[0].lastSeen?.appendOnlyBytes = 5000
            scene.record?.members[0].lastSeen?.at = Scene.wall + .seconds(1)
            scene.record?.members[3].lastSeen?.syncedAt = Scene.wall + .seconds(-3600)
        },
        Case("the same cut, and the file was rewritten before the clock was set back", "7003") { scene in
            scene.record?.members[0].lastSeen?.appendOnlyBytes = 5000
            scene.disk[Scene.folder("7000")]?.content.appendOnly?.files[0].modified = Scene.wall + .seconds(3600)
        },
        Case("the file was rewritten to fewer bytes after the node was last seen", "7000") { scene in
            scene.record?.members[0].lastSeen?.appendOnlyBytes = 5000
            scene.record?.members[0].lastSeen?.at = Scene.wall + .seconds(-10)
        },
        Case("the same, and then the clock was set back", "7000") { scene in
            scene.record?.members[0].lastSeen?.appendOnlyBytes = 5000
            scene.record?.members[0].lastSeen?.clockSetBack = true
            scene.disk[Scene.folder("7000")]?.content.appendOnly?.files[0].modified = Scene.wall + .seconds(3600)
        },
        Case("the replica's file was written for a minute after the master's", "7003") { scene in
            scene.disk[Scene.folder("7003")]?.content.appendOnly?.files[0].modified = Scene.wall + .seconds(60)
        },
        Case("the replica's file was rewritten entirely, a minute after the master's", "7000") { scene in
            scene.disk[Scene.folder("7003")]?.content.appendOnly?.files = [
                DataFile(
                    name: "appendonlydir/appendonly.aof.2.base.rdb", size: 100, modified: Scene.wall + .seconds(60),
                    evidence: .keys)
            ]
        },
        Case("the replica has newer data and was stopped by the operator", "7000", finding: .dataUndecided) { scene in
            scene.disk[Scene.folder("7000")]?.content = .dump(savedAt: Scene.wall + .seconds(-3600))
            scene.record?.members[3].wanted = .stopped
        },
    ]

    @Test(arguments: cases) func theNodeWithTheNewestKnownDataBecomesMaster(_ row: Case) {
        var scene = Self.dark(row.change)
        var started: [NodeName] = []
        let end = scene.run { decision in
            started += decision.nodes("start").filter { ["7000", "7003"].contains($0) }
            return decision.assessment.serving && decision.assessment.progress.agreeing >= 5
        }
        #expect(scene.masters[0] == row.master)
        #expect(started.first == row.master, "it is started first, and alone")
        if let code = row.finding { #expect(end?.finding(code)?.node == "7000") }
    }

    @Test func undecidableDataAreKeptOnBothNodes() {
        var scene = Self.dark { scene in
            scene.record?.members[0].lastSeen?.appendOnlyBytes = 5000
            scene.record?.members[0].lastSeen?.at = Scene.wall + .seconds(1)
            scene.record?.members[3].lastSeen?.syncedAt = Scene.wall + .seconds(-3600)
        }
        var kept: [NodeName] = []
        scene.run { decision in
            kept += decision.nodes("preserve")
            return decision.assessment.ready
        }
        #expect(kept == ["7000", "7003"])
    }

    /// The master's data are lost, and one of two replicas is promoted: the other drops its own data for those of the
    /// new master.
    @Test func theOtherReplicasDataAreKeptBeforeOneIsPromoted() {
        var scene = Self.dark(replicas: 2) { $0.disk[Scene.folder("7000")]?.content = Self.empty }
        var kept: [NodeName] = []
        scene.run { decision in
            kept += decision.nodes("preserve")
            guard let promotion = decision.promotion else { return decision.assessment.ready }
            #expect(kept.contains(promotion.replica == "7003" ? "7006" : "7003"))
            return decision.assessment.ready
        }
        #expect(["7003", "7006"].contains(scene.masters[0]))
    }

    @Test func theDataOfAReplicaThatStayedInSyncAreNotCopied() {
        var scene = Self.dark()
        scene.run { decision in
            #expect(decision.nodes("preserve") == [])
            return decision.assessment.ready
        }
    }

    /// Unsynced writes were lost with the host, and the two nodes of a shard do not sync at the same moment.
    @Test(arguments: [("everysec", ["7003", "7004", "7005"]), ("no", ["7003", "7004", "7005"]), ("always", [])])
    func afterAHostCrashUnsyncedDataOfAReplicaAreKept(fsync: String, expected: [NodeName]) {
        var scene = Self.dark { scene in
            for index in 0..<6 {
                scene.record?.members[index].lastSeen?.bootID = "an earlier one"
                scene.record?.members[index].lastSeen?.appendFsync = fsync
                scene.record?.members[index].lastSeen?.appendOnlyBytes = 100
            }
        }
        var kept: [NodeName] = []
        scene.run { decision in
            kept += decision.nodes("preserve")
            return decision.assessment.ready
        }
        #expect(kept.sorted() == expected)
    }

    /// A replica that exited cleanly just before has its complete file; its master, which ran on, may not.
    @Test(arguments: [true, false])
    func afterAHostCrashTheDataOfACleanlyStoppedReplicaAreKeptUnlessItsMasterStoppedToo(wholeCluster: Bool) {
        var scene = Self.dark { scene in
            for index in 0..<6 {
                scene.record?.members[index].lastSeen?.bootID = "an earlier one"
                scene.record?.members[index].lastSeen?.appendOnlyBytes = 100
                guard wholeCluster || index == 3 else { continue }
                let last = scene.record?.members[index].lastSeen
                scene.record?.members[index].cleanStop = last
            }
        }
        var kept: [NodeName] = []
        scene.run { decision in
            kept += decision.nodes("preserve")
            return decision.assessment.ready
        }
        #expect(kept.sorted() == (wholeCluster ? [] : ["7003", "7004", "7005"]))
    }

    /// The engine itself detects that the file is truncated, exits, and logs the reason.
    @Test func aMasterThatCannotLoadItsFileIsReplacedByAReplicaThatCan() {
        var scene = Self.dark()
        scene.run { $0.nodes("start").contains("7000") }
        scene.die("7000", ProcessExit(code: 1), log: ["Unexpected end of file reading the append only file"])
        let end = scene.run { $0.assessment.serving && $0.assessment.progress.agreeing >= 5 }
        #expect(scene.masters[0] == "7003")
        #expect(end?.assessment.node("7003")?.role == .master)
    }

    /// A power loss: the end of the master's file is torn, and its replica's file is shorter than before. Neither is
    /// known to be newer.
    @Test(arguments: [true, false])
    func aMasterThatCannotLoadItsFileIsReplacedOnlyByAReplicaThatWasInSync(wasInSync: Bool) {
        var scene = Self.dark { scene in
            for index in [0, 3] {
                scene.record?.members[index].lastSeen?.appendOnlyBytes = 5000
                scene.record?.members[index].lastSeen?.at = Scene.wall + .seconds(1)
            }
            if !wasInSync { scene.record?.members[3].lastSeen?.syncedAt = Scene.wall + .seconds(-3600) }
        }
        scene.run { $0.nodes("start").contains("7000") }
        scene.die("7000", ProcessExit(code: 1), log: ["Unexpected end of file reading the append only file"])
        var moved: [NodeName] = []
        let end = scene.run { decision in
            moved += decision.nodes("quarantine")
            return wasInSync ? decision.assessment.ready : decision.finding(.nodeDown) != nil
        }
        #expect(scene.masters[0] == (wasInSync ? "7003" : "7000"))
        #expect(moved == (wasInSync ? ["7000"] : []), "what it has is kept")
        #expect(wasInSync || end?.finding(.nodeDown)?.node == "7000")
    }

    @Test func aMasterWithoutAReplicaStaysDownAndTheFindingNamesTheRepair() {
        var scene = Self.dark(replicas: 0)
        scene.run { $0.nodes("start").contains("7000") }
        scene.die("7000", ProcessExit(code: 1), log: ["Unexpected end of file reading the append only file"])
        let end = scene.run { $0.finding(.nodeDown) != nil }
        #expect(end?.finding(.nodeDown)?.hint?.contains("redis-check-aof --fix") == true)
    }

    /// A replica that was stopped cleanly an hour ago has older data than a master that ran on.
    @Test func aReplicaStoppedLongAgoDoesNotBecomeMaster() {
        var scene = Self.dark { scene in
            let old = Scene.wall + .seconds(-3600)
            scene.record?.members[3].lastSeen?.at = old
            scene.record?.members[3].lastSeen?.syncedAt = old
            let last = scene.record?.members[3].lastSeen
            scene.record?.members[3].cleanStop = last
            scene.disk[Scene.folder("7003")]?.content.appendOnly?.files[0].modified = old
        }
        scene.run { $0.assessment.ready }
        #expect(scene.masters[0] == "7000")
    }

    /// Each start of an idle cluster rewrites the replicas' files, as they synchronize.
    @Test func aCleanlyStoppedClusterStartsWithTheSameRoles() {
        var scene = Self.dark { scene in
            for index in 0..<6 {
                let at = Scene.wall + .milliseconds(index < 3 ? 80 : 0)
                scene.record?.members[index].lastSeen?.at = at
                scene.record?.members[index].lastSeen?.syncedAt = at
                let last = scene.record?.members[index].lastSeen
                scene.record?.members[index].cleanStop = last
                // A single file, as before Redis 7.
                let path = Scene.folder(scene.record!.members[index].name)
                scene.disk[path]?.content.appendOnly?.directoryName = nil
                scene.disk[path]?.content.appendOnly?.files[0].name = "appendonly.aof"
                if index < 3 {
                    scene.disk[path]?.content.appendOnly?.files[0].modified = Scene.wall + .seconds(-3600)
                }
            }
        }
        scene.run { decision in
            #expect(decision.nodes("preserve") == [] && decision.promotion == nil)
            return decision.assessment.ready
        }
        #expect(scene.masters == ["7000", "7001", "7002"])
    }

    /// A replica that started empty follows no master yet: its master dies, and the master's files are the only copy.
    @Test func aReplicaThatHasNotSyncedSinceItsStartIsNotPromoted() {
        var scene = Scene.settled()
        scene.pass(.milliseconds(10))
        scene.die("7003")
        scene.disk[Scene.folder("7003")]?.content = Self.empty
        scene.look()
        scene.run { $0.nodes("start") == ["7003"] }
        scene.pass(.milliseconds(5))
        scene.die("7000")
        scene.look()
        scene.run { decision in
            #expect(decision.promotion == nil)
            return decision.assessment.serving
        }
        #expect(scene.masters[0] == "7000")
    }

    /// A dump names its replication stream, and the engine reports it before it has followed a master.
    @Test func aReplicaThatOnlyNamesTheStreamIsNotPromoted() {
        var scene = Scene.settled()
        scene.pass(.milliseconds(10))
        scene.die("7003")
        scene.look()
        scene.run { $0.nodes("start") == ["7003"] }
        scene.pass(.milliseconds(5))
        scene.die("7000")
        scene.look()
        for _ in 0..<400 {
            scene.answer("7003") {
                $0.replication.replicationID = "stream of 7000"
                $0.replication.linkUp = false
            }
            let decision = scene.turn()
            #expect(decision.promotion == nil)
            if decision.assessment.serving { break }
        }
        #expect(scene.masters[0] == "7000" && scene.decide().assessment.serving)
    }
}
