import ClusterModel
import Planner
import Testing

/// A settled cluster in which one thing is wrong: the check reports it once it persists, and not before.
@Suite struct ClusterCheckTests {
    /// The findings of a scene in which `change` alters the reply of every node, once they persist.
    private func findings(
        after time: Duration = .seconds(12), _ scene: Scene = .settled(),
        _ change: (NodeName, inout NodeReport) -> Void = { _, _ in }
    ) -> [Finding] {
        var scene = scene
        var decision = scene.decide()
        let end = scene.now + time
        while scene.now < end {
            for name in scene.processes.keys.sorted() { scene.answer(name) { change(name, &$0) } }
            decision = scene.decide()
            scene.take(decision)
            for effect in decision.effects {
                switch effect {
                case .askSettings, .inspect: scene.perform(effect)
                default: break
                }
            }
            scene.pass(.seconds(1))
        }
        return decision.findings + decision.check.notices.filter { $0.code != .memoryUnlimited }
    }

    private func edit(_ report: inout NodeReport, _ id: NodeID, _ change: (inout NodeEntry) -> Void) {
        guard let index = report.view.entries.firstIndex(where: { $0.id == id }) else { return }
        change(&report.view.entries[index])
    }

    @Test func aSettledClusterHasOnlyNotices() {
        #expect(findings() == [])
        var scene = Scene.settled()
        scene.run { $0.check.notices.contains { $0.code == .memoryUnlimited } }
        #expect(scene.decide().findings == [])
    }

    /// A node that responds again after a silence reports `cluster_state:fail` for a moment, and has its own grace
    /// period.
    @Test func aNodeThatRespondsAgainHasAGracePeriod() {
        var scene = Scene.settled()
        for _ in 0..<5 {
            scene.hear()
            scene.seen.replies["7000"]?.outcome = .silent
            scene.take(scene.decide())
            scene.pass(.seconds(1))
        }
        scene.hear()
        scene.seen.replies["7000"]?.outcome = .silent
        #expect(scene.decide().finding(.slotsNotServed)?.message.hasSuffix("it does not answer") == true)
        scene.answer("7000") { $0.clusterStateOK = false }
        #expect(scene.decide().finding(.slotsNotServed) == nil)
        for _ in 0..<3 {
            scene.hear()
            scene.answer("7000") { $0.clusterStateOK = false }
            scene.take(scene.decide())
            scene.pass(.seconds(1))
        }
        scene.hear()
        scene.answer("7000") { $0.clusterStateOK = false }
        #expect(scene.decide().finding(.slotsNotServed)?.message.contains("cluster_state:fail") == true)
    }

    @Test func aSlotThatItsOwnerReleasedIsUncovered() {
        let found = findings(after: .seconds(2)) { name, report in
            guard name == "7000" else { return }
            edit(&report, Scene.id("7000")) { $0.slots = $0.slots.subtracting(SlotSet(5...5)) }
        }
        #expect(found.map(\.code) == [.slotsUncovered])
        #expect(found[0].message.hasPrefix("slot 5 belongs to no node") && found[0].severity == .error)
        // The other nodes still report 7000 as the owner; the finding appears once gossip had time to spread.
        let later = findings { name, report in
            guard name == "7000" else { return }
            edit(&report, Scene.id("7000")) { $0.slots = $0.slots.subtracting(SlotSet(5...5)) }
        }
        let saying = later.first { $0.code == .viewsDiffer }
        #expect(saying?.message == "7001 7002 7003 7004 7005 say that 7000 owns slot 5")
    }

