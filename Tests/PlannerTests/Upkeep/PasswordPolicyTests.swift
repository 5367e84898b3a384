import ClusterModel
import Testing

@testable import Planner

/// When passwords are set on running nodes, and the findings on a replica that cannot log in.
@Suite struct PasswordPolicyTests {
    private static let old = ["requirepass": "p", "masterauth": "p", "masteruser": ""]
    private static let none = ["requirepass": "", "masterauth": "", "masteruser": ""]

    /// All nodes were started with a password that is no longer configured, and still have it.
    private func scene() -> Scene {
        var scene = Scene.settled()
        for name in scene.processes.keys.sorted() { set(&scene, name, Self.old) }
        scene.look()
        scene.run { $0.assessment.ready }
        return scene
    }

    private func set(_ scene: inout Scene, _ name: NodeName, _ settings: [String: String]) {
        scene.settings[name] = settings
        let lines = settings["requirepass"] == "" ? "" : "requirepass p\nmasterauth p\n"
        scene.disk[Scene.folder(name)]?.redisConf = RedisConfFacts(
            fileName: "redis.conf", Array("# Written by clusterd\n\(lines)".utf8))
    }

    /// Carries out a sequence of turns, and returns the changed settings, and `shutdown`. The link of `cutOff` is down.
    private func turns(
        _ scene: inout Scene, _ count: Int = 100, cutOff: NodeName? = nil, refusing: String? = nil,
        until isEnough: ([String]) -> Bool = { _ in false }
    ) -> [String] {
        var orders: [String] = []
        for _ in 0..<count {
            let decision = scene.decide()
            scene.take(decision)
            for effect in decision.effects {
                switch effect {
                case .ask(let node, _) where node == cutOff: continue
                case .configure(let node, _, let name, let value):
                    orders.append(name)
                    if name == refusing {
                        scene.note(effect, failure: "ERR unknown command")
                        continue
                    }
                    scene.settings[node]?[name] = value
                    scene.perform(effect)
                case .shutdown:
                    orders.append("shutdown")
                    scene.perform(effect)
                default: scene.perform(effect)
                }
            }
            if isEnough(orders) { break }
            if cutOff == nil { scene.rest(after: decision) } else { scene.pass(.milliseconds(500)) }
            if let cutOff { scene.answer(cutOff) { $0.replication.linkUp = false } }
        }
        return orders
    }

    @Test(arguments: [
        (["requirepass": "p", "masterauth": "", "masteruser": ""], "sends none (masterauth)"),
        (["requirepass": "p", "masterauth": "q", "masteruser": ""], "masterauth of 7003 is not requirepass of 7000"),
    ])
    func aReplicaThatCannotLogInIsAFinding(settings: [String: String], words: String) {
        var scene = scene()
        scene.settings["7003"] = settings
        #expect(turns(&scene, 30, cutOff: "7003").isEmpty, "it was changed by hand, and is left alone")
        let decision = scene.decide()
        let finding = decision.finding(.replicaLoginRefused)
        #expect(finding?.node == "7003" && finding?.hint == "clusterd reload")
        #expect(finding?.message.contains(words) == true, "\(finding?.message ?? "")")
        #expect(decision.finding(.linkDown) == nil)
    }

    @Test func aPasswordWhereNoneIsRequiredIsAFinding() {
        var scene = scene()
        scene.settings["7000"] = Self.none
        _ = turns(&scene, 30, cutOff: "7003")
        #expect(scene.decide().finding(.replicaLoginRefused)?.message.contains("asks for none") == true)
    }

    /// The configuration was changed while no clusterd ran, and a replica has crashed since.
    @Test func aNodeStartedWithANewConfigurationPropagatesItToTheOthers() {
        var scene = scene()
        set(&scene, "7003", Self.none)
        scene.look()
        let orders = turns(&scene, 60, cutOff: "7003")
        #expect(orders.contains("requirepass"))
        #expect(scene.settings.values.allSatisfy { $0 == Self.none }, "\(scene.settings)")
        #expect(scene.decide().finding(.replicaLoginRefused) == nil)
    }

    @Test func aRestartSetsTheConfiguredPasswordsFirst() throws {
        var scene = scene()
        try scene.ask(.rollingRestart())
        let orders = turns(&scene, 400) { $0.contains("shutdown") }
        #expect(orders.last == "shutdown" && orders.count { $0 == "requirepass" } == 6, "\(orders)")
        #expect(scene.settings.values.allSatisfy { $0 == Self.none }, "\(scene.settings)")
    }

    /// The next daemon, with yet another password configured, reads there which password grants access.
    @Test func aPasswordThatClusterdSetIsWrittenToTheNodesConfiguration() throws {
        var scene = scene()
        scene.spec.directives += [
            .init(name: "requirepass", arguments: ["q"]), .init(name: "masterauth", arguments: ["q"]),
        ]
        set(&scene, "7003", ["requirepass": "q", "masterauth": "q", "masteruser": ""])
        scene.disk[Scene.folder("7003")]?.redisConf = RedisConfFacts(
            fileName: "redis.conf", Array("# Written by clusterd\nrequirepass q\nmasterauth q\n".utf8))
        scene.look()
        _ = turns(&scene, 100)
        for name in scene.processes.keys {
            let file = try #require(scene.disk[Scene.folder(name)]?.redisConf)
            #expect(NodeLogin(file) == NodeLogin(user: "", secret: "q", asked: "q"), "\(name)")
            #expect(file.isGenerated)
        }
    }

    @Test func aPasswordThatTheOperatorSetIsNotWrittenToTheNodesConfiguration() throws {
        var scene = scene()
        scene.settings["7000"] = Self.none
        _ = turns(&scene, 30, cutOff: "7003")
        #expect(NodeLogin(try #require(scene.disk[Scene.folder("7000")]?.redisConf)).asked == "p")
    }

    @Test func aNodeThatCouldNotLogInAfterItsRestartIsNotStopped() throws {
        var scene = scene()
        try scene.ask(.rollingRestart())
        let orders = turns(&scene, 400, refusing: "requirepass")
        #expect(!orders.contains("shutdown"))
        #expect(scene.operation?.state == .failed)
        let words = scene.operation?.error ?? ""
        #expect(
            words.contains("does not accept the configured requirepass while it runs (ERR unknown command)"), "\(words)"
        )
        #expect(words.contains("clusterd stop, then clusterd up"), "\(words)")
    }

    @Test func aRestartNamesWhyAReplicaDoesNotGetInSync() throws {
        var scene = Scene.settled()
        for name in scene.processes.keys.sorted() { scene.settings[name] = Self.none }
        scene.run { $0.assessment.ready }
        try scene.ask(.restartNode("7003"))
        _ = turns(&scene, 400) { $0.contains("shutdown") }
        // The operator set another password on its master.
        scene.settings["7000"] = ["requirepass": "p", "masterauth": "", "masteruser": ""]
        _ = turns(&scene, 200, cutOff: "7003", refusing: "requirepass")
        #expect(scene.operation?.state == .failed)
        #expect(scene.steps.contains { $0.contains("cannot log in to its master 7000") }, "\(scene.steps)")
    }
}
