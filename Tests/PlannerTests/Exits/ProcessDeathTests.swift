import ClusterModel
import Planner
import Testing

/// When a node's process is proven dead (invariants: proven-death, one-engine), and what the planner does until then.
struct ProcessDeathTests {
    private static let node = NodeName("7000")
    private static let identity = Scene.identity("7000")

    private func life(
        recorded: ProcessPresence? = .gone, users: [Observation.DirectoryUser] = [], process: NodeProcess? = nil,
        bootID: String = Scene.bootID, hidden: Bool = false, listensNot: Bool? = true, killPending: Moment? = nil
    ) -> ProcessLife {
        let member = Scene.settled().member(Self.node)
        var survey = Observation.Survey(askedAt: .seconds(100), directories: [], users: users, showsOnlyOwn: hidden)
        survey.recorded[Self.identity] = recorded
        return ProcessLife(
            of: member, process: process, killPendingSince: killPending, survey: survey,
            users: FolderUsers(users, recorded: [Self.identity]), bootID: bootID, listensNot: listensNot)
    }

    private func user(_ command: String, _ ports: [Int]? = nil, pid: Int32 = 4242) -> Observation.DirectoryUser {
        .init(
            directory: Scene.folder("7000"), identity: .init(bootID: Scene.bootID, pid: pid, startTime: 9),
            command: command, ports: ports)
    }

    @Test func aRecordedProcessThatRunsIsAliveRegardlessOfOtherFacts() {
        for users in [[], [user("mynode 7000", [7000])], [user("bash")]] {
            for hidden in [false, true] {
                for ports in [true, false, nil] {
                    let seen = life(recorded: .alive, users: users, hidden: hidden, listensNot: ports)
                    #expect(seen == .alive(Self.identity))
                }
            }
        }
    }

    @Test func aMissingProcessIsDeadOnlyIfItsFolderIsFreeAndNoProcessIsHidden() {
        #expect(life() == .dead(.gone, since: .seconds(100)))
        #expect(life(hidden: true, listensNot: true) == .dead(.gone, since: .seconds(100)))
        #expect(life(hidden: true, listensNot: nil) == .unproven(.unseen([])))
        #expect(life(hidden: true, listensNot: false) == .unproven(.unseen([])))
        #expect(life(recorded: .hidden) == .unproven(.hidden(Self.identity)))
        #expect(life(recorded: nil) == .unproven(.notLooked(since: .seconds(100) + .nanoseconds(1))))
    }

    @Test func aRebootProvesDeathOnlyIfNoServerUsesTheFolder() {
        #expect(life(recorded: nil, bootID: "another") == .dead(.otherBoot, since: .seconds(100)))
        let engine = user("redis-server 127.0.0.1:7000", [7000])
        #expect(life(recorded: nil, users: [engine], bootID: "another") == .unproven(.folderInUse(engine)))
    }

    @Test(arguments: ["mynode 7000", "python3 -m http.server", "/opt/x/keeper", "redis-server *:7000"])
    func anUnknownProcessInTheFolderMayBeAServer(command: String) {
        let user = user(command)
        #expect(life(users: [user]) == .unproven(.folderInUse(user)))
    }

    @Test(arguments: ["-bash", "vim redis.log", "tail -f redis.log", "redis-rdb-bgsave 127.0.0.1:7000", "redis-cli"])
    func aProcessKnownNotToBeAServerDoesNotBlockTheProof(command: String) {
        #expect(life(users: [user(command)]) == .dead(.gone, since: .seconds(100)))
    }

