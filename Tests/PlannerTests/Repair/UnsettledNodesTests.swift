import ClusterModel
import Testing

@testable import Planner

/// Operations on members that `fix` has to repair first, and members that returned under another node ID.
@Suite struct UnsettledNodesTests: ResetNodesSuite {
    private static let other = Scene.id("abcd")

    /// CLUSTER DELSLOTS on the master 7001 alone: it releases its slots, and keeps its keys.
    private let disowned: (inout NodeReport) -> Void = { report in
        guard let index = report.view.entries.firstIndex(where: { $0.flags.contains(.myself) }) else { return }
        report.view.entries[index].slots = SlotSet()
    }

    @Test(arguments: [
        Command.restartNode("7004"), .restartNode("7004", force: true), .rollingRestart(), .failover("7004"),
        .failover("7004", force: true),
    ])
    func anOperationOnAResetMemberIsRefusedUntilFixed(command: Command) {
        let (scene, _) = checked(.settled(), ["7004": reset("7004", id: Self.other)])
        let refusal = scene.refusal(command)
        #expect(refusal?.reason == .nodeReset && refusal?.hint == "clusterd fix", "\(String(describing: refusal))")
        #expect(refusal?.exit == 4)
    }

    @Test(arguments: [
        Command.restartNode("7001"), .restartNode("7004"), .rollingRestart(), .failover("7004"), .failoverFrom("7001"),
        .stopNode("7001"),
    ])
    func anOperationOnAMasterThatReleasedItsSlotsIsRefusedUntilFixed(command: Command) throws {
        var (scene, _) = checked(.settled(), ["7001": disowned])
        let refusal = scene.refusal(command)
        #expect(refusal?.reason == .slotsUncovered && refusal?.hint == "clusterd fix", "\(String(describing: refusal))")
        try scene.ask(.restartNode("7003"))
    }

    @Test func slotsWithTwoOwnersAreNotHandedOver() {
        let greedy: (inout NodeReport) -> Void = { report in
            self.entry(&report.view, "7001") { $0.slots = $0.slots.union(SlotSet(0...9)) }
        }
        let (scene, _) = checked(.settled(), ["7001": greedy])
        #expect(scene.refusal(.restartNode("7000"))?.reason == .slotTwoOwners)
        #expect(scene.refusal(.failoverFrom("7001"))?.reason == .slotTwoOwners)
    }

    /// The command arrived before the daemon queried the node again.
    @Test(arguments: [Command.restartNode("7001"), .failover("7004"), .failoverFrom("7001"), .stopNode("7001")])
    func theMasterIsQueriedBeforeAHandOverIsOrdered(command: Command) throws {
        var scene = Scene.settled()
        scene.pass(.milliseconds(100))
        try scene.ask(command)
        let began = scene.now
        let deeds = carryOut(&scene, ["7001": disowned])
        #expect(!deeds.contains { $0.hasPrefix("hand over") || $0.hasPrefix("shutdown") }, "\(deeds)")
        #expect(scene.operation?.state == .failed)
        #expect(scene.operation?.error?.contains("clusterd fix") == true, "\(scene.operation?.error ?? "")")
        #expect(scene.now - began < .seconds(6))
        #expect(scene.record?.member("7001")?.wanted == .running)
    }

    @Test func theNodeIsQueriedForAResetBeforeARestart() throws {
        var scene = Scene.settled()
        scene.pass(.milliseconds(100))
        try scene.ask(.restartNode("7004"))
        let deeds = carryOut(&scene, ["7004": reset("7004", id: Self.other)])
        #expect(!deeds.contains("shutdown 7004"))
        #expect(scene.operation?.error?.contains("clusterd fix") == true, "\(scene.operation?.error ?? "")")
    }

    /// The node was reset by hand and has exited: the start names the contents of its folder, and does not block `fix`.
    @Test(arguments: [Command.startNode("7004"), .restartNode("7004")])
    func aStartInAFolderOfAnotherNodeFailsWithTheReason(command: Command) throws {
        var scene = Scene.settled()
        scene.die("7004")
        var file = scene.file("7004")
        file.view.entries.removeAll { $0.id != Scene.id("7004") }
        file.view.entries[0].id = Self.other
        scene.disk[Scene.folder("7004")]?.nodesFile = .parsed(file)
        scene.pass(.milliseconds(10))
        scene.look()
        try scene.ask(command)
        let began = scene.now
        scene.run { $0.record?.operations.last?.isOpen == false }
        #expect(scene.operation?.state == .failed)
        let error = scene.operation?.error ?? ""
        #expect(error.contains("holds keys") && error.contains("clusterd fix"), "\(error)")
        #expect(scene.now - began < .seconds(2))
        let repair = try #require(scene.decide().finding(.standaloneWithKeys)?.repair)
        try scene.ask(.fix([repair.id]))
        scene.run { $0.record?.operations.last?.isOpen == false }
        #expect(scene.operation?.state == .done, "\(scene.operation?.error ?? "")")
    }

    // MARK: a replica under a new ID

    /// CLUSTER RESET HARD, MEET and REPLICATE: it follows its master under another ID, and the others list it by that
    /// ID.
    private func returned(_ name: NodeName, _ id: NodeID) -> Lies {
        let known: (inout NodeReport) -> Void = { report in
            guard var entry = report.view.entry(Scene.id(name)) else { return }
            self.entry(&report.view, name) { $0.flags.insert(.fail) }
            entry.id = id
            entry.flags.remove(.myself)
            report.view.entries.append(entry)
        }
        var lies = Lies(uniqueKeysWithValues: FolderClassificationTests.six.map { ($0, known) })
        lies[name] = { report in
            self.entry(&report.view, name) { $0.id = id }
            report.id = id
        }
        return lies
    }

