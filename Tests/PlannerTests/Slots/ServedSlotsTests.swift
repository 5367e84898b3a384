import ClusterModel
import Planner
import Testing

/// What `status` calls served while slots 0 to 99 move from 7000 to 7001.
@Suite struct ServedSlotsTests {
    private static let all = SlotSet(0...99)

    private func ordered() throws -> Scene {
        try Scene.ordered(.reshard(.init(from: "7000", to: "7001", slots: .exactly(Self.all))))
    }

    /// The order that moves the first slots is in progress, and the source has not answered since.
    private func moving() throws -> Scene {
        var scene = try ordered()
        let decision = scene.come { !$0.orders("migrate slots").isEmpty }
        scene.begin(try #require(decision.orders("migrate slots").first))
        return scene
    }

    /// 7000 has told that it gave slots 0 to 49 away; the answer of 7001 is older.
    private func handedOver() throws -> Scene {
        var scene = try moving()
        scene.pass(.milliseconds(25))
        scene.give(SlotSet(0...49), to: "7001")
        scene.answer("7000")
        return scene
    }

    @Test func anOrderToMoveSlotsLeavesTheOtherSlotsServed() throws {
        var scene = try moving()
        for _ in 0..<3 {
            let assessment = scene.decide().assessment
            #expect(assessment.slotsCovered == 16384 && assessment.serving && assessment.state == .ok)
            scene.pass(.milliseconds(5))
        }
    }

    @Test func slotsThatTheSourceGaveToTheTargetAreServed() throws {
        let decision = try handedOver().decide()
        #expect(decision.assessment.slotsCovered == 16384 && decision.assessment.serving)
        #expect(decision.finding(.slotsUncovered) == nil)
    }

    @Test func aLaterAnswerOfTheTargetWithoutTheSlotsRefutesTheSource() throws {
        var scene = try handedOver()
        scene.pass(.milliseconds(25))
        scene.answer("7001") { report in
            for index in report.view.entries.indices where report.view.entries[index].id == Scene.id("7001") {
                report.view.entries[index].slots = SlotSet(5461...10922)
            }
        }
        let assessment = scene.decide().assessment
        #expect(assessment.slotsCovered == 16334 && !assessment.serving)
    }

    @Test func slotsThatNoRunningOperationMovesAreNotServed() throws {
        var scene = try handedOver()
        scene.record?.operations[0].state = .failed
        let assessment = scene.decide().assessment
        #expect(!assessment.serving)
    }

    @Test func aMasterThatNoLongerAnswersDoesNotServe() throws {
        var scene = try moving()
        scene.refuse("7000")
        #expect(scene.decide().assessment.slotsCovered == 16384 - 5461)
    }

    @Test func aTargetThatReportsFailGetsNoSlotsOfTheSource() throws {
        var scene = try handedOver()
        scene.answer("7001") { $0.clusterStateOK = false }
        #expect(!scene.decide().assessment.serving)
    }
}
