import ClusterModel
import Planner
import Testing

/// The reserve, and which nodes start while the disk has little room. Invariant: epoch-room.
@Suite struct DiskTests {
    // MARK: the reserve

    @Test func eachDiskWithPlentyOfRoomHasAReserve() {
        var scene = Scene.settled()
        scene.ownDisk(of: "7003", "7004", free: 1 << 29)
        scene.room(reserve: 0, of: 0)
        #expect(
            scene.decide().orders("make-reserve") == [
                .makeReserve(folder: "/data"), .makeReserve(folder: "/data/nodes/7003"),
            ])
        scene.turn()
        #expect(scene.decide().orders("make-reserve") == [])
    }

    @Test(arguments: [
        (Int64(543) << 20, Int64(0), false), (544 << 20, 0, true), (544 << 20, 16 << 20, false),
        (560 << 20, 1 << 20, true),
    ])
    func aReserveIsMadeOnlyWellAboveMinFree(free: Int64, held: Int64, isMade: Bool) {
        var scene = Scene.settled()
        scene.room(free, reserve: held)
        #expect(scene.decide().orders("make-reserve").isEmpty == !isMade)
    }

    @Test func noReserveIsMadeBeforeReadyOrForATemporaryCluster() {
        var scene = Scene.settled()
        scene.room(Scene.plenty)
        scene.spec.isTemporary = true
        #expect(scene.decide().orders("make-reserve") == [])
        scene.spec.isTemporary = false
        scene.seen.wasReady = false
        scene.die("7003")
        #expect(scene.decide().orders("make-reserve") == [])
    }

    @Test func aReserveThatCannotBeMadeIsAFinding() {
        var scene = Scene.settled()
        scene.room(Scene.plenty)
        let decision = scene.decide()
        scene.note(decision.orders("make-reserve")[0], failure: "cannot make /data/reserve: Operation not supported")
        #expect(scene.decide().finding(.reserveMissing)?.message.contains("not supported") == true)
    }

    @Test func aStopReleasesTheReserveSoThatAllDataAreSaved() {
        var scene = Scene.settled()
        scene.room(0, reserve: Reserve.bytes)
        scene.seen.intent = .stop(asked: scene.now, kill: false)
        #expect(scene.decide().orders("release-reserve") == [.releaseReserve(folder: "/data")])
    }

    // MARK: a failed save

    @Test func aFailedSaveIsRetriedOnceThereIsRoom() {
        var scene = Scene.settled()
        scene.room(1 << 20)
        scene.answer("7001") { $0.persistence.lastSaveOK = false }
        #expect(scene.decide().nodes("save") == [])
        scene.room(Scene.plenty, reserve: Reserve.bytes)
        #expect(scene.decide().nodes("save") == ["7001"])
        scene.note(scene.decide().orders("save")[0], failure: nil)
        scene.pass(.milliseconds(10))
        scene.answer("7001") { report in
            report.persistence.lastSaveOK = false
            report.persistence.saving = true
        }
        scene.pass(.seconds(20))
        #expect(scene.decide().nodes("save") == [])
        scene.answer("7001") { $0.persistence.lastSaveOK = false }
        #expect(scene.decide().nodes("save") == ["7001"])
        scene.answer("7001")
        #expect(scene.decide().nodes("save") == [])
    }

    // MARK: findings

    @Test(
        arguments: [
            (Int64(512) << 20, Int64(0), nil), (511 << 20, 0, .diskLow), (1 << 20, 0, .diskLow),
            (0, Reserve.bytes, .diskLow), (0, 0, .diskFull),
        ] as [(Int64, Int64, ReasonCode?)])
    func freeSpaceBelowTheLimitIsAFinding(free: Int64, held: Int64, code: ReasonCode?) {
        var scene = Scene.settled()
        scene.room(free, reserve: held)
        let found = scene.decide().findings.filter { $0.code.rawValue.hasPrefix("disk-") }
        #expect(found.map(\.code) == [code].compactMap { $0 })
        #expect(found.allSatisfy { $0.message.hasPrefix("/data has ") && $0.node == nil })
    }

    /// There are free bytes, but no file can be created.
    @Test(
        arguments: [
            (Int64(100), nil), (99, .diskLow), (6, .diskLow), (5, .diskFull), (0, .diskFull), (nil, nil),
        ] as [(Int64?, ReasonCode?)])
    func inodesCountAsRoom(files: Int64?, code: ReasonCode?) {
        var scene = Scene.settled()
        scene.room(Scene.plenty, reserve: Reserve.bytes)
        scene.seen.disks[0].freeFiles = files
        let decision = scene.decide()
        let found = decision.findings.filter { $0.code.rawValue.hasPrefix("disk-") }
        #expect(found.map(\.code) == [code].compactMap { $0 })
        for finding in found {
            #expect(finding.message.hasPrefix("/data has \(files ?? 0) inodes free; below 100 clusterd starts nothing"))
            #expect(finding.hint?.contains("df -i") == true)
        }
        let report = HealthReport(decision, scene.spec)
        #expect(report.passed.contains("The disk of /data has enough free space.") == found.isEmpty)
    }

    @Test func withoutFreeInodesNoReplicaIsPromotedAndNoClusterIsFormed() {
        var scene = Scene.bereaved()
        scene.answer("7003")
        scene.room(Scene.plenty)
        scene.seen.disks[0].freeFiles = 0
        #expect(scene.decide().promotion == nil)
        #expect(scene.decide().finding(.failoverHeld)?.message.contains("/data has 0 inodes free") == true)
        var new = Scene.untouched()
        new.look()
        new.seen.disks = [Disk(folders: ["/data"], free: Scene.plenty, size: Scene.plenty, freeFiles: 3)]
        #expect(new.decide().waits.map(\.words) == ["for room on /data: 3 inodes are free, and 100 are needed"])
    }

    // MARK: a save that cannot fork

    @Test(arguments: [
        ("Cannot allocate memory", "sysctl vm.overcommit_memory=1"), ("Resource temporarily unavailable", "TasksMax="),
    ])
    func theFindingQuotesTheEnginesErrorOnASaveThatCouldNotFork(why: String, hint: String) throws {
        let log = [
            "7:M 1 Jan 2026 00:00:00.000 # Can't save in background: fork: Bad day",
            "7:M 1 Jan 2026 00:00:01.000 # Can't save in background: fork: \(why)",
            "7:M 1 Jan 2026 00:00:02.000 * Ready",
        ]
        let words = try #require(SaveTrouble.words(log))
        #expect(words == "Can't save in background: fork: \(why)" && SaveTrouble.words([log[2]]) == nil)
        var scene = Scene.settled()
        scene.answer("7001") { $0.persistence.lastSaveOK = false }
        #expect(scene.decide().finding(.persistenceFailing)?.hint?.contains("redis.log") == true)
        scene.note(.save("7001", scene.contact("7001")), failure: words)
        let finding = try #require(scene.decide().finding(.persistenceFailing))
        #expect(finding.message.contains("(\(words))") && finding.hint?.contains(hint) == true)
    }

    @Test func aDiskOfOneNodeIsReportedForThatNodeAndMayBeSmall() {
        var scene = Scene.settled()
        scene.ownDisk(of: "7004", free: 103 << 20)
        #expect(scene.decide().finding(.diskLow) == nil)
        scene.ownDisk(of: "7004", free: 102 << 20)
        let finding = scene.decide().finding(.diskLow)
        #expect(finding?.node == "7004")
        #expect(finding?.message == "/data/nodes/7004 has 102 MB free; below 102 MB clusterd starts nothing")
    }

    // MARK: starting

    private func diedOfIt(_ node: NodeName) -> Scene {
        var scene = Scene.settled()
        scene.pass(.milliseconds(10))
        scene.die(
            node, ProcessExit(code: 1), log: ["1:M 1 Jan 2026 00:00:00.000 # Fatal: can't update cluster config file."])
        scene.look()
        return scene
    }

    @Test func aNodeThatDiedOfAFullDiskIsNotStartedBeforeThereIsRoom() {
        for node: NodeName in ["7000", "7003"] {
            var scene = diedOfIt(node)
            scene.ownDisk(of: node, free: 50 << 20)
            for _ in 0..<20 {
                scene.turn()
                #expect(scene.starts[node] == 1)
            }
            let finding = scene.decide().finding(.diskFull)
            #expect(finding?.node == node && finding?.message.hasSuffix("; waiting for room: \(node)") == true)
            scene.ownDisk(of: node, free: 500 << 20)
            scene.run { $0.assessment.ready }
            #expect(scene.starts[node] == 2)
        }
    }

    @Test func anIrreplaceableMasterThatJustRanIsRestarted() {
        var scene = Scene.settled(replicas: 0)
        scene.room(20 << 20)
        scene.pass(.milliseconds(10))
        scene.die("7000")
        scene.run { $0.assessment.ready }
        #expect(scene.starts["7000"] == 2)
    }

    @Test func onAFullDiskADaemonWithoutRunningNodesStartsNone() {
        var scene = Scene.settled()
        scene.processes = [:]
        scene.replaceDaemon()
        scene.room(100 << 20)
        let decision = scene.run { $0.finding(.diskFull) != nil }
        #expect(decision?.assessment.phase == .ready && decision?.nodes("start") == [])
        #expect(decision?.finding(.diskFull)?.message.hasSuffix("room: 7000 7001 7002 7003 7004 7005") == true)
        scene.room(Scene.plenty)
        scene.run { $0.assessment.ready }
    }

    @Test func onAFullDiskANodeStartsWithItsExistingNodesFile() {
        var scene = Scene.bereaved(replicas: 0)
        // Another node died before, and the file says so, in the engine's format.
        scene.seen.survey?.directories.indices.forEach { index in
            guard case .parsed(var file)? = scene.seen.survey?.directories[index].nodesFile else { return }
            var entries = file.view.entries
            if let other = entries.firstIndex(where: { $0.id == Scene.id("7001") }) {
                entries[other].flags.insert(.noaddr)
            }
            file.view = NodesView(entries: entries)
            scene.seen.survey?.directories[index].nodesFile = .parsed(file)
        }
        func written(_ scene: Scene) -> NodesFile?? {
            for case .writeFiles(let files) in scene.decide().effects { return files.nodesFile }
            return nil
        }
        scene.pass(.seconds(1))
        scene.hear()
        #expect(written(scene) == .some(scene.file("7000")))
        scene.room(0)
        #expect(written(scene) == .some(nil))
    }
}

extension Scene {
    mutating func room(reserve: Int64, of index: Int) { seen.disks[index].reserve = reserve }
}
