import ClusterModel
import Testing

@testable import Planner

/// Changes to a member by hand: reset, removal, lost slots, an unknown master, another port.
@Suite struct ResetNodesTests: ResetNodesSuite {
    @Test(arguments: [nil, Scene.id("abcd")] as [NodeID?])
    func fixOffersAResetReplicaItsPlace(id: NodeID?) throws {
        let (_, decision) = checked(.settled(), ["7004": reset("7004", id: id)])
        let finding = try #require(decision.finding(.nodeReset))
        #expect(finding.node == "7004" && finding.hint == "clusterd fix")
        guard case .rejoin(let rejoin)? = finding.repair else {
            Issue.record("nothing is offered")
            return
        }
        #expect(rejoin.master == "7001")
        #expect(decision.finding(.viewsDiffer) == nil && decision.finding(.nodeUnreachable) == nil)
        let report = HealthReport(decision, Scene.settled().spec)
        #expect(
            !report.passed.contains {
                $0.hasPrefix("Every master") || $0.hasPrefix("6 of 6 nodes") || $0.contains("agree")
            })
    }

    @Test(arguments: [nil, Scene.id("abcd")] as [NodeID?])
    func aResetReplicaWithKeysIsLeftUnchanged(id: NodeID?) throws {
        let (_, decision) = checked(.settled(), ["7004": reset("7004", id: id, keys: 3)])
        let finding = try #require(decision.finding(.nodeReset))
        #expect(finding.repair == nil && finding.message.contains("it holds 3 keys"))
        #expect(finding.hint == "clusterd call --node 7004 CLUSTER NODES")
    }

    @Test func aMasterThatWasResetHardReturnsToItsPlace() throws {
        let (_, decision) = checked(.settled(), ["7001": reset("7001", id: Scene.id("abcd"))])
        let finding = try #require(decision.finding(.nodeReset))
        #expect(finding.severity == .error)
        guard case .rejoin(let rejoin)? = finding.repair else {
            Issue.record("nothing is offered")
            return
        }
        #expect(rejoin.master == nil)
    }

    /// The repair is not ordered before the operator has confirmed it.
    @Test func noResetNodeIsRestartedWithoutConfirmation() {
        for lie in [reset("7004"), reset("7004", id: Scene.id("abcd"))] {
            let (_, decision) = checked(.settled(), ["7004": lie])
            #expect(decision.nodes("shutdown").isEmpty && decision.nodes("replicate").isEmpty)
        }
    }

    @Test(arguments: [0, 2] as [Int64])
    func fixRestartsAResetNodeOnlyWhileItHoldsNothing(keys: Int64) throws {
        var (scene, decision) = checked(.settled(), ["7004": reset("7004")])
        try scene.ask(.fix([try #require(decision.finding(.nodeReset)?.repair?.id)]))
        let isStopped = repair("7004", &scene) { name in name == "7004" ? reset("7004", keys: keys) : nil }
        #expect(isStopped == (keys == 0))
        #expect(scene.operation?.state == (keys == 0 ? .done : .failed), "\(scene.operation?.error ?? "")")
        if keys > 0 { #expect(scene.operation?.error?.contains("it holds 2 keys") == true) }
    }

    /// Two nodes were reset: the first is back in its place before the second is repaired, and the others do not reach
    /// the second.
    @Test func fixDoesNotWaitForAnotherResetNode() throws {
        let other = reset("7005", id: Scene.id("abcd"))
        let (first, decision) = checked(.settled(), ["7004": reset("7004"), "7005": other])
        var scene = first
        let repairs = decision.findings.filter { $0.code == .nodeReset }.compactMap(\.repair)
        #expect(repairs.count == 2)
        try scene.ask(.fix(repairs.filter { $0.node == "7004" }.map(\.id)))
        _ = repair("7004", &scene) { name in
            switch name {
            case "7004": reset("7004")
            case "7005": other
            default: { report in self.entry(&report.view, "7005") { $0.flags.insert(.fail) } }
            }
        } after: { name in
            name == "7005" ? other : { report in self.entry(&report.view, "7005") { $0.flags.insert(.fail) } }
        }
        #expect(scene.operation?.state == .done, "\(scene.operation?.error ?? "")")
    }

    /// A master and its replica were reset: the plan for the replica, made while its master was away, is made again.
    @Test func aReplicaResetTogetherWithItsMasterFollowsItAgain() throws {
        let lies: Lies = [
            "7001": reset("7001", id: Scene.id("abcd")), "7004": reset("7004", id: Scene.id("abce")),
        ]
        let (first, decision) = checked(.settled(), lies)
        var scene = first
        let repairs = decision.findings.filter { $0.code == .nodeReset }.compactMap(\.repair)
        #expect(repairs.compactMap(\.node) == ["7001", "7004"])
        try scene.ask(.fix(repairs.map(\.id)))
        finish(&scene, turns: 1000, lies: { name, scene in scene.starts[name] == 1 ? lies[name] : nil })
        #expect(scene.operation?.state == .done, "\(scene.operation?.error ?? "")")
        #expect(scene.report("7004")?.view.myself?.masterID == Scene.id("7001"))
        #expect(scene.record?.member("7004")?.shard == scene.record?.member("7001")?.shard)
    }

    /// Valkey lets an elected replica take only those slots in which it has keys.
    @Test func slotsOfADeadMasterGoToItsSuccessor() throws {
        let lost = SlotSet(5500...5599)
        var scene = Scene.settled()
        scene.die("7001")
        scene.takeOver("7004")
        let forgetful: (inout NodeReport) -> Void = { report in
            self.entry(&report.view, "7004") { $0.slots = $0.slots.subtracting(lost) }
            self.entry(&report.view, "7001") { $0.slots = $0.slots.subtracting(lost) }
        }
        let lies = Lies(uniqueKeysWithValues: FolderClassificationTests.six.map { ($0, forgetful) })
        let (_, decision) = checked(scene, lies)
        #expect(
            decision.findings.compactMap(\.repair).contains(.addSlots(.init(member: "7004", slots: lost))),
            "\(decision.findings.map(\.message))")
    }

    @Test func slotsThatAllNodesForgotAreRestoredFromTheRecord() throws {
        let lost = SlotSet(5500...5599)
        let forgetful: (inout NodeReport) -> Void = { report in
            self.entry(&report.view, "7001") { $0.slots = $0.slots.subtracting(lost) }
        }
        let lies = Lies(uniqueKeysWithValues: FolderClassificationTests.six.map { ($0, forgetful) })
        let (_, decision) = checked(.settled(), lies)
        let finding = try #require(decision.finding(.slotsUncovered))
        #expect(finding.repair == .addSlots(.init(member: "7001", slots: lost)))
    }

    /// SETSLOT NODE on one node only: it reports another owner for the slot, and that node denies it.
    @Test func aSlotThatOnlyOneNodeReassignedReturns() throws {
        let lost = SlotSet(6000...6000)
        let lies: Lies = [
            "7001": { report in
                self.entry(&report.view, "7001") { $0.slots = $0.slots.subtracting(lost) }
                self.entry(&report.view, "7000") { $0.slots = $0.slots.union(lost) }
            }
        ]
        var (scene, decision) = checked(.settled(), lies)
        let repair = try #require(decision.finding(.slotsUncovered)?.repair)
        #expect(repair == .addSlots(.init(member: "7001", slots: lost)))
        try scene.ask(.fix([repair.id]))
        scene.take(scene.decide())
        scene.pass(.milliseconds(25))
        for name in scene.processes.keys.sorted() { scene.answer(name, lies[name] ?? { _ in }) }
        decision = scene.decide()
        let order = try #require(decision.orders("add slots").first)
        guard case .addSlots(let node, _, let slots, let foreign) = order else { return }
        #expect(node == "7001" && slots == lost && foreign == lost)
    }

    @Test func aForgottenMasterIsReintroduced() {
        let forgetful: (inout NodeReport) -> Void = { report in
            report.view.entries.removeAll { $0.id == Scene.id("7001") }
        }
        var scene = Scene.settled()
        for name in scene.processes.keys.sorted() where name != "7001" && name != "7004" {
            scene.answer(name, forgetful)
        }
        #expect(scene.decide().nodes("meet") == ["7000"])
        // If another node claims one of its slots, CLUSTER MEET would drop the keys of one of the two.
        let rival: (inout NodeReport) -> Void = { report in
            forgetful(&report)
            self.entry(&report.view, "7000") { $0.slots = $0.slots.union(SlotSet(6000...6000)) }
        }
        scene = .settled()
        for name in scene.processes.keys.sorted() where name != "7001" && name != "7004" { scene.answer(name, rival) }
        #expect(scene.decide().nodes("meet").isEmpty)
    }

    /// CONFIG SET port while no daemon ran: the record has the process, and the kernel shows where it listens.
    @Test func aNodeThatListensOnAnotherPortIsFoundAndItsPortRestored() {
        var scene = Scene.settled()
        scene.settings["7001"] = ["port": "7055"]
        scene.listening["7001"] = [7055, 17001]
        scene.replaceDaemon()
        var asked: Set<Int> = []
        scene.run { decision in
            for case .ask("7001", let contact) in decision.effects { asked.insert(contact.port) }
            return decision.assessment.ready
        }
        #expect(asked == [7055])
        scene.run { decision in decision.effects.contains(where: { isAsk($0, "7001", on: 7001) }) }
        #expect(scene.starts["7001"] == 1 && scene.settings["7001"] == ["port": "7001"])
    }

    /// The connection of a running daemon ends at the same time.
    @Test func aNodeThatRefusesConnectionsIsSearchedOnOtherPorts() {
        var scene = Scene.settled()
        scene.pass(.seconds(10))
        scene.settings["7001"] = ["port": "7055"]
        scene.listening["7001"] = [7055, 17001]
        scene.run { decision in decision.effects.contains(where: { isAsk($0, "7001", on: 7055) }) }
        scene.run { decision in decision.effects.contains(where: { isAsk($0, "7001", on: 7001) }) }
        #expect(scene.settings["7001"] == ["port": "7001"])
    }

    private func isAsk(_ effect: Effect, _ node: NodeName, on port: Int) -> Bool {
        if case .ask(node, let contact) = effect { contact.port == port } else { false }
    }

    @Test func aPortChangedByHandIsRestored() {
        var scene = Scene.settled()
        scene.settings["7004"] = ["port": "7055"]
        var order: Effect?
        scene.run { decision in
            order = order ?? decision.orders("configure").first
            return order != nil
        }
        guard case .configure(let node, _, let name, let value)? = order else {
            Issue.record("nothing is set back")
            return
        }
        #expect(node == "7004" && name == "port" && value == "7004")
    }
}
