import ClusterModel
import Planner
import Testing

/// A formed node's own folder and ports, and which processes may use them besides the node.
/// Invariants: one-engine, own-process, adopt-first, port-pair.
@Suite struct FolderAndPortTests {
    private static func stranger(_ name: NodeName, _ command: String) -> Observation.DirectoryUser {
        .init(directory: Scene.folder(name), identity: Scene.identity("9000"), command: command)
    }

    /// 7004 has exited, its backoff is over, and only the condition of the test prevents its start.
    private func due(_ change: (inout Scene) -> Void = { _ in }) -> Scene {
        var scene = Scene.settled()
        scene.pass(.milliseconds(10))
        scene.die("7004")
        scene.pass(.milliseconds(300))
        change(&scene)
        scene.look()
        scene.hear()
        return scene
    }

    // MARK: the folder

    @Test func noNodeStartsBesideAnotherProcessInItsFolder() {
        var scene = due { $0.strangers = [Self.stranger("7004", "redis-server *:9000")] }
        #expect(scene.decide().deeds.map { $0.prefix { $0 != "/" } } == ["identify 7004 9000"])
        let decision = scene.come { $0.finding(.directoryInUse) != nil }
        #expect(decision.nodes("write") == [] && decision.nodes("adopt") == [])
        let finding = decision.finding(.directoryInUse)
        #expect(finding?.node == "7004" && finding?.message.contains("redis-server *:9000 (pid 9000)") == true)
        #expect(decision.orders("kill") == [] && decision.orders("terminate") == [])
    }

    @Test func theNodeStartsOnceTheOtherProcessIsGone() {
        var scene = due { $0.strangers = [Self.stranger("7004", "redis-server *:9000")] }
        scene.turn()
        scene.strangers = []
        scene.run { $0.nodes("start") == ["7004"] }
    }

    @Test(arguments: ["-bash", "vim nodes-7004.conf", "redis-rdb-bgsave 127.0.0.1:7004", "redis-aof-rewrite *:7004"])
    func aShellOrAChildOfTheEngineDoesNotBlockTheFolder(command: String) {
        #expect(due { $0.strangers = [Self.stranger("7004", command)] }.decide().nodes("write") == ["7004"])
    }

    @Test func ourOwnRunningNodesAreAdopted() {
        var scene = Scene.settled()
        // The record names an earlier process: this one has to identify itself.
        scene.record?.members[4].process = Scene.identity("9004")
        scene.replaceDaemon()
        scene.turn()
        let decision = scene.decide()
        #expect(decision.nodes("adopt") == ["7000", "7001", "7002", "7003", "7005"])
        #expect(decision.orders("identify") == [.identify("7004", scene.contact("7004"))])
        let ready = scene.run { $0.assessment.ready }
        #expect(ready?.record?.members.map(\.process) == Scene.settled().record?.members.map(\.process))
        #expect(scene.starts.values.allSatisfy { $0 == 1 })
    }

    @Test func aForeignProcessIsNotAdopted() {
        var scene = Scene.settled()
        scene.processes["7004"] = nil
        scene.disk[Scene.folder("7004")]?.nodesFile = .absent
        scene.strangers = [Self.stranger("7004", "redis-server *:9000")]
        scene.replaceDaemon()
        let decision = scene.come { $0.finding(.directoryInUse)?.node == "7004" }
        #expect(scene.seen.processes["7004"] == nil)
        #expect(decision.assessment.progress.answering == 5)
        #expect(decision.nodes("quarantine") == [] && decision.nodes("write") == [])
    }

    @Test func noNodeStartsBeforeTheRunningNodesRespondOrTimeOut() {
        var scene = Scene.settled()
        scene.processes["7004"] = nil
        scene.replaceDaemon()
        scene.turn()
        let decision = scene.decide()
        scene.take(decision)
        for effect in decision.effects { scene.perform(effect) }
        scene.pass(.milliseconds(499))
        #expect(scene.decide().waits.first == .firstReplies)
        #expect(scene.decide().orders("reserve") == [])
        scene.pass(.milliseconds(502))
        #expect(!scene.decide().waits.contains(.firstReplies))
        #expect(scene.decide().orders("reserve") == [.reserve([PortPair(client: 7004)], addresses: ["127.0.0.1"])])
    }

    /// The process exited between the survey of the folder and the order to watch it.
    @Test func aProcessThatEndsDuringAdoptionIsSurveyedAgain() {
        var scene = Scene.settled()
        scene.replaceDaemon()
        scene.turn()
        let decision = scene.decide()
        scene.take(decision)
        scene.processes["7004"] = nil
        for effect in decision.effects {
            if effect.node == "7004" { scene.note(effect, failure: "no such process") } else { scene.perform(effect) }
        }
        scene.pass(.milliseconds(1))
        let end = scene.run { $0.assessment.ready }
        #expect(end != nil && scene.starts["7004"] == 2)
    }

