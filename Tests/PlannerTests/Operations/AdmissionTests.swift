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

    @Test func aNodeIsFoundByNamePortAddressAndId() throws {
        let record = record()
        let id = String(record.members[0].id.text.prefix(8))
        let found = try ["7001", "127.0.0.1:7002", id].map { try Admission.member($0, record).name }
        #expect(found == ["7001", "7002", "7000"])
    }

    @Test func anUnknownNodeIsRefusedWithTheListOfNodes() {
        let error = #expect(throws: Failure.self) { () throws in _ = try Admission.member("9", self.record()) }
        #expect(error?.exit == 64)
        #expect(error?.message.contains("7000 7001 7002") == true)
    }

    @Test func anotherShapeIsRefusedAndAnOmittedNumberIsTheFormedOne() throws {
        try Admission.checkShape(record(), masters: nil, replicas: nil)
        try Admission.checkShape(record(), masters: 3, replicas: nil)
        let error = #expect(throws: Failure.self) { () throws in
            _ = try Admission.checkShape(self.record(), masters: 5, replicas: nil)
        }
        #expect(error?.exit == 64)
    }
}
