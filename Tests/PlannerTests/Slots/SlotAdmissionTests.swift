import ClusterModel
import Planner
import Testing

/// Which requests to move slots are admitted, and with which moves.
@Suite struct SlotAdmissionTests {
    private func reshard(
        _ from: String = "7000", _ to: String = "7001", _ slots: Command.Reshard.Amount = .count(100),
        dryRun: Bool = false
    ) -> Command {
        .reshard(.init(from: from, to: to, slots: slots, dryRun: dryRun))
    }

    @Test func theHighestSlotsOfTheShardAreChosen() throws {
        var scene = Scene.settled()
        let operation = try scene.ask(reshard())
        #expect(operation.slotMoves == [SlotMove(from: "7000", to: "7001", slots: SlotSet(5361...5460))])
        #expect(operation.title == "reshard" && operation.isOpen)
    }

    @Test func aNodeStandsForItsShard() throws {
        var scene = Scene.settled()
        let operation = try scene.ask(reshard("7003", "127.0.0.1:7004", .exactly(SlotSet(5...6))))
        #expect(operation.slotMoves == [SlotMove(from: "7000", to: "7001", slots: SlotSet(5...6))])
    }

    @Test func theSameRequestIsAdmittedOnce() throws {
        var scene = Scene.settled()
        let first = try scene.ask(reshard("7000", "7001", .exactly(SlotSet(0...9))))
        #expect(try scene.ask(reshard("7000", "7001", .exactly(SlotSet(0...9)))).id == first.id)
        #expect(try scene.ask(reshard("7003", "7001", .exactly(SlotSet(0...9)))).id == first.id)
        let others: [Command] = [
            reshard(), reshard("7000", "7001", .exactly(SlotSet(0...10))), reshard("7001", "7002"),
            .rebalance(.init()), reshard("7000", "7001", .exactly(SlotSet(0...9)), dryRun: true),
        ]
        for other in others {
            let refusal = scene.refusal(other)
            #expect(refusal?.reason == .operationUnderWay)
        }
        #expect(scene.record?.operations.count == 1)
    }

    @Test func aDryRunIsNotKept() throws {
        var scene = Scene.settled()
        let before = scene.record
        let plan = try scene.ask(reshard(dryRun: true))
        #expect(plan.state == .done && plan.slotMoves.map(\.slots) == [SlotSet(5361...5460)])
        #expect(plan.currentStep == .result(.wouldMove(slots: 100)))
        #expect(scene.record == before)
        let even = try scene.ask(.rebalance(.init(dryRun: true)))
        #expect(even.slotMoves.isEmpty && even.currentStep == .result(.slotsEven))
        #expect(scene.record == before)
    }

    @Test(
        arguments: [
            ("9", "7001", .count(1), .unknownNode), ("7000", "9", .count(1), .unknownNode),
            ("7000", "7000", .count(1), .sameShard), ("7000", "7003", .count(1), .sameShard),
            ("7000", "7001", .count(0), .slotsNotOwned), ("7000", "7001", .count(6000), .slotsNotOwned),
            ("7000", "7001", .count(5461), .slotsNotOwned), ("7000", "7001", .exactly(SlotSet()), .slotsNotOwned),
            ("7000", "7001", .exactly(SlotSet(5460...5461)), .slotsNotOwned),
        ] as [(String, String, Command.Reshard.Amount, ReasonCode)])
    func aRequestThatNamesWhatIsNotThereIsRefused(
        from: String, to: String, slots: Command.Reshard.Amount, reason: ReasonCode
    ) {
        let scene = Scene.settled()
        let refusal = scene.refusal(reshard(from, to, slots))
        #expect(refusal?.reason == reason && refusal?.exit == 64, "\(String(describing: refusal))")
    }

    // MARK: the state of the cluster

    private func refused(_ reason: ReasonCode, _ change: (inout Scene) -> Void) {
        var scene = Scene.settled()
        change(&scene)
        let refusal = scene.refusal(reshard())
        #expect(refusal?.reason == reason && refusal?.exit == 4, "\(String(describing: refusal))")
    }

    @Test func aMasterThatIsDownIsNoParty() {
        refused(.clusterNotServing) { $0.die("7001") }
    }

    @Test func keysInOtherDatabasesStay() {
        refused(.otherDatabases) { $0.answer("7000") { $0.load.otherDatabases = [3] } }
    }

    @Test func aTargetNearItsMaxmemoryIsRefused() throws {
        let full: (inout NodeReport) -> Void = { report in
            report.load.memoryBytes = 1 << 20
            report.load.maxMemoryBytes = 1 << 20
        }
        refused(.targetFull) { $0.answer("7001", full) }
        var scene = Scene.settled()
        scene.seen.check.settings["7001"] = SettingsReply(
            askedAt: scene.now, of: Scene.identity("7001"), values: ["maxmemory-policy": "allkeys-lru"])
        scene.answer("7001", full)
        #expect(try scene.ask(reshard()).isOpen)
    }

    @Test func aSlotThatIsHalfMovedElsewhereIsRefused() throws {
        refused(.slotOpen) { scene in
            scene.open(11000, from: "7002", to: "7001")
            scene.pass(.milliseconds(25))
            scene.hear()
        }
        // The remainder of an interrupted move in the same direction is part of the request.
        var scene = Scene.settled()
        scene.open(5, from: "7000", to: "7001")
        scene.pass(.milliseconds(25))
        scene.hear()
        #expect(try scene.ask(reshard("7000", "7001", .exactly(SlotSet(5...5)))).isOpen)
    }

    // MARK: rebalance

    @Test func weightsBelongToShards() throws {
        var scene = Scene.settled()
        let operation = try scene.ask(.rebalance(.init(weights: ["7003": 2])))
        #expect(operation.title == "rebalance" && operation.slotMoves.map(\.to) == ["7000", "7000"])
        #expect(operation.slotMoves.reduce(0) { $0 + $1.slots.count } == 8192 - 5461)
    }

    @Test func anEvenClusterHasNothingToMove() throws {
        var scene = Scene.settled()
        let operation = try scene.ask(.rebalance(.init()))
        #expect(operation.state == .done && operation.currentStep == .result(.slotsEven))
        #expect(scene.decide().orders("migrate slots").isEmpty)
    }

    @Test(arguments: [["9": 2.0], ["7000": 0], ["7000": -1], ["7000": 5000]])
    func aWeightThatIsNoShareIsRefused(weights: [String: Double]) {
        let refusal = Scene.settled().refusal(.rebalance(.init(weights: weights)))
        #expect(refusal?.exit == 64, "\(String(describing: refusal))")
    }
}
