import ClusterModel
import Planner
import Testing

/// Keys of slots that another node owns. Invariants: confirmed-repair, last-copy.
@Suite struct MisplacedKeysTests {
    private func misplaced(isAsked: Bool = true) -> Scene {
        var scene = Scene.settled()
        scene.turn()
        scene.keysBySlot = ["7001": [5: 3, 6: 1], "7002": [5462: 2]]
        if isAsked { scene.seen.check.keysAsked = scene.now }
        return scene
    }

    @Test func nothingIsCountedUnlessTheOperatorAsks() {
        var scene = misplaced(isAsked: false)
        for _ in 0..<20 { #expect(scene.turn().orders("count keys").isEmpty) }
    }

    @Test func theyAreFoundAndReturn() throws {
        var scene = misplaced()
        let first = scene.come { !$0.orders("count keys").isEmpty }
        #expect(first.nodes("count keys").isEmpty && first.check.isPending, "the nodes stay as they are")
        for _ in 0..<5 { scene.turn() }
        let found = scene.decide().findings.filter { $0.code == .keysMisplaced }
        #expect(
            found.compactMap(\.repair).map(\.id).sorted() == [
                "return-keys 7001 7000 5-6", "return-keys 7002 7001 5462",
            ])
        #expect(found.allSatisfy { $0.hint == "clusterd fix" })
        try scene.ask(.fix(["return-keys 7001 7000 5-6"]))
        scene.run { $0.record?.operations.contains(where: \.isOpen) == false }
        #expect(scene.operation?.state == .done, "\(scene.operation?.error ?? "")")
        #expect(scene.steps.last == "7000 has all keys of slots 5-6")
    }

    /// Not seen, and could not look.
    @Test func aNodeThatCannotBeCountedIsReported() {
        var scene = misplaced()
        let decision = scene.come { !$0.orders("count keys").isEmpty }
        scene.take(decision)
        for effect in decision.orders("count keys") { scene.note(effect, failure: "NOPERM") }
        let finding = scene.decide().finding(.keysMisplaced)
        #expect(finding?.message.contains("could not count the keys") == true && finding?.repair == nil)
    }
}
