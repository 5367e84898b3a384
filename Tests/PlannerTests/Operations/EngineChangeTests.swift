import ClusterModel
import Planner
import Testing

/// Another engine, one replica first; what happens if it does not come up; which engine is refused.
@Suite struct EngineChangeTests {
    private static func redis(_ major: Int, _ minor: Int, _ patch: Int) -> Engine {
        Engine(name: .redis, version: EngineVersion(major, minor, patch))
    }

    /// The nodes run `redis-server`, and another program is configured.
    private func changed(replicas: Int = 1) -> Scene {
        var scene = Scene.settled(replicas: replicas)
        scene.spec.server = "/opt/new/redis-server"
        return scene
    }

    private func inspected(_ engine: Engine) -> Scene {
        var scene = Scene.settled()
        scene.seen.check.inspection = HostInspection(
            askedAt: scene.now, engine: engine, quarantineBytes: 0, quarantineFolders: 0)
        return scene
    }

    @Test func theCanaryIsOneReplicaAndTheOperationEndsWithIt() throws {
        var scene = changed()
        try scene.ask(.rollingRestart(canary: true))
        #expect(scene.carryOut() == ["shutdown 7003", "start 7003"])
        #expect(scene.operation?.state == .done)
        #expect(
            scene.steps.last
                == "the canary 7003 runs redis 7.0.15 and is in sync; to go on: clusterd rolling-restart --pending")
        scene.run { $0.record?.member("7003")?.program?.server == "/opt/new/redis-server" }
        #expect(scene.member("7000").program?.server == "redis-server")
    }

    @Test func theRollingRestartAfterTheCanarySkipsIt() throws {
        var scene = changed()
        try scene.ask(.rollingRestart(canary: true))
        _ = scene.carryOut()
        scene.run { $0.assessment.ready }
        try scene.ask(.rollingRestart(pending: true))
        #expect(!scene.carryOut().contains("start 7003"))
        #expect(scene.operation?.state == .done)
    }

    @Test func withoutAReplicaInSyncThereIsNoCanary() {
        #expect(changed(replicas: 0).refusal(.rollingRestart(canary: true))?.code == "no-replica")
    }

    @Test func aNodeThatDoesNotComeUpStartsAgainWithItsFormerEngine() throws {
        var scene = changed()
        try scene.ask(.rollingRestart())
        scene.run { !$0.nodes("start").isEmpty }
        #expect(scene.member("7003").startedFrom == "/opt/new/redis-server")
        scene.die(
            "7003", ProcessExit(code: 1), log: ["*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***", "Bad directive"])
        scene.look()
        var starts: [Effect.StartRequest] = []
        scene.run { decision in
            for case .start(let start) in decision.effects { starts.append(start) }
            return decision.assessment.ready
        }
        #expect(scene.operation?.state == .failed)
        #expect(
            scene.operation?.error?.contains("7003 starts again with redis-server 7.0.15 (redis-server)") == true,
            "\(scene.operation?.error ?? "")")
        #expect(starts.map(\.node) == ["7003"] && starts.first?.program?.server == "redis-server")
        #expect(scene.decide().finding(.engineHeld) != nil)
        // Nodes that fail meanwhile do not meet the engine that failed, also under another daemon.
        scene.replaceDaemon()
        scene.run { $0.assessment.ready }
        #expect(scene.record?.engineHold?.node == "7003")
        scene.spec.server = "redis-server"
        scene.turn()
        #expect(scene.record?.engineHold == nil)
    }

    @Test func anotherRollingRestartTriesTheConfiguredEngineAgain() throws {
        var scene = changed()
        scene.record?.engineHold = EngineHold(
            configured: EngineSource(server: scene.spec.server, engine: scene.seen.engine), node: "7003")
        try scene.ask(.rollingRestart(canary: true))
        #expect(scene.record?.engineHold == nil)
    }

    @Test func filesThatTheFormerEngineCannotLoadLeaveNoWayBack() {
        var file = DataFile(name: "dump.rdb", size: 100, modified: Scene.wall, evidence: .keys)
        file.header = RDBHeader(formatVersion: 12)
        var content = DirectoryContent()
        content.dumps = [file]
        #expect(!Self.redis(7, 0, 15).loads(content) && Self.redis(8, 2, 3).loads(content))
        #expect(!Self.redis(6, 2, 5).loads(DirectoryContent.appendOnly(.keys)))
        #expect(Self.redis(7, 0, 15).loads(DirectoryContent.appendOnly(.keys)))
    }

    @Test func anEngineThatCannotLoadTheFilesIsRefused() {
        let scene = inspected(Self.redis(6, 2, 5))
        for command in [Command.rollingRestart(), .rollingRestart(pending: true), .rollingRestart(canary: true)] {
            #expect(scene.refusal(command)?.code == "engine-too-old", "\(command)")
        }
        #expect(
            ReloadPlan.refusal(of: Self.redis(6, 2, 5), scene.record)?.contains(
                "cannot read the files that redis 7.0.15")
                == true)
        #expect(ReloadPlan.refusal(of: Self.redis(8, 2, 3), scene.record) == nil)
    }

    @Test func redis6DoesNotStartWhereItWouldFindNoKeys() {
        var scene = Scene.settled()
        scene.seen.engine = Self.redis(6, 2, 5)
        scene.die("7003")
        scene.look()
        scene.run { $0.finding(.filesTooNew) != nil }
        #expect(scene.starts["7003"] == 1)
    }

    @Test func aReloadNamesTheNextCommandsAndAChangeWithoutAWayBack() {
        let scene = Scene.settled()
        var spec = scene.spec
        spec.server = "/opt/redis-8.2/redis-server"
        var plan = ReloadPlan(from: scene.spec, to: spec)
        plan.take(Self.redis(8, 2, 3), scene.record)
        #expect(plan.applied == ["engine.server"] && plan.engine == Self.redis(8, 2, 3))
        #expect(plan.later.count == 2 && plan.later[0].contains("clusterd rolling-restart --canary"))
        #expect(plan.later.last?.contains("no way back") == true)
        var same = ReloadPlan(from: scene.spec, to: scene.spec)
        same.take(scene.seen.engine, scene.record)
        #expect(same.later.isEmpty && same.changesNothing)
    }

    struct Pair: Sendable {
        var new: Engine
        var old: Engine
        var loads: Bool
    }

    static let pairs = [
        Pair(new: redis(7, 0, 15), old: redis(6, 2, 5), loads: true),
        Pair(new: redis(8, 2, 3), old: redis(7, 0, 15), loads: true),
        Pair(new: Engine(name: .valkey, version: EngineVersion(9, 1, 2)), old: redis(7, 0, 15), loads: true),
        Pair(new: Engine(name: .valkey, version: EngineVersion(9, 1, 2)), old: redis(8, 2, 3), loads: false),
        Pair(new: redis(8, 2, 3), old: Engine(name: .valkey, version: EngineVersion(9, 1, 2)), loads: false),
        Pair(new: redis(7, 0, 15), old: redis(8, 2, 3), loads: false),
        Pair(new: redis(6, 2, 5), old: redis(7, 0, 15), loads: false),
        Pair(new: redis(7, 0, 14), old: redis(7, 0, 15), loads: true),
    ]

    @Test(arguments: pairs) func anEngineLoadsTheFilesOfEarlierOnes(_ pair: Pair) {
        #expect(pair.new.loads(filesOf: pair.old) == pair.loads)
    }
}
