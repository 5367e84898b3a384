import ClusterModel
import Planner
import Testing

/// How many lines of a node's log are forwarded to the journal.
@Suite struct LogBudgetTests {
    private func allowed(_ budget: inout LogBudget, of count: Int, warning: Bool = false, at seconds: Double) -> Int {
        (0..<count).count { _ in budget.allows(warning: warning, at: .seconds(seconds)) }
    }

    @Test func theBudgetAllowsABurstAndThenAFixedRate() {
        var budget = LogBudget()
        #expect(allowed(&budget, of: 1000, at: 10) == 500)
        #expect(allowed(&budget, of: 1000, at: 10) == 0)
        #expect(allowed(&budget, of: 1000, at: 11) == 50)
        #expect(allowed(&budget, of: 1000, at: 11.5) == 25)
        // The budget never exceeds one burst, however long the node was quiet.
        #expect(allowed(&budget, of: 1000, at: 1000) == 500)
    }

    @Test func warningsHaveTheirOwnBudget() {
        var budget = LogBudget()
        #expect(allowed(&budget, of: 1000, at: 1) == 500)
        #expect(allowed(&budget, of: 1000, warning: true, at: 1) == 500)
    }

    @Test func theNumberOfDroppedLinesIsReportedOnceWhenLinesPassAgain() {
        var budget = LogBudget()
        #expect(budget.takeLeftOut(at: .seconds(1)) == nil)
        _ = allowed(&budget, of: 507, at: 1)
        #expect(budget.takeLeftOut(at: .seconds(1)) == nil)
        #expect(budget.takeLeftOut(at: .seconds(2)) == 7)
        #expect(budget.takeLeftOut(at: .seconds(3)) == nil)
    }

    /// A moment that is not later neither adds to nor takes from the budget.
    @Test func aSecondCallAtTheSameMomentAddsNoBudget() {
        var budget = LogBudget()
        #expect(allowed(&budget, of: 600, at: 5) == 500)
        #expect(allowed(&budget, of: 100, at: 4) == 0)
        #expect(allowed(&budget, of: 100, at: 5) == 50)
    }
}
