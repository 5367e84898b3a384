import ClusterModel
import Planner
import Testing

/// A node that does not answer, and does not hang: it saves, as clusterd told it, or its clients are paused.
@Suite struct SilenceTests {
    static let asleep = ProcessActivity(state: .asleep, cpuTicks: 5)
    static let waitsForDisk = ProcessActivity(state: .uninterruptible, cpuTicks: 5)

    /// Silent for this many seconds; the others hear from it on the bus, or do not.
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

    @Test(arguments: [asleep, waitsForDisk]) func aNodeThatSavesBecauseClusterdStopsItIsNotHung(look: ProcessActivity) {
        for time in [8, 400] {
            let decision = Self.silent(for: time, look) { scene in
                scene.begin(.shutdown("7000", scene.contact("7000"), .always))
            }
            #expect(decision.finding("node-hung") == nil && decision.nodes("kill") == [])
            #expect(decision.finding("node-busy")?.message.contains("clusterd has told it to stop") == true)
            #expect(decision.assessment.node("7000")?.health == .busy)
        }
        #expect(Self.silent(for: 400, look).finding("node-hung") != nil)
        #expect(Self.silent(for: 400, look).nodes("kill") == ["7000"])
    }

    @Test func aNodeWhoseClientsArePausedAnswersOnTheBus() {
        for time in [8, 400] {
            let decision = Self.silent(for: time, Self.asleep, hearsPeers: true)
            #expect(decision.finding("node-hung") == nil && decision.nodes("kill") == [])
            #expect(decision.finding("clients-paused")?.message.contains("CLIENT PAUSE") == true)
        }
        #expect(Self.silent(for: 8, Self.asleep).finding("clients-paused") == nil)
    }

    @Test(arguments: [
        (
            "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", "node-busy",
            "SCRIPT KILL; "
        ),
        (
            "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.", "node-busy",
            "FUNCTION KILL; "
        ),
        ("ERR max number of clients reached", "node-refuses", "ss -tnp"),
    ])
    func theHintFitsTheEnginesWords(words: String, code: String, hint: String) {
        var scene = Scene.settled()
        scene.seen.replies["7000"]?.outcome = .answered(words)
        let finding = scene.decide().finding(code)
        #expect(finding?.message.contains(words) == true && finding?.hint?.contains(hint) == true)
        #expect(code != "node-busy" || finding?.hint?.contains("UNKILLABLE") == true)
    }

    /// CLIENT PAUSE with WRITE: questions are answered, writes wait.
    @Test func aMasterThatHoldsWritesIsFound() {
        var scene = Scene.settled()
        for name: NodeName in ["7000", "7003"] { scene.answer(name) { $0.holdsWrites = true } }
        let found = scene.decide().findings.filter { $0.code == "clients-paused" }
        #expect(found.map(\.node) == ["7000"] && found.first?.severity == .error)
        #expect(found.first?.hint == "clusterd call --node 7000 CLIENT UNPAUSE")
        scene.answer("7000")
        #expect(scene.decide().finding("clients-paused") == nil)
    }
}