    @Test func aReplicaUnderAnotherIDIsMatchedToItsMember() throws {
        let (_, decision) = checked(.settled(), returned("7004", Self.other))
        for code: ReasonCode in [.foreignNode, .ghostNode, .nodeUnreachable, .viewsDiffer] {
            #expect(decision.finding(code) == nil, "\(decision.finding(code)?.message ?? "")")
        }
        let finding = try #require(decision.finding(.nodeReset))
        #expect(finding.node == "7004" && finding.hint == "clusterd fix")
        #expect(finding.message.contains("follows 7001"), "\(finding.message)")
        guard case .rejoin(let rejoin)? = finding.repair else {
            Issue.record("nothing is offered")
            return
        }
        #expect(rejoin.master == "7001" && rejoin.strayID == Self.other)
    }

    @Test func fixMakesTheOtherNodesForgetTheOtherID() throws {
        var (scene, decision) = checked(.settled(), returned("7004", Self.other))
        try scene.ask(.fix([try #require(decision.finding(.nodeReset)?.repair?.id)]))
        let lies = returned("7004", Self.other)
        var forgot: Set<NodeName> = []
        finish(
            &scene,
            lies: { name, scene in
                let isLying = name == "7004" ? scene.starts["7004"] == 1 : !forgot.contains(name)
                return isLying ? lies[name] : nil
            },
            noting: { forgot.formUnion($0.nodes("forget")) })
        #expect(scene.operation?.state == .done, "\(scene.operation?.error ?? "")")
        #expect(forgot == Set(FolderClassificationTests.six).subtracting(["7004"]))
        #expect(scene.report("7004")?.id == Scene.id("7004"))
    }

    // MARK: a master without slots that holds keys

    /// 7001 released its slots by hand while it handed over to 7004: it follows no master, and has the keys that 7004
    /// has too.
    private func disownedMaster(_ scene: inout Scene) -> Lies {
        scene.hear()
        scene.take(scene.decide())
        scene.takeOver("7004")
        scene.streams["7004"] = "stream of 7004"
        return [
            "7001": { report in
                self.entry(&report.view, "7001") {
                    $0.flags = [.master, .myself]
                    $0.masterID = nil
                }
                report.replication.role = .master
                report.replication.replicationID = "stream of 7001"
            }
        ]
    }

    @Test func fixOffersAMasterWithoutSlotsItsPlaceIfItsSuccessorHasItsKeys() throws {
        var scene = Scene.settled()
        let lies = disownedMaster(&scene)
        let (_, decision) = checked(scene, lies)
        let finding = try #require(decision.finding(.masterWithoutSlots))
        guard case .rejoin(let rejoin)? = finding.repair else {
            Issue.record("nothing is offered: \(finding.message)")
            return
        }
        #expect(rejoin.master == "7004" && rejoin.holds == "10 keys")
        #expect(finding.hint == "clusterd fix" && finding.repair?.text.contains("quarantine") == true)
    }

    /// Invariant: last-copy.
    @Test func theFilesOfAMasterWithoutSlotsAreKeptBeforeItFollows() throws {
        var scene = Scene.settled()
        let lies = disownedMaster(&scene)
        let (first, decision) = checked(scene, lies)
        scene = first
        try scene.ask(.fix([try #require(decision.finding(.masterWithoutSlots)?.repair?.id)]))
        let deeds = carryOut(&scene, lies)
        #expect(scene.operation?.state == .done, "\(scene.operation?.error ?? "")")
        let kept = try #require(deeds.firstIndex { $0.hasPrefix("preserve 7001") }, "\(deeds)")
        let started = try #require(deeds.firstIndex { $0.hasPrefix("start 7001") }, "\(deeds)")
        #expect(kept < started)
        #expect(scene.report("7001")?.view.myself?.masterID == Scene.id("7004"))
    }

    @Test func aMasterWithoutSlotsWithTheOnlyCopyOfItsKeysIsLeftUnchanged() throws {
        var scene = Scene.settled()
        var lies = disownedMaster(&scene)
        let lie = try #require(lies["7001"])
        lies["7001"] = { report in
            lie(&report)
            report.replication.replicationID = "another stream"
        }
        let (_, decision) = checked(scene, lies)
        let finding = try #require(decision.finding(.masterWithoutSlots))
        #expect(finding.repair == nil && finding.message.contains("it holds 10 keys"))
    }

    /// Runs until its operation has ended; `lies` apply to the first process of each node.
    private func carryOut(_ scene: inout Scene, _ lies: Lies) -> [String] {
        var deeds: [String] = []
        for _ in 0..<800 where scene.hasOpenOperations {
            let decision = scene.decide()
            deeds += decision.deeds
            scene.take(decision)
            for effect in decision.effects {
                if case .ask = effect { continue }
                scene.perform(effect)
            }
            scene.pass(.milliseconds(25))
            for name in scene.processes.keys.sorted() {
                let isFirst = scene.starts[name] == 1
                scene.answer(name, (isFirst ? lies[name] : nil) ?? { _ in })
            }
        }
        return deeds
    }
}
