import ClusterModel
import Planner
import Testing

@Suite struct AdmissionTests {
    private func record() -> Record {
        var random = SplitMix64(seed: 7)
        let members = [7000, 7001, 7002].map { port in
            Member(
                name: NodeName(String(port)), id: NodeID(using: &random), ports: PortPair(client: port),
                directory: "/data/nodes/\(port)", nodesFileName: "nodes-\(port).conf", shard: 0,
                shardID: NodeID(using: &random))
        }
        var record = Record(
            cluster: "test", stage: .formed, shape: .init(masters: 3, replicas: 0), members: members)
        record.everReady = true
        return record
    }

    private func seen() -> Observation {
        Observation(
            bootID: "boot", wall: WallTime(milliseconds: 0), entropy: 0,
            engine: Engine(name: .redis, version: EngineVersion(7, 0, 15)), began: Moment(nanoseconds: 0))
    }

    private func assessment(canFailOver: Bool) -> Assessment {
        var assessment = Assessment()
        assessment.phase = .ready
        var node = Assessment.Node(name: "7000")
        node.slots = SlotSet(0...100)
        assessment.nodes = [node, .init(name: "7001"), .init(name: "7002")]
        assessment.shards = [
            .init(
                master: "7000", replicas: [], slots: node.slots, canFailOver: canFailOver,
                why: canFailOver ? nil : "no replica")
        ]
        return assessment
    }

    @Test func aNodeIsFoundByNamePortAddressAndId() throws {
        let record = record()
        let id = String(record.members[0].id.text.prefix(8))
        let found = try ["7001", "127.0.0.1:7002", id].map { try Admission.member($0, record).name }
        #expect(found == ["7001", "7002", "7000"])
    }

    @Test func anUnknownNodeIsRefusedWithTheNodesThatAre() {
        let error = #expect(throws: Refusal.self) { () throws in _ = try Admission.member("9", self.record()) }
        #expect(error?.exit == 64)
        #expect(error?.message.contains("7000 7001 7002") == true)
    }

    @Test func aMasterThatNobodyCanReplaceIsRefusedUnlessForced() throws {
        var record = record()
        let error = #expect(throws: Refusal.self) { () throws in
            _ = try Admission.restart(
                .init(node: "7000"), &record, self.assessment(canFailOver: false), seeing: self.seen())
        }
        #expect(error?.exit == 4)
        #expect(error?.hint?.contains("--force") == true)
        let forced = try Admission.restart(
            .init(node: "7000", force: true), &record, assessment(canFailOver: false), seeing: seen())
        #expect(forced.id == 1)
    }

    @Test func theSameKeyIsTheSameOperationAndASecondOneIsRefused() throws {
        var record = record()
        let request = RestartRequest(node: "7001", idempotencyKey: "a")
        let first = try Admission.restart(request, &record, assessment(canFailOver: true), seeing: seen())
        let again = try Admission.restart(request, &record, assessment(canFailOver: true), seeing: seen())
        #expect(first == again)
        #expect(throws: Refusal.self) { () throws in
            _ = try Admission.restart(
                .init(node: "7002"), &record, self.assessment(canFailOver: true), seeing: self.seen())
        }
    }

    @Test func anotherShapeIsRefusedAndAnOmittedNumberIsAsFormed() throws {
        try Admission.checkShape(record(), masters: nil, replicas: nil)
        try Admission.checkShape(record(), masters: 3, replicas: nil)
        let error = #expect(throws: Refusal.self) { () throws in
            _ = try Admission.checkShape(self.record(), masters: 5, replicas: nil)
        }
        #expect(error?.exit == 64)
    }
}