    @Test func aProcessThatCannotBeAdoptedDoesNotDelayTheOtherNodes() {
        var scene = Scene.settled()
        scene.processes["7004"] = nil
        scene.processes["7001"] = nil
        // The record names the process, but this user may not watch it.
        scene.record?.members[4].process = Scene.identity("9000")
        scene.strangers = [Self.stranger("7004", "redis-server *:7004")]
        scene.replaceDaemon()
        scene.run { $0.nodes("start") == ["7001"] }
        let decision = scene.run { $0.assessment.serving }
        let finding = decision?.finding(.directoryInUse)
        #expect(finding?.node == "7004")
        #expect(finding?.message.hasSuffix("which clusterd cannot adopt: no such process") == true)
        #expect(scene.processes["7004"] == nil && scene.starts["7004"] == 1)
    }

    @Test func aProcessThatCannotBeAdoptedDoesNotDelayAStop() {
        var scene = Scene.settled()
        scene.replaceDaemon()
        scene.turn()
        let decision = scene.decide()
        for effect in decision.orders("adopt") { scene.note(effect, failure: "no such process") }
        scene.processes = [:]
        scene.seen.intent = .stop(asked: scene.now, kill: false)
        scene.pass(.milliseconds(1))
        #expect(scene.run { $0.end != nil }?.end == .done)
    }

    // MARK: the port

    /// Another process took its port while it was down.
    private func portLost(_ conflict: ClusterSpec.PortConflict) -> Scene {
        due { scene in
            scene.spec.onPortConflict = conflict
            scene.busyPorts = [17004: "python3 (pid 4182)"]
            scene.seen.ports[PortPair(client: 7004)] = nil
        }
    }

    @Test func aFormedNodeWaitsForItsPortAndNamesItsHolder() {
        var scene = portLost(.next)
        let began = scene.now
        scene.turn()
        let decision = scene.come {
            $0.waits.map(\.words).contains("for port 17004 of 7004: 17004 is in use by python3 (pid 4182)")
        }
        #expect(decision.nodes("write") == [] && decision.finding(.portTaken)?.severity == .warning)
        while scene.now - began < .seconds(5) { scene.turn() }
        #expect(scene.member("7004").ports == PortPair(client: 7004))
        scene.busyPorts = [:]
        scene.run { $0.nodes("start") == ["7004"] }
        #expect(scene.member("7004").ports == PortPair(client: 7004))
        #expect(scene.decide().finding(.portMoved) == nil)
    }

    @Test func aNodeMovesToAnotherPortAfterPortWaitAndReportsIt() {
        var scene = portLost(.next)
        let began = scene.now
        scene.run { $0.nodes("start") == ["7004"] }
        #expect(scene.now - began >= .seconds(10))
        #expect(scene.member("7004").ports == PortPair(client: 7006), "none of another node's")
        let decision = scene.decide()
        #expect(decision.finding(.portMoved)?.node == "7004")
        #expect(decision.finding(.portTaken)?.message == "17004 is in use by python3 (pid 4182); took 7006")
        let file = scene.disk[Scene.folder("7004")]?.parsed
        #expect(file?.view.myself?.ports == PortPair(client: 7006))
        #expect(file?.view.myself?.id == Scene.id("7004"))
        #expect(scene.disk[Scene.folder("7004")]?.redisConf?.port == 7006)
    }

    @Test func withPortConflictFailTheNodeStaysDownUntilItsPortIsFree() {
        var scene = portLost(.fail)
        let decision = scene.run { $0.finding(.portTaken)?.severity == .error }
        #expect(decision?.finding(.portTaken)?.message.contains("stays down: 17004 is in use by python3") == true)
        #expect(scene.member("7004").ports == PortPair(client: 7004))
        scene.busyPorts = [:]
        scene.run { $0.nodes("start") == ["7004"] }
    }

    @Test func aNodeThatWasNeverReadyMovesToAnotherPortAtOnce() {
        var scene = portLost(.next)
        scene.record?.everReady = false
        let began = scene.now
        scene.run { $0.nodes("start") == ["7004"] }
        #expect(scene.now - began < .seconds(1))
        #expect(scene.member("7004").ports == PortPair(client: 7006))
    }

    /// The host was rebooted, and another process holds the master's port permanently.
    @Test func aMasterThatStaysDownDoesNotKeepItsReplicasDown() {
        var scene = Scene.settled()
        scene.processes = [:]
        scene.spec.onPortConflict = .fail
        scene.busyPorts = [7000: "python3 (pid 4182)"]
        scene.replaceDaemon()
        scene.run { $0.nodes("start").contains("7003") }
        #expect(scene.starts["7000"] == 1)
    }
}
