import ClusterModel
import Planner
import Testing

@Suite struct OperationQueueTests {
    @Test func aRepeatedKeyReturnsTheSameOperation() throws {
        var scene = Scene.settled()
        let first = try scene.ask(.restartNode("7001"), key: "a")
        #expect(try scene.ask(.restartNode("7001"), key: "a") == first)
        _ = scene.carryOut()
        #expect(try scene.ask(.restartNode("7001"), key: "a").state == .done, "also when it has ended")
        #expect(scene.record?.operations.count == 1)
    }

    @Test func aRepeatedCommandReturnsItsOperationAndAnotherOnThatNodeIsRefused() throws {
        var scene = try Scene.ordered(.restartNode("7001"))
        scene.turn()
        #expect(try scene.ask(.restartNode("7001"), key: "another").id == 1)
        for command in [Command.stopNode("7001"), .restartNode("7001", force: true), .startNode("7001")] {
            if case .startNode = command, scene.processes["7001"] != nil { continue }
            let refusal = scene.refusal(command)
            #expect(refusal?.reason == .operationUnderWay && refusal?.hint?.contains("clusterd cancel 1") == true)
        }
    }

    @Test func operationsOnOtherNodesWaitForTheirTurn() throws {
        var scene = try Scene.ordered(.restartNode("7001"))
        try scene.ask(.failover("7003"))
        try scene.ask(.stopNode("7005"))
        scene.turn()
        #expect(scene.record?.operations.map(\.state) == [.running, .queued, .queued])
        #expect(scene.record?.operations[1].currentStep?.words == "after operation 1 (restart-node 7001)")
        #expect(
            scene.carryOut() == ["shutdown 7001", "start 7001", "hand over 7003", "shutdown 7005"])
        #expect(scene.record?.operations.map(\.state) == [.done, .done, .done])
        let steps = scene.record?.operations[1].steps.map(\.step.words) ?? []
        #expect(steps.contains("handing over to 7003"), "\(steps)")
        #expect(!steps.contains { $0.hasPrefix("after operation") }, "\(steps)")
    }

    @Test func aStartDoesNotWaitInTheQueue() throws {
        var scene = try Scene.ordered(.stopNode("7005"))
        _ = scene.carryOut()
        try scene.ask(.restartNode("7001"))
        try scene.ask(.startNode("7005"))
        scene.turn()
        #expect(scene.record?.operations.suffix(2).map(\.state) == [.running, .running])
    }

    @Test func aQueuedOperationIsCheckedAgainBeforeItBegins() throws {
        var scene = try Scene.ordered(.restartNode("7001"))
        try scene.ask(.stopNode("7003"))
        try scene.ask(.restartNode("7000"))
        #expect(scene.carryOut().contains("shutdown 7000") == false)
        #expect(scene.record?.operations.map(\.state) == [.done, .done, .failed])
        #expect(scene.operation?.error == "7000 has no running replica; nothing was restarted")
    }

    // MARK: cancel

    @Test func aCancelledQueuedOperationNeverBegins() throws {
        var scene = try Scene.ordered(.restartNode("7001"))
        try scene.ask(.stopNode("7005"))
        scene.turn()
        #expect(try scene.ask(.cancel("2")).state == .cancelled)
        #expect(try scene.ask(.cancel("2")).state == .cancelled, "asking twice is asking once")
        #expect(!scene.carryOut().contains("shutdown 7005"))
    }

    @Test func aNodeStartsAgainAfterItsStopIsCancelled() throws {
        for command in [Command.restartNode("7004"), .stopNode("7004"), .rollingRestart()] {
            var scene = try Scene.ordered(command)
            let down = scene.run { !$0.nodes("shutdown").isEmpty }?.nodes("shutdown").first
            try scene.ask(.cancel("1"))
            scene.look()
            scene.run { $0.assessment.ready }
            #expect(scene.processes.count == 6 && scene.operation?.state == .cancelled, "\(command)")
            #expect(down.map { scene.starts[$0] } == 2 && scene.starts.values.reduce(0, +) == 7)
        }
    }

    @Test func cancellingAnEndedOrUnknownOperationIsRefused() throws {
        var scene = try Scene.ordered(.restartNode("7004"))
        #expect(scene.refusal(.cancel("7"))?.exit == 64)
        #expect(scene.refusal(.cancel("7"))?.message.contains("open operations: 1 (restart-node 7004)") == true)
        _ = scene.carryOut()
        #expect(scene.refusal(.cancel("1"))?.reason == .operationEnded)
    }

    @Test func theLastFiftyEndedOperationsAndAllOpenOnesAreKept() throws {
        var scene = try Scene.ordered(.restartNode("7001"))
        for _ in 0..<70 { try scene.ask(.resume) }
        #expect(scene.record?.operations.count == 51 && scene.record?.operations.first?.id == 1)
    }

    @Test func anOperationBeforeTheFirstReadyOrDuringAStopIsRefused() {
        var scene = Scene.settled()
        scene.record?.everReady = false
        #expect(scene.refusal(.stopNode("7004"))?.reason == .notFormed)
        scene.seen.intent = .stop(asked: scene.now, kill: false)
        #expect(scene.refusal(.pause(nil))?.reason == .stopping)
    }
}
