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
