import ClusterModel
import Planner
import Testing

/// From the nodes that there are to the numbers that the configuration wants.
@Suite struct MembershipPlanTests {
    private func shards(_ masters: Int, replicas: Int) -> [MembershipPlan.Shard] {
        let slots = SlotSet.evenly(among: masters)
        return (0..<masters).map { number in
            .init(
                number: number, master: NodeName(String(7000 + number)),
                replicas: (0..<replicas).map { NodeName(String(7100 + number * 10 + $0)) }, slots: slots[number])
        }
    }

    private func ids(_ shards: [MembershipPlan.Shard], _ masters: Int, _ replicas: Int) -> [String] {
        MembershipPlan(shards, masters: masters, replicas: replicas).parts.map(\.id)
    }

    @Test func nothingChangesWhatIsAsConfigured() {
        #expect(ids(shards(3, replicas: 1), 3, 1) == [])
    }

    @Test func newShardsAreWholeBeforeTheyGetSlots() {
        #expect(
            ids(shards(3, replicas: 1), 4, 1)
                == ["add-master 3", "add-replica 3", "even-slots"])
        #expect(
            ids(shards(3, replicas: 0), 5, 0)
                == ["add-master 3", "add-master 4", "even-slots"])
    }

    @Test func eachShardGetsTheReplicasThatItLacks() {
        var three = shards(3, replicas: 1)
        three[1].replicas = []
        #expect(ids(three, 3, 1) == ["add-replica 1"])
        #expect(
            ids(shards(3, replicas: 1), 3, 2) == ["add-replica 0", "add-replica 1", "add-replica 2"])
    }

    @Test func aShardThatGoesHandsOverItsSlotsFirstAndItsMasterLeavesLast() {
        #expect(
            ids(shards(4, replicas: 1), 3, 1) == ["drain 3", "remove 7130", "remove 7003"])
    }

    @Test func surplusReplicasLeaveAndMastersStay() {
        #expect(
            ids(shards(3, replicas: 2), 3, 1) == ["remove 7101", "remove 7111", "remove 7121"])
    }

    @Test func aDrainedShardLeavesTheOthersEven() {
        let four = shards(4, replicas: 0)
        let moves = MembershipPlan.drain(four[3], into: Array(four.prefix(3)))
        #expect(moves.allSatisfy { $0.from == "7003" })
        #expect(moves.map(\.to) == ["7000", "7001", "7002"])
        #expect(moves.reduce(SlotSet()) { $0.union($1.slots) } == four[3].slots)
        #expect(Set(moves.map(\.slots.count)).isSubset(of: [1365, 1366]))
    }
}
