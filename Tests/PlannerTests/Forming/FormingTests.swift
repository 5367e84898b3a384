import ClusterModel
import Planner
import Testing

/// Invariants: record-first, port-pair.
@Suite struct FormingTests {
    @Test func withACertificateEveryPortUsesTLSAndNodesVerifyEachOther() {
        var spec = ClusterSpec(name: "demo", dataDirectory: "/d")
        func lines() -> [String] {
            RedisConfPlan(
                spec, name: "7000", ports: PortPair(client: 7000), directory: "/d/nodes/7000",
                nodesFileName: "nodes.conf"
            ).lines.map(\.text)
        }
        #expect(lines().contains("port 7000") && !lines().contains { $0.hasPrefix("tls-port") })
        spec.directives = [
            .init(name: "tls-cert-file", arguments: ["/n.crt"]), .init(name: "tls-key-file", arguments: ["/n.key"]),
        ]
        #expect(lines().contains("port 0") && lines().contains("tls-port 7000"))
        let facts = RedisConfFacts(fileName: "redis.conf", Array(lines().joined(separator: "\n").utf8))
        #expect(facts.port == 7000 && facts.speaksTLS)
        #expect(ClusterSpec.Certificates(facts) == spec.certificates)
    }

    private static let six: [NodeName] = ["7000", "7001", "7002", "7003", "7004", "7005"]

    private func looked(_ change: (inout Scene) -> Void = { _ in }) -> Scene {
        var scene = Scene.untouched()
        change(&scene)
        scene.look()
        return scene
    }

    // MARK: the order

    @Test func theDataFolderIsSurveyedBeforeAnyDecision() {
        let decision = Scene.untouched().decide()
        #expect(decision.deeds == ["survey after 100000000000"])
        #expect(decision.record == nil)
    }

