import ClusterModel
import Planner
import Testing

/// What a new configuration changes, and that each node gets each change once.
@Suite struct ReloadTests {
    private func spec(_ change: (inout ClusterSpec) -> Void = { _ in }) -> ClusterSpec {
        var spec = ClusterSpec(name: "test", dataDirectory: "/data")
        spec.directives = [.init(name: "appendonly", arguments: ["yes"]), .init(name: "maxmemory", arguments: ["1gb"])]
        change(&spec)
        return spec
    }

    @Test func aSettingThatClusterdReadsOnlyAtStartIsHeldBack() {
        let plan = ReloadPlan(
            from: spec(),
            to: spec {
                $0.bind = ["127.0.0.2"]
                $0.dataDirectory = "/elsewhere"
                $0.control.socket = "/run/other.sock"
                $0.server = "valkey-server"
                $0.supervision.restart = .never
            })
        #expect(plan.heldBack == ["cluster.bind", "cluster.data-dir", "control.socket"])
        #expect(plan.applied == ["engine.server", "supervision.restart"])
        #expect(plan.spec.dataDirectory == "/data" && plan.spec.bind == ["127.0.0.1"])
        #expect(plan.spec.supervision.restart == .never)
    }

    @Test func anotherShapeCannotBeReloaded() {
        let plan = ReloadPlan(from: spec(), to: spec { $0.replicas = 2 })
        #expect(plan.later.count == 1 && plan.later[0].contains("3 masters with 2 replicas each"))
        #expect(plan.applied.isEmpty && plan.heldBack.isEmpty && plan.directives.isEmpty)
    }

    @Test func onlyAnotherFolderOfANodeIsReportedAsNotMoved() {
        let tuned = ReloadPlan(
            from: spec(),
            to: spec { $0.overrides["7001"] = .init(directives: [.init(name: "hz", arguments: ["20"])]) })
        #expect(tuned.later == [] && tuned.directives == ["hz"])
        let moved = ReloadPlan(
            from: spec(), to: spec { $0.overrides["7001"] = .init(dataDirectory: "/ssd/7001", memoryMax: 1 << 30) })
        #expect(moved.later == ["the nodes keep the folders that they were formed with"])
        #expect(moved.applied == ["nodes.7001.memory-max"])
    }

    @Test func changedAndDroppedDirectivesAreNamedOnce() {
        let plan = ReloadPlan(
            from: spec { $0.overrides["7001"] = .init(directives: [.init(name: "hz", arguments: ["10"])]) },
            to: spec {
                $0.directives = [
                    .init(name: "appendonly", arguments: ["yes"]), .init(name: "save", arguments: ["900", "1"]),
                ]
                $0.overrides["7001"] = .init(directives: [.init(name: "hz", arguments: ["20"])])
            })
        #expect(plan.directives == ["hz", "maxmemory", "save"])
        #expect(plan.dropped == ["maxmemory"])
        #expect(ReloadPlan(from: spec(), to: spec()).changesNothing)
    }

    /// A settled cluster whose nodes have 16 databases and 1 GB, after a reload of a configuration with other values.
    private func reloaded(_ directives: [ClusterSpec.Directive]) -> Scene {
        var scene = Scene.settled()
        for name in scene.processes.keys {
            scene.settings[name] = [
                "maxmemory": "1073741824", "databases": "16", "requirepass": "", "masterauth": "", "hz": "10",
            ]
        }
        scene.run { $0.assessment.ready && !$0.check.isPending }
        var other = scene.spec
        other.directives += directives
        let plan = ReloadPlan(from: scene.spec, to: other)
        scene.pass(.milliseconds(1))
        scene.spec = plan.spec
        scene.seen.reload = ReloadFacts(plan, after: nil, at: scene.now)
        return scene
    }

    /// Every CONFIG SET of a sequence of turns; the nodes accept them.
    private func orders(_ scene: inout Scene, refusing: Set<String> = []) -> [(NodeName, String, String)] {
        var orders: [(NodeName, String, String)] = []
        for _ in 0..<200 {
            let decision = scene.decide()
            scene.take(decision)
            for effect in decision.effects {
                guard case .configure(let node, _, let name, let value) = effect else {
                    scene.perform(effect)
                    continue
                }
                orders.append((node, name, value))
                let refused = refusing.contains(name)
                scene.note(effect, failure: refused ? "ERR CONFIG SET failed: can't set immutable config" : nil)
                if !refused { scene.settings[node]?[name] = SettingValue.bytes(value).map(String.init) ?? value }
            }
            scene.rest(after: decision)
        }
        return orders
    }

    @Test func aLiveDirectiveIsSetOnceOnEveryNode() {
        var scene = reloaded([.init(name: "maxmemory", arguments: ["2gb"])])
        let set = orders(&scene)
        #expect(set.map(\.0).sorted() == scene.record!.members.map(\.name))
        #expect(set.allSatisfy { $0.1 == "maxmemory" && $0.2 == "2gb" })
        let decision = scene.decide()
        #expect(!decision.check.isApplying && decision.finding(.settingDiffers) == nil)
    }

    @Test func aDirectiveChangedByHandAfterAReloadIsAFindingAndLeftUnchanged() {
        var scene = reloaded([.init(name: "maxmemory", arguments: ["2gb"])])
        _ = orders(&scene)
        scene.settings["7001"]?["maxmemory"] = "5"
        #expect(orders(&scene).isEmpty)
        #expect(scene.decide().finding(.settingDiffers)?.node == "7001")
        // The next reload sets it.
        scene.seen.reload?.at = scene.now
        #expect(orders(&scene).map(\.0) == ["7001"])
    }

