import ClusterModel
import Planner
import Testing

/// One condition of `ready` that does not hold.
struct Spoiled: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var spoil: @Sendable (inout Scene) -> Void

    init(_ words: String, _ spoil: @escaping @Sendable (inout Scene) -> Void) {
        testDescription = words
        self.spoil = spoil
    }
}

/// Invariants: ready-is-true, settings-restored.
@Suite struct HealthTests {
    @Test func aSettledClusterIsReadyAndNeedsNoEffect() {
        let decision = Scene.settled().decide()
        #expect(decision.assessment.ready && decision.assessment.serving)
        #expect(decision.assessment.state == .ok && decision.assessment.phase == .ready)
        #expect(decision.assessment.slotsCovered == 16384)
        #expect(decision.deeds == [])
        #expect(decision.findings == [] && decision.waits == [])
        #expect(decision.record == Scene.settled().record)
    }

    static let conditions = [
        Spoiled("a node does not run") { $0.die("7005", ProcessExit(signal: 9)) },
        Spoiled("a node was not asked yet") { $0.seen.replies["7004"] = nil },
        Spoiled("a port refuses") { $0.seen.replies["7004"]?.outcome = .refused },
        Spoiled("a node is silent") { $0.seen.replies["7004"]?.outcome = .silent },
        Spoiled("a node runs and replies only BUSY") { $0.seen.replies["7004"]?.outcome = .answered("BUSY a script") },
        Spoiled("a node is loading") { $0.answer("7001") { $0.loading = true } },
        Spoiled("another process answers on the port") { $0.answer("7001") { $0.processID = 1 } },
        Spoiled("another node answers on the port") { $0.answer("7001") { $0.id = Scene.id("beef") } },
        Spoiled("a node reports cluster_state:fail") { $0.answer("7004") { $0.clusterStateOK = false } },
        Spoiled("one view takes a replica for a master") { scene in
            scene.answer("7001") { $0.view.entries[3].flags = .master }
        },
        Spoiled("one view takes a master for a replica") { scene in
            scene.answer("7004") { report in
                report.view.entries[0].flags = .replica
                report.view.entries[0].masterID = Scene.id("7003")
            }
        },
        Spoiled("one view has a replica follow another master") { scene in
            scene.answer("7001") { $0.view.entries[3].masterID = Scene.id("7002") }
        },
        Spoiled("one view lacks a slot") { scene in
            scene.answer("7001") { $0.view.entries[0].slots = SlotSet(0...5459) }
        },
        Spoiled("one view does not know a node") { $0.answer("7001") { $0.view.entries.removeLast() } },
        Spoiled("one view holds a node for failed") { scene in
            scene.answer("7001") { $0.view.entries[4].flags.insert(.fail) }
        },
        Spoiled("one view has a node in handshake") { scene in
            scene.answer("7001") { $0.view.entries[4].flags.insert(.handshake) }
        },
        Spoiled("one view has another port for a node") { scene in
            scene.answer("7001") { $0.view.entries[4].ports = PortPair(client: 7009) }
        },
        Spoiled("a slot has no owner") { scene in
            for name in scene.processes.keys {
                scene.answer(name) { $0.view.entries[0].slots = SlotSet(0...5459) }
            }
        },
        Spoiled("a replica's link is down") { $0.answer("7004") { $0.replication.linkUp = false } },
        Spoiled("a replica is being synced") { $0.answer("7004") { $0.replication.syncInProgress = true } },
        Spoiled("a reply is older than the last change of a role") { scene in
            scene.pass(.milliseconds(10))
            scene.seen.rolesChanged = scene.now
            for name in scene.processes.keys where name != "7002" { scene.answer(name) }
        },
        Spoiled("a reply is older than the last effect on the node") { scene in
            scene.pass(.milliseconds(10))
            scene.seen.changed["7002"] = scene.now
        },
        Spoiled("a setting that clusterd changed temporarily is not restored") { scene in
            scene.answer("7004") { $0.persistence.appendOnly = false }
        },
    ]

    @Test(arguments: conditions)
    func aClusterIsNotReadyUnderTheseConditions(condition: Spoiled) {
        var scene = Scene.settled()
        condition.spoil(&scene)
        let decision = scene.decide()
        #expect(!decision.assessment.ready)
        #expect(decision.assessment.phase != .forming, "it was ready once")
        // A daemon at rest looks again soon while a condition does not hold.
        #expect(!decision.effects.isEmpty || decision.wake != nil)
    }

    @Test func aMissingReplicaIsDegradedAndAMissingSlotIsDown() {
        var scene = Scene.settled()
        scene.die("7004")
        let degraded = scene.decide().assessment
        #expect(degraded.state == .degraded && degraded.serving && degraded.slotsCovered == 16384)
        scene = .settled()
        scene.die("7001")
        let down = scene.decide().assessment
        #expect(down.state == .down && !down.serving && down.slotsCovered == 16384 - 5462)
    }