    @Test func portsAreReservedBeforeAPlanIsMade() {
        var scene = looked()
        #expect(
            scene.decide().deeds == ["reserve " + (7000...7005).map { "\($0)@\($0 + 10000)" }.joined(separator: " ")])
        scene.turn()
        let planned = scene.decide()
        #expect(planned.deeds == [])
        #expect(planned.record?.stage == .planned)
        #expect(planned.record?.members.map(\.name) == Self.six)
        #expect(planned.record?.members.map(\.shard) == [0, 1, 2, 0, 1, 2])
        #expect(planned.wake == scene.now, "it goes on at once when the record is written")
    }

    @Test func formingMakesFoldersFilesTheRecordMastersAndReplicasInThisOrder() {
        var scene = looked()
        var order: [String] = []
        scene.run { decision in
            let stage = decision.record?.stage.rawValue ?? "none"
            if !decision.orders("reserve").isEmpty { order.append("\(stage): reserve") }
            if decision.nodes("directory") == Self.six { order.append("\(stage): directories") }
            let files = decision.effects.filter {
                if case .writeFiles(let it) = $0 { it.nodesFile != nil } else { false }
            }
            if files.count == 6 { order.append("\(stage): files") }
            let starts = decision.nodes("start").map(\.text).joined(separator: " ")
            if !starts.isEmpty { order.append("\(stage): start \(starts)") }
            return decision.assessment.ready
        }
        #expect(
            order == [
                "none: reserve", "planned: directories", "planned: files", "formed: start 7000 7001 7002",
                "formed: start 7003 7004 7005",
            ])
        #expect(scene.record?.everReady == true)
    }

    @Test func theRecordSaysFormedOnlyOnceTheFilesWereSeen() {
        var scene = looked()
        scene.run { $0.record?.stage == .formed }
        for name in Self.six {
            guard case .parsed(let file)? = scene.seen.directory(at: Scene.folder(name))?.nodesFile else {
                Issue.record("\(name): formed, and its file was not seen")
                continue
            }
            #expect(file.view.myself?.id == scene.member(name).id)
            let ids = Set(Self.six.map { scene.member($0).id })
            #expect(file.view.coveredSlots == .all && ids.isSubset(of: file.view.entries.map(\.id)))
            #expect(file.currentEpoch == 3 && file.lastVoteEpoch == 3)
        }
        #expect(scene.record?.members.allSatisfy { !$0.joining } == true)
    }

    @Test func everyMasterHasItsShareOfSlotsAndItsOwnReplica() {
        var scene = looked()
        let shards = scene.run { $0.assessment.ready }?.assessment.shards
        #expect(shards?.map(\.slots) == SlotSet.evenly(among: 3))
        #expect(shards?.map(\.replicas) == [["7003"], ["7004"], ["7005"]])
    }

    // MARK: ports

    @Test func aBusyPortIsReplacedByTheNextAndReported() {
        var scene = looked { $0.busyPorts = [7002: "python3 (pid 4182)", 17004: "nc (pid 7)"] }
        let decision = scene.run { $0.assessment.ready }
        #expect(decision?.record?.members.map(\.name) == ["7000", "7001", "7003", "7005", "7006", "7007"])
        #expect(
            decision?.findings.filter { $0.code == .portTaken }.map(\.message) == [
                "7002 is in use by python3 (pid 4182); took 7003", "17004 is in use by nc (pid 7); took 7005",
            ])
    }

    @Test func withPortConflictFailABusyPortIsRefusedNamingItsHolder() {
        var scene = looked { $0.busyPorts = [7002: "python3 (pid 4182)"] }
        scene.spec.onPortConflict = .fail
        scene.turn()
        let refusal = scene.decide().refusal
        #expect(refusal?.reason == .portTaken && refusal?.exit == 1)
        #expect(refusal?.message == "7002 is in use by python3 (pid 4182)")
        #expect(scene.decide().record == nil)
    }

    @Test func tooFewFreePortsAreRefused() {
        var scene = looked { $0.busyPorts = [7001: "nc"] }
        scene.spec.ports = .range(7000...7005)
        scene.turn()
        let refusal = scene.decide().refusal
        #expect(refusal?.reason == .tooFewPorts)
        #expect(refusal?.message == "6 nodes need 6 ports, and only 5 are available")
        scene.spec.ports = .list([7000, 7001, 7002])
        #expect(scene.decide().refusal?.reason == .tooFewPorts)
    }

    @Test func aPortThatIsLostBeforeTheFirstStartIsPlannedAround() {
        var scene = looked()
        scene.run { $0.record?.stage == .planned && !$0.orders("write").isEmpty }
        // The daemon and its reservations are gone, and another process took the port.
        scene.replaceDaemon()
        scene.busyPorts = [7001: "nc (pid 7)"]
        let decision = scene.run { $0.assessment.ready }
        #expect(decision?.record?.members.map(\.name) == ["7000", "7002", "7003", "7004", "7005", "7006"])
        #expect(scene.starts["7001"] == nil)
    }

    @Test func foldersLaidOutByHandKeepTheirPorts() {
        var scene = looked { scene in
            for name: NodeName in ["7000", "7001", "7002", "7003", "7004", "7006"] {
                var folder = FolderClassificationTests.standalone(name)
                folder.path = "/data/\(name)"
                scene.disk[folder.path] = folder
            }
        }
        let decision = scene.run { $0.assessment.ready }
        #expect(decision?.record?.members.map(\.directory).last == "/data/7006")
        #expect(decision?.record?.members.map(\.name.text) == ["7000", "7001", "7002", "7003", "7004", "7006"])
    }

    // MARK: disk

    @Test func noClusterIsFormedOnAFullDiskUntilThereIsRoom() {
        for stage in [nil, Record.Stage.planned] {
            var scene = looked()
            if stage != nil { scene.run { $0.record?.stage == .planned } }
            scene.room(511 << 20)
            let decision = scene.decide()
            #expect(decision.end == nil && decision.deeds == [])
            let finding = decision.finding(.diskFull)
            #expect(
                finding?.message.hasPrefix("/data has 511 MB free, and 512 MB are needed (cluster.min-free)") == true)
            #expect(decision.waits.map(\.words) == ["for room on /data: 511 MB are free, and 512 MB are needed"])
            scene.room(512 << 20)
            scene.run { $0.assessment.ready }
        }
    }

    @Test func aTemporaryClusterIsRefusedOnAFullDisk() {
        var scene = looked()
        scene.spec.isTemporary = true
        scene.room(511 << 20)
        let refusal = scene.decide().refusal
        #expect(refusal?.reason == .diskFull && refusal?.exit == 1 && refusal?.message.contains("511 MB free") == true)
    }

    @Test func aFailedWriteIsReportedAndRetried() {
        var scene = looked()
        let decision = scene.come(to: { !$0.orders("write").isEmpty })
        for effect in decision.effects { scene.note(effect, failure: "no space left on device") }
        let failed = scene.decide()
        #expect(failed.finding(.filesNotWritten)?.message.contains("no space left on device") == true)
        #expect(failed.record?.stage == .planned && failed.nodes("start") == [])
        scene.pass(.milliseconds(200))
        #expect(scene.decide().nodes("write") == Self.six)
    }

    // MARK: interruptions

    /// clusterd is killed after each effect: the effects of the same decision up to it are done, and the record of that
    /// decision is written. The next daemon reaches the same result.
    @Test func aClusterFormsAfterEveryInterruption() {
        var whole = looked()
        let total = count(&whole)
        #expect(total >= 25, "6 folders, 6 files, 6 starts and the rest")
        for effects in 0...total {
            var scene = Scene.untouched()
            interrupt(&scene, after: effects)
            scene.replaceDaemon()
            let decision = scene.run { $0.assessment.ready }
            #expect(decision?.record?.members.map(\.name) == Self.six, "after \(effects) effects")
            #expect(decision?.assessment.shards.map(\.replicas) == [["7003"], ["7004"], ["7005"]])
            #expect(
                scene.starts == Dictionary(uniqueKeysWithValues: Self.six.map { ($0, 1) }), "after \(effects) effects")
        }
    }

    /// A plan that was recorded but not carried out is carried out with its own IDs, regardless of how far it got.
    @Test func aPlanIsKeptOverARestart() {
        var scene = looked()
        scene.run { !$0.orders("write").isEmpty }
        let ids = scene.record?.members.map(\.id)
        scene.replaceDaemon()
        let decision = scene.run { $0.assessment.ready }
        #expect(decision?.record?.members.map(\.id) == ids)
    }

    @Test func aPlanWhoseRecordIsLostIsAdoptedFromItsFiles() {
        var scene = looked()
        scene.run { $0.record?.stage == .formed }
        let ids = scene.record?.members.map(\.id)
        scene.loseRecord()
        let decision = scene.run { $0.assessment.ready }
        #expect(decision?.record?.members.map(\.id) == ids)
    }

    @Test func aStopBeforeAnyNodeStartedEndsAtOnce() {
        var scene = looked()
        scene.seen.intent = .stop(asked: scene.now, kill: false)
        #expect(scene.decide().end == .done)
        scene.seen.intent = .run
        scene.run { $0.record?.stage == .planned }
        scene.seen.intent = .stop(asked: scene.now, kill: false)
        #expect(scene.decide().end == .done)
        #expect(scene.decide().deeds == [])
    }

    /// The number of effects, without queries, until the cluster is ready.
    private func count(_ scene: inout Scene) -> Int {
        var total = 0
        scene.run { decision in
            total += decision.deeds.count
            return decision.assessment.ready
        }
        return total
    }

    private func interrupt(_ scene: inout Scene, after limit: Int) {
        var done = 0
        while true {
            let decision = scene.decide()
            scene.take(decision)
            for effect in decision.effects {
                if case .ask = effect {
                } else {
                    if done == limit { return }
                    done += 1
                }
                scene.perform(effect)
            }
            if decision.assessment.ready { return }
            scene.rest(after: decision)
        }
    }
}
