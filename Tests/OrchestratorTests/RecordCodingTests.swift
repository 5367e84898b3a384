import ClusterModel
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

    @Test func whatIsWrittenIsReadAgain() throws {
        let record = record()
        let bytes = try #require(RecordCoding.encode(record))
        #expect(try RecordCoding.decode(bytes) == record)
        #expect(bytes.last == 10)
    }

    @Test func aNewerFormIsNotRead() {
        #expect(throws: RecordCoding.Failure.newer(schema: 2)) {
            try RecordCoding.decode(Array("{\"schema\": 2, \"whatever\": []}".utf8))
        }
    }

    @Test(arguments: ["", "{", "[]", "{\"schema\": \"1\"}", "{\"schema\": 1}", "\u{0}\u{0}"])
    func whatCannotBeReadIsSaidToBeUnreadable(text: String) {
        let failure = #expect(throws: RecordCoding.Failure.self) { try RecordCoding.decode(Array(text.utf8)) }
        guard case .unreadable = failure else { return #expect(Bool(false), "\(String(describing: failure))") }
    }

    @Test func everyCutOfItIsUnreadable() throws {
        let bytes = try #require(RecordCoding.encode(record()))
        for length in stride(from: 0, to: bytes.count - 2, by: 7) {
            #expect(throws: RecordCoding.Failure.self) { try RecordCoding.decode(Array(bytes[..<length])) }
        }
    }
}