    @Test func aMasterThatIsLoadingOrReportsFailDoesNotServe() {
        for spoil: (inout NodeReport) -> Void in [{ $0.loading = true }, { $0.clusterStateOK = false }] {
            var scene = Scene.settled()
            scene.answer("7001", spoil)
            #expect(scene.decide().assessment.state == .down)
        }
    }

    @Test func slotsWithoutAnOwnerAreAFinding() {
        var scene = Scene.settled()
        for name in scene.processes.keys.sorted() {
            scene.answer(name) { $0.view.entries[0].slots = SlotSet(0...5450) }
        }
        let decision = scene.decide()
        #expect(decision.assessment.slotsCovered == 16374)
        #expect(decision.finding(.slotsUncovered)?.message.contains("5451-5460") == true)
    }

    static let health: [(Assessment.Health, Spoiled)] = [
        (.ok, Spoiled("nothing is wrong") { _ in }),
        (.down, Spoiled("it ended") { $0.die("7004") }),
        (.unreachable, Spoiled("its port refuses connections") { $0.seen.replies["7004"]?.outcome = .refused }),
        (.loading, Spoiled("LOADING") { $0.seen.replies["7004"]?.outcome = .answered("LOADING Redis is loading") }),
        (.busy, Spoiled("BUSY") { $0.seen.replies["7004"]?.outcome = .answered("BUSY Redis is busy") }),
        (.unreachable, Spoiled("no answer for a moment") { $0.seen.replies["7004"]?.outcome = .silent }),
        (.syncing, Spoiled("a full sync") { $0.answer("7004") { $0.replication.syncInProgress = true } }),
        (.unreachable, Spoiled("another process") { $0.answer("7004") { $0.processID = 1 } }),
    ]

    @Test(arguments: health)
    func theHealthOfANodeFollowsItsReply(health: Assessment.Health, condition: Spoiled) {
        var scene = Scene.settled()
        condition.spoil(&scene)
        let decision = scene.decide()
        #expect(decision.assessment.node("7004")?.health == health)
    }

    @Test func aNodeStoppedByTheOperatorDoesNotCount() {
        var scene = Scene.settled()
        scene.record?.members[5].wanted = .stopped
        scene.die("7005", ProcessExit(code: 0))
        scene.look()
        for name in scene.processes.keys.sorted() {
            scene.answer(name) { $0.view.entries[5].flags.insert(.fail) }
        }
        let decision = scene.decide()
        #expect(decision.assessment.ready)
        #expect(decision.assessment.state == .degraded)
        #expect(decision.deeds == [])
    }

    static let words: [(String, Spoiled)] = [
        ("for 7004 to run", Spoiled("it ended") { $0.die("7004") }),
        ("for 7004 to answer", Spoiled("not asked yet") { $0.seen.replies["7004"] = nil }),
        ("for 7004 to be in sync", Spoiled("link down") { $0.answer("7004") { $0.replication.linkUp = false } }),
        (
            "for all nodes to agree: 7001 sees 7003 as a master",
            Spoiled("a view differs") { $0.answer("7001") { $0.view.entries[3].flags = .master } }
        ),
    ]

    @Test(arguments: words)
    func aWaitNamesItsCondition(words: String, condition: Spoiled) {
        var scene = Scene.settled()
        condition.spoil(&scene)
        let decision = scene.decide()
        #expect(decision.waits.map(\.words).contains(words), "\(decision.waits)")
    }

    @Test func aShardCanFailOverOnlyToAReplicaInSync() {
        var scene = Scene.settled()
        let able = scene.decide().assessment.shards.map(\.canFailOver)
        #expect(able == [true, true, true])
        scene.answer("7003") { $0.replication.linkUp = false }
        let shard = scene.decide().assessment.shards.first { $0.master == "7000" }
        #expect(shard?.canFailOver == false)
        #expect(shard?.why?.words == "no replica is in sync: 7003 syncing")
        scene.die("7003", ProcessExit(code: 0))
        scene.record?.members[3].wanted = .stopped
        let stopped = scene.decide().assessment.shards.first { $0.master == "7000" }
        #expect(stopped?.why?.words == "no replica is in sync: 7003 stopped")
    }

    private static let unwilling: [(String, Spoiled)] = [
        ("supervision.failover is off", Spoiled("off") { $0.spec.supervision.failover = .off }),
        ("clusterd is paused", Spoiled("paused") { $0.record?.pause = .init(since: Scene.wall, until: nil) }),
        (
            "every replica is more than supervision.failover-max-lag (100 bytes) behind",
            Spoiled("far behind") { scene in
                scene.spec.supervision.failoverMaxLag = 100
                scene.answer("7003") { $0.replication.offset -= 101 }
            }
        ),
    ]

    @Test(arguments: unwilling)
    func aShardThatCannotFailOverNamesTheReason(why: String, condition: Spoiled) {
        var scene = Scene.settled()
        condition.spoil(&scene)
        let shard = scene.decide().assessment.shards.first { $0.master == "7000" }
        #expect(shard?.canFailOver == false && shard?.why?.words == why)
    }
}
