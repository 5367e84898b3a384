import ClusterModel
import Planner
import Testing

/// The arithmetic of `rebalance`.
@Suite struct RebalanceTests {
    private func owners(_ slots: [SlotSet], weights: [Double]? = nil) -> [Rebalance.Owner] {
        slots.enumerated().map { index, slots in
            .init(node: NodeName(String(7000 + index)), slots: slots, weight: weights?[index] ?? 1)
        }
    }

    /// The numbers of slots after the moves.
    private func result(_ plan: Rebalance) -> [Int] {
        plan.owners.map { owner in
            plan.moves.reduce(owner.slots.count) { count, move in
                count + (move.to == owner.node ? move.slots.count : 0)
                    - (move.from == owner.node ? move.slots.count : 0)
            }
        }
    }

    @Test func anEvenClusterMovesNothing() {
        #expect(Rebalance(owners(SlotSet.evenly(among: 3)), threshold: 2).moves.isEmpty)
    }

    @Test func anEmptyMasterGetsItsShare() {
        let plan = Rebalance(owners(SlotSet.evenly(among: 3) + [SlotSet()]), threshold: 2)
        #expect(result(plan) == [4096, 4096, 4096, 4096])
        let moved = plan.moves.reduce(SlotSet()) { $0.union($1.slots) }
        #expect(moved.count == plan.moves.reduce(0) { $0 + $1.slots.count }, "no slot moves twice")
    }

    @Test func weightsDivideTheSlots() {
        let plan = Rebalance(owners(SlotSet.evenly(among: 3), weights: [2, 1, 1]), threshold: 2)
        #expect(result(plan) == [8192, 4096, 4096])
    }

    @Test func theHighestSlotsAreTaken() {
        #expect(SlotSet(0...99).last(10) == SlotSet(90...99))
        #expect(SlotSet([0...4, 10...14]).first(7) == SlotSet([0...4, 10...11]))
    }
}