    @Test func aReplicaOfTheWrongMasterIsMisplacedAndItsShardLacksAReplica() {
        let found = findings { name, report in
            edit(&report, Scene.id("7003")) { $0.masterID = Scene.id("7001") }
        }
        #expect(found.map(\.code.rawValue).sorted() == ["replica-misplaced", "replicas-missing"])
        #expect(
            found.first { $0.code == .replicaMisplaced }?.message
                == "7003 follows 7001, but belongs to the shard of 7000")
        #expect(found.first { $0.code == .replicasMissing }?.shard == "7000")
    }

    @Test func aHalfMovedSlotIsReportedAsOpenOnceItPersists() {
        let change = { (name: NodeName, report: inout NodeReport) in
            if name == "7000" {
                self.edit(&report, Scene.id("7000")) { $0.migrating = [.init(slot: 7, node: Scene.id("7001"))] }
            }
            if name == "7001" {
                self.edit(&report, Scene.id("7001")) { $0.importing = [.init(slot: 7, node: Scene.id("7000"))] }
            }
        }
        #expect(findings(after: .seconds(5), .settled(), change) == [])
        let found = findings(after: .seconds(12), .settled(), change)
        #expect(
            found.map(\.message) == [
                "slot 7 is half moved: 7000 is migrating it to 7001, 7001 is importing it from 7000"
            ])
    }

    @Test func twoOwnersOfASlotAreNamed() {
        let found = findings { name, report in
            guard name == "7001" else { return }
            edit(&report, Scene.id("7001")) { $0.slots = $0.slots.union(SlotSet(0...1)) }
        }
        #expect(
            found.first { $0.code == .slotTwoOwners }?.message == "7000 and 7001 both claim slots 0-1")
    }

    @Test(arguments: [("fail", .ghostNode), ("noaddr", .ghostNode), ("", .foreignNode)] as [(String, ReasonCode)])
    func anUnmanagedNodeIsAGhostOrAForeignNode(flag: String, code: ReasonCode) {
        let found = findings { _, report in
            var entry = NodeEntry(id: Scene.id("abc"), host: "127.0.0.1", ports: PortPair(client: 7009))
            entry.flags = flag == "fail" ? [.master, .fail] : flag == "noaddr" ? [.master, .noaddr] : [.master]
            report.view.entries.append(entry)
        }
        #expect(found.map(\.code) == [code])
        #expect(found[0].message.contains("127.0.0.1:7009"))
    }

    @Test func aDownLinkAndFailingPersistenceAreFindings() {
        let down = findings { name, report in if name == "7004" { report.replication.linkUp = false } }
        #expect(down.first { $0.code == .linkDown }?.node == "7004")
        let failing = findings(after: .seconds(2)) { name, report in
            if name == "7001" { report.persistence.lastSaveOK = false }
        }
        #expect(failing.map(\.code) == [.persistenceFailing])
    }

    @Test func aTransientConditionIsNotAFinding() {
        var turns = 0
        let found = findings { name, report in
            turns += 1
            if name == "7004", turns < 12 { report.replication.linkUp = false }
        }
        #expect(found == [])
    }

    @Test func memoryNearTheLimitIsAFindingOnlyWithoutEviction() {
        func found(policy: String, used: Int64) -> [ReasonCode] {
            var scene = Scene.settled()
            for name in scene.processes.keys { scene.settings[name] = ["maxmemory-policy": policy] }
            return findings(after: .seconds(15), scene) { name, report in
                report.load.maxMemoryBytes = 100 << 20
                report.load.memoryBytes = name == "7002" ? used << 20 : 1 << 20
            }.map(\.code)
        }
        #expect(found(policy: "noeviction", used: 91) == [.memoryHigh])
        #expect(found(policy: "allkeys-lru", used: 99) == [])
        #expect(found(policy: "noeviction", used: 87) == [])
    }

    @Test func aFindingOnAChangedDirectiveNamesWhereItIsConfigured() {
        var scene = Scene.settled()
        scene.spec.directives.append(
            .init(
                name: "maxmemory-policy", arguments: ["noeviction"], origin: .file("conf.d/20.yaml", line: 4, column: 5)
            ))
        for name in scene.processes.keys { scene.settings[name] = ["maxmemory-policy": "noeviction"] }
        scene.settings["7001"] = ["maxmemory-policy": "allkeys-lru"]
        let found = findings(scene)
        #expect(found.map(\.code) == [.settingDiffers])
        #expect(
            found[0].message
                == "maxmemory-policy of 7001 is 'allkeys-lru', but the configuration says 'noeviction' (conf.d/20.yaml:4:5)"
        )
        // If no configuration sets the directive, the finding is that the nodes differ.
        scene.spec.directives.removeLast()
        #expect(findings(scene).map(\.code) == [.settingsUneven])
    }

    @Test func aFindingNeverContainsAPassword() {
        var scene = Scene.settled()
        scene.spec.directives.append(.init(name: "requirepass", arguments: ["new-secret"]))
        for name in scene.processes.keys { scene.settings[name] = ["requirepass": "old-secret"] }
        let found = findings(scene)
        #expect(found.count == 6)
        #expect(found.allSatisfy { !$0.message.contains("secret") })
    }

    @Test func aDirectiveThatCannotChangeLiveIsPending() {
        var scene = Scene.settled()
        scene.spec.directives.append(.init(name: "databases", arguments: ["4"]))
        for name in scene.processes.keys { scene.settings[name] = ["databases": "16"] }
        scene.run { $0.findings.contains { $0.code == .restartPending } }
        #expect(scene.decide().assessment.nodes.allSatisfy { $0.pendingRestart == ["databases"] })
    }

    /// A daemon that starts with another address does not move running nodes.
    @Test func aNewlyConfiguredAddressIsPending() {
        var scene = Scene.settled()
        scene.spec.announce = "10.0.0.7"
        for name in scene.processes.keys { scene.settings[name] = ["cluster-announce-ip": "", "bind": "127.0.0.1"] }
        scene.run { $0.findings.contains { $0.code == .restartPending } }
        #expect(scene.decide().assessment.nodes.allSatisfy { $0.pendingRestart == ["cluster-announce-ip"] })
        scene.spec.announce = nil
        #expect(scene.decide().assessment.nodes.allSatisfy { $0.pendingRestart.isEmpty })
    }

    @Test(arguments: [
        ("maxmemory", "1gb", "1073741824", true), ("maxmemory", "1g", "1073741824", false),
        ("save", "900 1 300 10", "900 1 300 10", true), ("save", "", "", true), ("save", "900 1", "", false),
        ("appendfsync", "EverySec", "everysec", true), ("requirepass", "Secret", "secret", false),
        (
            "client-output-buffer-limit", "replica 256mb 64mb 60",
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60", true
        ),
        ("notify-keyspace-events", "KEA", "AKE", true), ("notify-keyspace-events", "Ex", "xE", true),
        ("notify-keyspace-events", "Ex", "xK", false),
    ])
    func settingValuesAreComparedInTheEnginesNotation(name: String, configured: String, live: String, same: Bool) {
        #expect(SettingValue.isSame(name, configured, live: live) == same)
    }

    @Test func aReportListsPassedChecksAndIsUnhealthyOnlyOnErrors() {
        var scene = Scene.settled()
        scene.run { $0.check.answers == nil && !$0.check.isPending && $0.assessment.ready }
        let well = HealthReport(scene.decide(), scene.spec)
        #expect(well.isHealthy && well.passed.first == "All 16384 slots covered.")
        scene.die("7000")
        scene.die("7003")
        scene.spec.supervision.restart = .never
        scene.run { $0.findings.contains { $0.code == .slotsNotServed } }
        let bad = HealthReport(scene.decide(), scene.spec)
        #expect(!bad.isHealthy && !bad.passed.contains("All 16384 slots covered."))
        #expect(bad.findings.first?.severity == .error)
    }
}
