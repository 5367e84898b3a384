import ClusterModel
import Planner
import Testing

/// A node that does not respond but is not hung: it saves on clusterd's order, or its clients are paused.
@Suite struct SilenceTests {
    static let asleep = ProcessActivity(state: .asleep, cpuTicks: 5)
    static let waitsForDisk = ProcessActivity(state: .uninterruptible, cpuTicks: 5)

    /// Silent for this many seconds; the other nodes receive its bus messages, or do not.
    private static func silent(
        for time: Int, _ look: ProcessActivity, hearsPeers: Bool = false, _ change: (inout Scene) -> Void = { _ in }
    ) -> Decision {
        var scene = Scene.settled()
        scene.hear()
        change(&scene)
        let began = scene.seen.wall
        for _ in 0..<time {
            scene.fallSilent(["7000"], look)
            let heard = (hearsPeers ? scene.seen.wall : began).milliseconds
            scene.answer("7001") { report in
                guard let index = report.view.entries.firstIndex(where: { $0.id == Scene.id("7000") }) else { return }
                report.view.entries[index].pongReceived = heard
            }
        }
        return scene.decide()
    }

    @Test(arguments: [asleep, waitsForDisk]) func aNodeThatSavesForAStopIsNotHung(look: ProcessActivity) {
        for time in [8, 400] {
            let decision = Self.silent(for: time, look) { scene in
                scene.begin(.shutdown("7000", scene.contact("7000"), .always))
            }
            #expect(decision.finding(.nodeHung) == nil && decision.nodes("kill") == [])
            #expect(decision.finding(.nodeBusy)?.message.contains("clusterd is stopping it") == true)
            #expect(decision.assessment.node("7000")?.health == .busy)
        }
        #expect(Self.silent(for: 400, look).finding(.nodeHung) != nil)
        #expect(Self.silent(for: 400, look).nodes("kill") == ["7000"])
    }

    @Test func aSilentNodeThatRespondsOnTheBusHasPausedClients() {
        for time in [8, 400] {
            let decision = Self.silent(for: time, Self.asleep, hearsPeers: true)
            #expect(decision.finding(.nodeHung) == nil && decision.nodes("kill") == [])
            #expect(decision.finding(.clientsPaused)?.message.contains("CLIENT PAUSE") == true)
        }
        #expect(Self.silent(for: 8, Self.asleep).finding(.clientsPaused) == nil)
    }

    /// A node that waits for its disk cannot have responded on the bus: the engine does both in one thread.
    @Test func aNodeThatWaitsForItsDiskHasNoPausedClients() {
        for time in [8, 60] {
            let decision = Self.silent(for: time, Self.waitsForDisk, hearsPeers: true)
            #expect(decision.finding(.clientsPaused) == nil)
            #expect(decision.finding(.nodeHung)?.message.contains("it waits for a disk (state D)") == true)
        }
        // The process is seen in state D now and then.
        var scene = Scene.settled()
        scene.hear()
        for second in 0..<9 {
            scene.fallSilent(["7000"], second.isMultiple(of: 3) ? Self.waitsForDisk : Self.asleep)
            scene.hearOnTheBus("7000", by: "7001", at: scene.seen.wall)
        }
        #expect(scene.decide().finding(.clientsPaused) == nil)
        #expect(scene.decide().finding(.nodeHung)?.message.contains("state D") == true)
    }

    @Test func aBusyNodeHasNoPausedClients() {
        let decision = Self.silent(for: 8, .init(state: .running, cpuTicks: 5), hearsPeers: true)
        #expect(decision.finding(.clientsPaused) == nil && decision.finding(.nodeBusy) != nil)
    }

    /// An engine that reads its nodes.conf treats every node as just heard from (`clusterLoadConfig`, src/cluster.c),
    /// and reports that to the other nodes.
    @Test func aNodeThatJustStartedIsNotEvidenceThatItsPeersRespond() {
        var scene = Scene.settled()
        scene.hear()
        for second in 0..<10 {
            scene.fallSilent(["7003"], Self.asleep)
            if second == 4, case .running(var process) = scene.seen.processes["7000"] {
                process.startedAt = scene.seen.wall
                scene.seen.processes["7000"] = .running(process)
            }
            if second >= 4 { scene.hearOnTheBus("7003", by: "7000", at: scene.seen.wall + .seconds(4 - second)) }
        }
        #expect(scene.decide().finding(.clientsPaused) == nil)
        #expect(scene.decide().finding(.nodeHung)?.node == "7003")
    }

    @Test(
        arguments: [
            (
                "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", .nodeBusy,
                "SCRIPT KILL; "
            ),
            (
                "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.", .nodeBusy,
                "FUNCTION KILL; "
            ),
            ("ERR max number of clients reached", .nodeRefuses, "ss -tnp"),
        ] as [(String, ReasonCode, String)])
    func theHintMatchesTheEnginesError(words: String, code: ReasonCode, hint: String) {
        var scene = Scene.settled()
        scene.seen.replies["7000"]?.outcome = .answered(words)
        let finding = scene.decide().finding(code)
        #expect(finding?.message.contains(words) == true && finding?.hint?.contains(hint) == true)
        #expect(code != .nodeBusy || finding?.hint?.contains("UNKILLABLE") == true)
    }

    /// CLIENT PAUSE with WRITE: queries are answered, writes wait.
    @Test func aMasterWithPausedWritesIsAFinding() {
        var scene = Scene.settled()
        for name: NodeName in ["7000", "7003"] { scene.answer(name) { $0.holdsWrites = true } }
        let found = scene.decide().findings.filter { $0.code == .clientsPaused }
        #expect(found.map(\.node) == ["7000"] && found.first?.severity == .error)
        #expect(found.first?.hint == "clusterd call --node 7000 CLIENT UNPAUSE")
        scene.answer("7000")
        #expect(scene.decide().finding(.clientsPaused) == nil)
    }
}

extension Scene {
    /// A node reports when this node last responded to it on the bus.
    fileprivate mutating func hearOnTheBus(_ node: NodeName, by other: NodeName, at moment: WallTime) {
        answer(other) { report in
            guard let index = report.view.entries.firstIndex(where: { $0.id == Scene.id(node) }) else { return }
            report.view.entries[index].pongReceived = moment.milliseconds
        }
    }
}
