import ClusterModel
import Foundation
import Orchestrator
import Planner
import Testing

@Suite struct RecordCodingTests {
    private func record() -> Record {
        var random = SplitMix64(seed: 3)
        var member = Member(
            name: "7000", id: NodeID(using: &random), ports: PortPair(client: 7000), directory: "/data/nodes/7000",
            nodesFileName: "nodes-7000.conf", shard: 0, shardID: NodeID(using: &random))
        member.process = ProcessIdentity(bootID: "boot", pid: 12, startTime: 345)
        member.portNote = "7005 is in use"
        var record = Record(
            cluster: "demo", stage: .formed, shape: .init(masters: 1, replicas: 0), members: [member])
        record.everReady = true
        record.promotions = [
            Effect.Promotion(
                replica: "7003", replicaID: NodeID(using: &random), master: "7000", masterID: member.id,
                orderedAt: WallTime(milliseconds: 9),
                deadline: WallTime(milliseconds: 99), ordered: .seconds(3), attempt: 2, lagBytes: 17)
        ]
        return record
    }

    @Test func aRecordSurvivesARoundTrip() throws {
        let record = record()
        let bytes = try #require(RecordCoding.encode(record))
        #expect(try RecordCoding.decode(bytes) == record)
        #expect(bytes.last == 10)
    }

