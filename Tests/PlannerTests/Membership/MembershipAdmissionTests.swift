import ClusterModel
import Planner
import Testing

/// What is refused, and what is planned, when nodes are added and removed.
@Suite struct MembershipAdmissionTests {
    private func parts(_ command: Command, _ scene: Scene = .settled()) throws -> [String] {
        var scene = scene
        let operation = try scene.ask(command)
        guard case .change(let change) = operation.kind else { return [] }
        return change.parts.map(\.id)
    }

    private func refusal(_ command: Command, _ scene: Scene = .settled()) -> ReasonCode? {
        scene.refusal(command).flatMap { ReasonCode(rawValue: $0.code) }
    }

    @Test func aNewMasterGetsItsShare() throws {
        #expect(try parts(.addNode(.init())) == ["add-master 3", "even-slots"])
        #expect(try parts(.addNode(.init(isEmpty: true))) == ["add-master 3"])
        #expect(try parts(.addNode(.init(replicaOf: "7004"))) == ["add-replica 1"], "any node stands for its shard")
        #expect(refusal(.addNode(.init(replicaOf: "7009"))) == .unknownNode)
    }

    @Test func aDryRunIsNotKept() throws {
        var scene = Scene.settled()
        let plan = try scene.ask(.addNode(.init(dryRun: true)))
        #expect(plan.id == 0 && plan.state == .done)
        #expect(scene.record?.operations.isEmpty == true)
    }

    @Test func aPlanSaysHowMuchMoves() throws {
        var scene = Scene.settled()
        guard case .change(let change) = try scene.ask(.addNode(.init(dryRun: true))).kind,
            let record = scene.record
        else {
            Issue.record("no plan")
            return
        }
        let assessment = scene.decide().assessment
        let amounts = change.parts.map { AmountToMove($0, of: change, record, assessment) }
        let loads = assessment.nodes.compactMap { $0.role == Role.master ? $0.report?.load : nil }
        let (keys, bytes) = (loads.reduce(0) { $0 + $1.keys }, loads.reduce(0) { $0 + $1.memoryBytes })
        let even = try #require(amounts[1])
        #expect(amounts[0] == nil && even.slots == 4096)
        #expect(abs((even.keys ?? -99) - keys / 4) <= 3 && abs((even.bytes ?? -99) - bytes / 4) <= 3)

        var silent = assessment
        silent.nodes[0].report = nil
        let unknown = AmountToMove(.even, of: change, record, silent)
        #expect(unknown == AmountToMove(slots: 4096, keys: nil, bytes: nil))
        #expect(AmountToMove(.remove(.init("7003")), of: change, record, assessment) == nil)
        #expect(AmountToMove(slots: 1, keys: 1, bytes: 2048).words == "1 slot, about 1 key, 2 KB")
    }

    @Test func aMasterKeepsAReplicaUnlessToldOtherwise() throws {
        #expect(refusal(.removeNode(.init(node: "7003"))) == .noReplica)
        #expect(refusal(.removeNode(.init(node: "7000"))) == .noReplica)
        #expect(try parts(.removeNode(.init(node: "7003", force: true))) == ["remove 7003"])
        #expect(
            try parts(.removeNode(.init(node: "7003")), .settled(replicas: 2)) == ["remove 7003"])
    }

    @Test func twoMastersAreNoCluster() throws {
        #expect(refusal(.removeNode(.init(node: "7000", shard: true))) == .tooFewMasters)
        #expect(
            try parts(.removeNode(.init(node: "7003", shard: true)), .settled(masters: 4))
                == ["drain 3", "remove 7007", "remove 7003"])
        #expect(refusal(.removeNode(.init(node: "7000")), .settled(masters: 1, replicas: 0)) == .tooFewMasters)
    }

    @Test func aNodeThatIsDownWouldStillKnowIt() throws {
        var scene = Scene.settled(replicas: 2)
        scene.die("7004")
        scene.pass(.milliseconds(25))
        scene.hear()
        #expect(refusal(.removeNode(.init(node: "7003")), scene) == .clusterNotServing)
    }

    @Test func applyIsWhatTheConfigurationWants() throws {
        var scene = Scene.settled()
        scene.spec.masters = 4
        #expect(
            try parts(.apply(.init()), scene) == ["add-master 3", "add-replica 3", "even-slots"])
        #expect(refusal(.apply(.init(parts: ["even-slots"])), scene) == .planStale)
        #expect(try parts(.apply(.init())) == [])
    }
}