    /// A language server of an editor, or a script of the operator.
    @Test func aProcessWithoutListenersOrAnEngineNameIsNotAServer() {
        for command in ["node tsserver.js", "python3 report.py", "keeper"] {
            #expect(life(users: [user(command, [])]) == .dead(.gone, since: .seconds(100)))
        }
        // An engine opens its ports a moment after its start.
        for command in ["redis-server *:7000", "/opt/valkey-server-8"] {
            #expect(life(users: [user(command, [])]) == .unproven(.folderInUse(user(command, []))))
        }
        let renamed = user("/opt/keydb 127.0.0.1:7000", [])
        #expect(
            FolderUsers([renamed], recorded: [], server: "/usr/bin/keydb").server(in: Scene.folder("7000")) == renamed)
    }

    /// With `proc-title-template`, a saving child has the engine's title, and it may outlive the engine.
    @Test func aSavingChildOfTheEngineIsNotAServer() {
        var child = user("mynode 7000", [])
        child.parent = 1
        child.session = Self.identity.pid
        #expect(life(users: [child]) == .dead(.gone, since: .seconds(100)))
        child.ports = [7000]
        #expect(life(users: [child]) == .unproven(.folderInUse(child)))
        child.ports = nil
        #expect(life(users: [child]) == .unproven(.folderInUse(child)))
    }

    @Test func anObservedExitProvesDeathOfAProcessThatIdentifiedItself() {
        var scene = Scene.settled()
        scene.die(Self.node)
        let engine = user("redis-server 127.0.0.1:7000", [7000])
        #expect(life(users: [engine], process: scene.seen.processes[Self.node]) == .dead(.ended, since: scene.now))
    }

    /// A wrapper exits while its engine continues to run.
    @Test func theExitOfAWrapperDoesNotProveDeath() {
        var scene = Scene.settled()
        scene.lastReports[Self.node] = nil
        scene.seen.replies[Self.node] = nil
        scene.die(Self.node)
        let engine = user("redis-server 127.0.0.1:7000", [7000])
        #expect(life(users: [engine], process: scene.seen.processes[Self.node]) == .unproven(.folderInUse(engine)))
        #expect(life(process: scene.seen.processes[Self.node]) == .dead(.ended, since: scene.now))
    }

    @Test func aPendingSIGKILLProvesDeath() {
        let running = Scene.settled().seen.processes[Self.node]
        #expect(life(process: running) == .alive(Self.identity))
        #expect(life(process: running, killPending: .seconds(99)) == .dead(.killPending, since: .seconds(99)))
    }

    // MARK: decisions

    /// A daemon that starts while nodes run, with what its survey of /proc shows of them.
    private func restarted(_ change: (inout Observation.Survey) -> Void) -> Scene {
        var scene = Scene.settled()
        scene.seen.processes = [:]
        scene.seen.replies = [:]
        scene.seen.effects = [:]
        scene.seen.ports = [:]
        scene.seen.began = scene.now - .seconds(5)
        scene.look()
        if var survey = scene.seen.survey {
            change(&survey)
            scene.seen.survey = survey
        }
        return scene
    }

    @Test func aNodeUnderAnotherNameIsAdopted() {
        let scene = restarted { survey in
            survey.users = survey.users.map { user in
                .init(directory: user.directory, identity: user.identity, command: "mynode", ports: [7000])
            }
        }
        #expect(scene.decide().nodes("adopt").count == 6)
        #expect(scene.decide().nodes("start") == [] && scene.decide().nodes("promote") == [])
    }

    @Test func aNodeThatCannotBeInspectedIsAdopted() {
        let scene = restarted { $0.users = [] }
        #expect(scene.decide().nodes("adopt").count == 6)
    }

    @Test func aHiddenProcessIsNeitherReplacedNorJoined() {
        var scene = restarted { survey in
            survey.users = survey.users.filter { $0.directory != Scene.folder("7000") }
            survey.recorded[Self.identity] = .hidden
            survey.showsOnlyOwn = true
        }
        for (name, identity) in scene.processes where name != Self.node {
            scene.seen.processes[name] = .running(
                .init(identity: identity, since: .seconds(50), startedAt: Scene.wall, adopted: true))
        }
        scene.hear()
        let decision = scene.decide()
        #expect(decision.nodes("start") == [] && decision.nodes("promote") == [])
        #expect(decision.finding(.endUnproven)?.node == Self.node)
        #expect(decision.record?.member(Self.node)?.ends?.last == nil)
    }

    /// The daemon has started, and knows of 7000 only what `change` sets; the other nodes are watched.
    private func unproven(_ change: (inout Observation.Survey) -> Void) -> Scene {
        var scene = restarted { survey in
            survey.users = survey.users.filter { $0.directory != Scene.folder("7000") }
            survey.recorded[Self.identity] = .gone
            change(&survey)
        }
        for (name, identity) in scene.processes where name != Self.node {
            scene.seen.processes[name] = .running(
                .init(identity: identity, since: .seconds(50), startedAt: Scene.wall, adopted: true))
        }
        scene.hear()
        return scene
    }

    private func busy(
        _ scene: Scene, _ holder: Observation.PortHolderFact, for time: Duration = .seconds(59)
    ) -> Observation.PortState {
        .busy(
            .init(
                port: 7000, sentence: "7000 is in use by nc (pid 7)", holder: holder, since: scene.now - time,
                askedAt: scene.now))
    }

    /// The readiness notification to systemd waits for `port-wait`: until then the holder of the port may release it.
    @Test func theStartPhaseLastsWhileANodeWaitsForItsPort() {
        var scene = unproven { $0.showsOnlyOwn = true }
        scene.seen.ports[PortPair(client: 7000)] = busy(scene, .hidden, for: .seconds(1))
        #expect(scene.decide().assessment.phase == .starting)
        scene.seen.ports[PortPair(client: 7000)] = busy(scene, .hidden)
        #expect(scene.decide().assessment.phase == .ready)
    }

    /// The node's own engine would hold both ports: a visible process of another program proves that it does not.
    @Test func aVisibleForeignPortHolderProvesDeathWhereProcessesAreHidden() {
        var scene = unproven { $0.showsOnlyOwn = true }
        scene.seen.ports[PortPair(client: 7000)] = busy(scene, .process(pid: 7))
        #expect(scene.decide().finding(.endUnproven) == nil)
        scene.seen.ports[PortPair(client: 7000)] = busy(scene, .hidden)
        #expect(scene.decide().finding(.endUnproven)?.node == Self.node)
        scene.seen.survey?.concealed = [.init(pid: 7, name: "redis-server", command: "redis-server", userID: 0)]
        scene.seen.ports[PortPair(client: 7000)] = busy(scene, .process(pid: 7))
        #expect(scene.decide().finding(.endUnproven)?.node == Self.node)
    }

    /// /proc was remounted, or the engine has become visible: the port holder is seen before its working directory is
    /// inspected.
    @Test func aPortHolderThatBecameVisibleAfterTheSurveyProvesNothing() throws {
        var scene = unproven { $0.showsOnlyOwn = true }
        let asked = try #require(scene.seen.survey?.askedAt)
        func hold(by holder: Observation.PortHolderFact, knownSince moment: Moment) {
            var busy = Observation.Busy(
                port: 7000, sentence: "7000 is in use by redis-server (pid 4242)", holder: holder,
                since: asked - .seconds(59), askedAt: scene.now)
            busy.heldSince = moment
            scene.seen.ports[PortPair(client: 7000)] = .busy(busy)
        }
        scene.pass(.seconds(1))
        scene.hear()
        hold(by: .process(pid: 4242), knownSince: asked + .milliseconds(900))
        let decision = scene.decide()
        #expect(decision.nodes("promote") == [] && decision.nodes("start") == [])
        #expect(decision.record?.member(Self.node)?.ports == PortPair(client: 7000))
        #expect(decision.record?.member(Self.node)?.ends?.last == nil)
        #expect(decision.effects.contains { if case .survey = $0 { true } else { false } })
        // The survey shows it in the node's folder: it is asked for its identity.
        let now = scene.now
        scene.seen.survey?.askedAt = now
        scene.seen.survey?.users.append(user("redis-server 127.0.0.1:7000", [7000, 17000]))
        #expect(scene.decide().nodes("start") == [] && scene.decide().orders("identify").count == 1)
        #expect(scene.decide().record?.member(Self.node)?.ports == PortPair(client: 7000))
    }

    /// An engine is started by hand in the folder of a node that has exited, after clusterd surveyed the folder.
    @Test func aNodeMovesOnlyAfterTheHolderOfItsPortWasInspected() {
        var scene = Scene.settled()
        scene.die("7004")
        scene.pass(.milliseconds(10))
        scene.look()
        scene.pass(.seconds(60))
        scene.hear()
        let own = PortPair(client: 7004)
        let free = PortPair(client: 7006)
        scene.seen.ports[free] = .reserved
        scene.seen.ports[own] = .busy(
            .init(
                port: 7004, sentence: "7004 is in use by redis-server (pid 4242)", holder: .process(pid: 4242),
                since: scene.now - .seconds(59), askedAt: scene.now))
        let decision = scene.decide()
        #expect(decision.record?.member("7004")?.ports == own)
        #expect(decision.effects.contains { if case .survey = $0 { true } else { false } })
        let now = scene.now
        scene.seen.survey?.askedAt = now
        #expect(scene.decide().record?.member("7004")?.ports == free)
    }

    /// `stop` and `run --stop-nodes` do not report a node as stopped unless its exit is proven.
    @Test func aClusterIsNotStoppedWhileTheDeathOfANodeIsUnproven() {
        func stopped(_ change: (inout Observation.Survey) -> Void) -> Decision {
            var scene = unproven(change)
            scene.seen.processes = [:]
            for name in scene.processes.keys where name != Self.node {
                scene.seen.survey?.recorded[Scene.identity(name)] = .gone
            }
            scene.seen.survey?.users = []
            scene.seen.intent = .stop(asked: scene.now, kill: false)
            return scene.decide()
        }
        #expect(stopped { _ in }.end == .done)
        let refusal = stopped { $0.recorded[Self.identity] = .hidden }.refusal
        #expect(refusal?.reason == .notStopped && refusal?.exit == 1)
        #expect(refusal?.message.contains("7000") == true && refusal?.hint?.contains("-p 7000") == true)
    }

    @Test func theRulesRejectAStartBesideAProcessThatMayStillRun() {
        var scene = unproven { $0.recorded[Self.identity] = .hidden }
        var decision = scene.decide()
        decision.effects = [.start(.init(node: Self.node, directory: Scene.folder("7000"), incarnation: 1))]
        #expect(
            violations(in: decision, given: scene.record, seeing: scene.seen).contains {
                $0.contains("not seen to be gone")
            })
        scene.seen.survey?.recorded[Self.identity] = .gone
        #expect(
            !violations(in: decision, given: scene.record, seeing: scene.seen).contains {
                $0.contains("not seen to be gone")
            }
        )
    }

    @Test(arguments: [Observation.PortHolderFact.hidden, .process(pid: 7000)])
    func aNodeWhoseProcessMayHoldItsPortNeitherMovesNorStarts(holder: Observation.PortHolderFact) {
        var scene = Scene.settled()
        scene.die("7000")
        scene.pass(.seconds(60))
        scene.look()
        let busy = Observation.Busy(
            port: 7000, sentence: "7000 is in use by user bob", holder: holder, since: scene.now - .seconds(59),
            askedAt: scene.now)
        scene.seen.ports[PortPair(client: 7000)] = .busy(busy)
        let decision = scene.decide()
        #expect(decision.record?.member("7000")?.ports == PortPair(client: 7000))
        #expect(decision.nodes("start") == [] && decision.finding(.portTaken)?.severity == .error)
    }
}