    @Test func aRecordOfANewerSchemaIsRejected() {
        let newer = Record.schema + 1
        #expect(throws: RecordCoding.Failure.newer(schema: newer)) {
            try RecordCoding.decode(Array("{\"schema\": \(newer), \"whatever\": []}".utf8))
        }
    }

    /// Schema 1 stores a step as its text; the daemon that continues with it writes its own schema.
    @Test func aRecordOfSchema1IsRead() throws {
        var record = record()
        var operation = Operation(id: 7, kind: .resume, startedAt: WallTime(milliseconds: 5), idempotencyKey: nil)
        operation.steps = [.init(.stopping("7000"), at: WallTime(milliseconds: 6), state: .running)]
        record.operations = [operation]
        let text = String(decoding: try #require(RecordCoding.encode(record)), as: UTF8.self)
        let step = try #require(text.firstRange(of: #/"step" ?: \{[^}]*\}\s*\}/#))
        let old = text.replacingCharacters(in: step, with: #""text": "stopping 7000""#)
            .replacing(#/"schema" ?: 3/#, with: #""schema": 1"#)
        let read = try RecordCoding.decode(Array(old.utf8))
        #expect(read.operations[0].steps[0].step == .told("stopping 7000"))
        #expect(read.operations[0].currentStep?.words == "stopping 7000")
        #expect(read.schema == Record.schema)
        #expect(try RecordCoding.decode(try #require(RecordCoding.encode(read))) == read)
    }

    /// Schema 2 stores a failure as its text.
    @Test func aRecordOfSchema2IsRead() throws {
        var record = record()
        var operation = Operation(id: 7, kind: .resume, startedAt: WallTime(milliseconds: 5), idempotencyKey: nil)
        operation.state = .failed
        operation.failure = .unknownNode("7000")
        record.operations = [operation]
        let text = String(decoding: try #require(RecordCoding.encode(record)), as: UTF8.self)
        let failure = try #require(text.firstRange(of: #/"failure" ?: \{[^}]*\}\s*\}/#))
        let old = text.replacingCharacters(in: failure, with: #""error": "7000 is gone""#)
            .replacing(#/"schema" ?: 3/#, with: #""schema": 2"#)
        let read = try RecordCoding.decode(Array(old.utf8))
        #expect(read.operations[0].failure == .told("7000 is gone"))
        #expect(read.operations[0].error == "7000 is gone")
        #expect(read.schema == Record.schema)
        #expect(try RecordCoding.decode(try #require(RecordCoding.encode(read))) == read)
    }

    @Test func eachKindOfFailureSurvivesARoundTrip() throws {
        let id = record().members[0].id
        let failures: [OperationFailure] = [
            .told("words"), .nothingStopped(.noRunningReplica(of: "7000")), .notInRecord, .noProgress(nil),
            .notRestarted(["7001", "7002"], after: .notStopped("7000", .silent("7003"))),
            .noProgress(.stopping("7000")), .didNotStop("7000", within: .seconds(12)), .didNotStart("7000", nil),
            .unsettled(.reset("7000", answersAs: id, isRepaired: true)),
            .unsettled(.slotsUncovered(.all, shardOf: "7000", isRepaired: false)),
            .runsInDisagreement("7000", .role(.master, of: "7001", seenBy: "7000")),
            .disagreement(.port(7000, of: "7001", seenBy: "7000", insteadOf: 7001)),
            .notInSync("7000", .syncLoop(master: "7001")), .noRoomToTakeOver("7000", .reserve),
            .unfinished(.forgetting(id), .stillKnown(by: ["7000"])), .wouldLoseData("7000", .holds("2 keys")),
            .folderInUse("/data/7000 is in use", .moved), .refused(by: "7000", "ERR no"),
            .sameShard("7000", "7003"), .slotsNotMoved(from: "7000", to: "7001", "ERR no"),
            .slotsElsewhere(SlotSet(0...9), owner: "7002"), .slotsElsewhere(SlotSet(5...5), owner: nil),
        ]
        var record = record()
        record.operations = failures.enumerated().map { number, failure in
            var operation = Operation(
                id: number, kind: .resume, startedAt: WallTime(milliseconds: 5), idempotencyKey: nil)
            operation.state = .failed
            operation.failure = failure
            return operation
        }
        let read = try RecordCoding.decode(try #require(RecordCoding.encode(record)))
        #expect(read == record)
        #expect(read.operations.map { $0.error ?? "" } == failures.map(\.words))
    }

    @Test func eachKindOfStepSurvivesARoundTrip() throws {
        let id = record().members[0].id
        let results: [OperationResult] = [
            .inSync("7000", .master), .stopped("7000"), .restarted(nodes: 6), .master("7000", .all), .nothingToDo,
            .notMaster("7000", master: nil), .paused(until: WallTime(milliseconds: 9)), .paused(until: nil),
            .setAside("/data/7000", quarantine: "q", started: "7000"), .forgotten(id), .ownsSlots("7000", .all),
            .slotsMoved(100, isAll: true), .slotsMoved(1, isAll: false), .wouldMove(slots: 1), .slotsEven,
        ]
        let progress = OperationStep.SlotProgress(done: 50, total: 100, keys: 2000, keysPerSecond: 900)
        let steps: [OperationStep] =
            results.map { .result($0) } + [
                .queued(after: 3, title: "restart-node 7000"), .part(2, of: 6, .starting("7001")), .told("words"),
                .next(.forget(.init(id)), after: .nothingToDo), .awaitingSibling("7000", .silent("7003")),
                .syncing("7000", nil), .syncing("7000", .login(replica: "7003", master: "7000", .notSent)),
                .syncing("7000", .syncLoop(master: "7001")), .awaitingReplicaInSync(nil, of: "7000"),
                .awaitingElectionWindow(of: "7000", Shown(.seconds(12))), .givingSlots(.all, to: "7000"),
                .awaitingMasterOfShard("7000"),
                .movingSlots(from: "7000", to: "7001", twentieths: 10, Shown(progress)),
                .retryingSlots(from: "7000", to: "7001", Shown("ERR no")), .finishingSlots(from: "7000", to: "7001"),
            ]
        var record = record()
        var operation = Operation(id: 7, kind: .resume, startedAt: WallTime(milliseconds: 5), idempotencyKey: nil)
        operation.steps = steps.map { .init($0, at: WallTime(milliseconds: 6), state: .done) }
        record.operations = [operation]
        let read = try RecordCoding.decode(try #require(RecordCoding.encode(record)))
        #expect(read == record)
        // Fields that are displayed but not compared, too.
        #expect(read.operations[0].steps.map(\.step.words) == steps.map(\.words))
    }

    @Test func aMoveOfSlotsSurvivesARoundTrip() throws {
        var reshard = Operation.Reshard(
            moves: [
                SlotMove(from: "7000", to: "7001", slots: SlotSet([0...99, 200...200])),
                SlotMove(from: "7000", to: "7002", slots: SlotSet(300...300)),
            ], isRebalance: true)
        reshard.isEnding = true
        reshard.part = .init(number: 3, from: "7000", to: "7001", slots: SlotSet(0...49), way: .atomic)
        var record = record()
        record.operations = [
            Operation(id: 7, kind: .reshard(reshard), startedAt: WallTime(milliseconds: 5), idempotencyKey: "k"),
            Operation(
                id: 8, kind: .reshard(.init(moves: [], isRebalance: false)), startedAt: WallTime(milliseconds: 5),
                idempotencyKey: nil),
        ]
        #expect(try RecordCoding.decode(try #require(RecordCoding.encode(record))) == record)
    }

    @Test(arguments: ["", "{", "[]", "{\"schema\": \"1\"}", "{\"schema\": 1}", "\u{0}\u{0}"])
    func anInvalidRecordIsReportedAsUnreadable(text: String) {
        let failure = #expect(throws: RecordCoding.Failure.self) { try RecordCoding.decode(Array(text.utf8)) }
        guard case .unreadable = failure else { return #expect(Bool(false), "\(String(describing: failure))") }
    }

    @Test func everyTruncatedRecordIsUnreadable() throws {
        let bytes = try #require(RecordCoding.encode(record()))
        for length in stride(from: 0, to: bytes.count - 2, by: 7) {
            #expect(throws: RecordCoding.Failure.self) { try RecordCoding.decode(Array(bytes[..<length])) }
        }
    }
}
