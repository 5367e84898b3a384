import ClusterModel
import Planner
import Testing

/// A node whose role changed tells those that have not heard.
@Suite struct AnnouncementTests {
    private static func announcements(_ decision: Decision) -> [NodeName: [Int]] {
        var all: [NodeName: [Int]] = [:]
        for case .announce(let node, _, _, let ports) in decision.effects { all[node] = ports.map(\.client) }
        return all
    }

    /// 7000 believes that 7004 follows it.
    private static func mislead(_ scene: inout Scene) {
        let (master, id) = (Scene.id("7000"), Scene.id("7004"))
        scene.answer("7000") { report in
            guard let index = report.view.entries.firstIndex(where: { $0.id == id }) else { return }
            report.view.entries[index].masterID = master
        }
    }

    @Test func aNodeAnnouncesItselfToThoseThatBelieveOtherwise() {
        var scene = Scene.settled()
        Self.mislead(&scene)
        #expect(Self.announcements(scene.decide()) == ["7004": [7000]])
    }

    @Test func nodesThatAgreeAnnounceNothing() {
        #expect(Self.announcements(Scene.settled().decide()) == [:])
    }

    @Test func itIsRepeatedWhileItIsNotHeard() {
        var scene = Scene.settled()
        Self.mislead(&scene)
        scene.turn()
        scene.pass(.milliseconds(100))
        Self.mislead(&scene)
        #expect(Self.announcements(scene.decide()) == [:])
        scene.pass(.milliseconds(150))
        Self.mislead(&scene)
        #expect(Self.announcements(scene.decide()) == ["7004": [7000]])
    }

    /// Invariant: no-merge. A message to a node that does not know the sender would introduce it.
    @Test func aNodeThatDoesNotKnowTheOtherHearsNothing() {
        var scene = Scene.settled()
        scene.answer("7000") { report in report.view.entries.removeAll { $0.id == Scene.id("7004") } }
        #expect(Self.announcements(scene.decide()) == [:])
    }
}