    @Test func aDirectiveThatTheEngineKeepsOrRefusesIsPending() {
        var scene = reloaded([.init(name: "databases", arguments: ["4"]), .init(name: "hz", arguments: ["20"])])
        let set = orders(&scene, refusing: ["hz"])
        #expect(set.allSatisfy { $0.1 == "hz" } && Set(set.map(\.0)).count == 6)
        let decision = scene.decide()
        #expect(decision.assessment.nodes.allSatisfy { Set($0.pendingRestart) == ["databases", "hz"] })
        #expect(decision.findings.count { $0.code == .restartPending } == 2)
        #expect(!decision.check.isApplying)
    }

    @Test func aNodeThatCannotBeComparedIsNamedWithTheReason() {
        var scene = reloaded([.init(name: "maxmemory", arguments: ["2gb"])])
        #expect(scene.decide().check.unreached.allSatisfy { $0.isOnItsWay })
        _ = orders(&scene)
        #expect(scene.decide().check.unreached == [])
        scene.pass(.milliseconds(1))
        scene.seen.reload?.at = scene.now
        scene.seen.replies["7001"]?.outcome = .answered("WRONGPASS invalid username-password pair or user is disabled.")
        scene.seen.replies["7002"]?.outcome = .silent
        scene.seen.replies["7004"]?.outcome = .answered("LOADING Redis is loading the dataset in memory")
        let unreached = scene.decide().check.unreached
        #expect(unreached.filter { !$0.isOnItsWay }.map(\.node) == ["7001", "7002"])
        #expect(unreached.first { $0.node == "7001" }?.why.hasPrefix("it rejects clusterd: WRONGPASS") == true)
        #expect(unreached.first { $0.node == "7004" }?.why == "it is loading its data")
        // A node that was started since then has read the new configuration.
        if case .running(var process) = scene.seen.processes["7001"] {
            process.since = scene.now
            scene.seen.processes["7001"] = .running(process)
        }
        #expect(!scene.decide().check.unreached.contains { $0.node == "7001" })
    }

    @Test func aReplicaHasThePasswordBeforeItsMasterRequiresIt() {
        var scene = reloaded([
            .init(name: "requirepass", arguments: ["s3cret"]), .init(name: "masterauth", arguments: ["s3cret"]),
        ])
        let set = orders(&scene)
        for node in scene.record!.members.map(\.name) {
            #expect(
                set.filter { $0.0 == node }.map(\.1) == ["masteruser", "masterauth", "requirepass", "masteruser"])
        }
        #expect(!scene.seen.effects.keys.contains { $0.description.contains("s3cret") })
    }

    private static let certificates = [
        ClusterSpec.Directive(name: "tls-cert-file", arguments: ["/tls/node.crt"]),
        .init(name: "tls-key-file", arguments: ["/tls/node.key"]),
        .init(name: "tls-ca-cert-file", arguments: ["/tls/ca.crt"]),
    ]

    @Test func aReloadReloadsCertificatesOnceOnEveryNode() {
        var scene = reloaded([])
        scene.seen.reload = nil
        scene.spec.directives += Self.certificates
        let plan = ReloadPlan(from: scene.spec, to: scene.spec)
        #expect(plan.applied == ["certificates"] && plan.directives == [])
        var loaded: [NodeName] = []
        func turns(refusing: NodeName? = nil) {
            for _ in 0..<100 {
                let decision = scene.decide()
                scene.take(decision)
                for effect in decision.effects {
                    guard case .loadCertificates(let node, _, let files) = effect else {
                        scene.perform(effect)
                        continue
                    }
                    loaded.append(node)
                    #expect(files.map(\.name) == ["tls-cert-file", "tls-key-file", "tls-ca-cert-file"])
                    scene.note(effect, failure: node == refusing ? "ERR CONFIG SET failed" : nil)
                }
                scene.rest(after: decision)
            }
        }
        turns()
        #expect(loaded == [], "a node that starts has read them")
        for refusing in [nil, "7001"] as [NodeName?] {
            scene.pass(.milliseconds(1))
            scene.seen.reload = ReloadFacts(plan, after: nil, at: scene.now)
            loaded = []
            turns(refusing: refusing)
            #expect(loaded.sorted() == scene.record!.members.map(\.name))
            #expect(!scene.decide().check.isApplying)
        }
    }

    @Test func tlsIsNotSwitchedOnOrOffWhileNodesRun() {
        let old = Scene.settled().spec
        var new = old
        new.directives += Self.certificates + [.init(name: "hz", arguments: ["20"])]
        let on = ReloadPlan(from: old, to: new)
        #expect(!on.spec.speaksTLS && on.directives == ["hz"] && on.later.first?.contains("switched on") == true)
        let off = ReloadPlan(from: new, to: old)
        #expect(off.spec.certificates == new.certificates && off.directives == ["hz"] && off.dropped == ["hz"])
    }

    @Test func aDirectiveThatIsNoLongerConfiguredIsPendingUntilTheNextStart() {
        var scene = reloaded([])
        scene.seen.reload?.dropped = ["hz": scene.now]
        _ = orders(&scene)
        #expect(scene.decide().assessment.nodes.allSatisfy { $0.pendingRestart == ["hz"] })
    }
}
