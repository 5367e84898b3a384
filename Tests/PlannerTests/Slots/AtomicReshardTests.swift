import ClusterModel
import Planner
import Testing

/// When slots move by CLUSTER MIGRATESLOTS, and in which parts. Invariants: no-early-owner, record-first.
@Suite struct AtomicReshardTests {
    private static let atomic = Engine(name: .valkey, version: EngineVersion(9, 1, 2))

    private func ordered(
        _ slots: SlotSet = SlotSet(0...1999), source: Engine = Self.atomic, target: Engine = Self.atomic
    ) throws -> Scene {
        var scene = try Scene.ordered(.reshard(.init(from: "7000", to: "7001", slots: .exactly(slots))))
        scene.answer("7000") { $0.engine = source }
        scene.answer("7001") { $0.engine = target }
        return scene
    }

    private func migration(_ decision: Decision) -> Effect.SlotMigration? {
        for effect in decision.effects {
            if case .migrateSlots(let migration, _, _) = effect { return migration }
        }
        return nil
    }

    @Test func manySlotsMoveAtOnce() throws {
        let order = try #require(migration(try ordered().decide()))
        #expect(order.way == .atomic && order.part == 1 && !order.isEnding)
        #expect(order.slots == SlotSet(0...1023))
    }

    @Test(arguments: [
        Engine(name: .valkey, version: EngineVersion(8, 1, 0)), Engine(name: .redis, version: EngineVersion(8, 2, 3)),
    ])
    func bothNodesMustBeAbleTo(engine: Engine) throws {
        for scene in [try ordered(source: engine), try ordered(target: engine)] {
            let order = try #require(migration(scene.decide()))
            #expect(order.way == .keys && order.slots == SlotSet(0...249))
        }
    }

    @Test func thePartIsInTheRecordBeforeItBegins() throws {
        let decision = try ordered().decide()
        guard case .reshard(let reshard)? = decision.record?.operations.last?.kind else {
            return #expect(Bool(false), "no operation")
        }
        #expect(reshard.part?.slots == SlotSet(0...1023) && reshard.part?.way == .atomic)
        for effect in decision.effects where effect.attributes.kind == .migrateSlots {
            #expect(effect.attributes.record == .ifWritten)
        }
    }

    /// The engine refuses an atomic migration while a slot is open.
    @Test func aHalfMovedSlotIsFinishedKeyByKey() throws {
        var scene = try Scene.ordered(.reshard(.init(from: "7000", to: "7001", slots: .exactly(SlotSet(0...99)))))
        scene.open(70, from: "7000", to: "7001")
        scene.pass(.milliseconds(25))
        scene.hear()
        for node in ["7000", "7001"] as [NodeName] { scene.answer(node) { $0.engine = Self.atomic } }
        let order = try #require(migration(scene.decide()))
        #expect(order.way == .keys && order.slots == SlotSet(70...70))
    }

    /// The target's process would end if it had a key of the slots.
    @Test func slotsOfWhichTheTargetHasKeysMoveKeyByKey() throws {
        var scene = try ordered(SlotSet(0...99))
        scene.take(scene.decide())
        let id = try #require(scene.operation?.id)
        scene.seen.migrated[id] = MigratedKeys(keys: 0, time: .zero, keysPerCall: 10, stray: 1)
        let order = try #require(migration(scene.decide()))
        #expect(order.way == .keys && order.part == 2 && order.slots == SlotSet(0...99))
    }

    @Test func theSamePartIsOrderedUntilItIsWhole() throws {
        var scene = try ordered()
        scene.take(scene.decide())
        let id = try #require(scene.operation?.id)
        scene.seen.migrated[id] = MigratedKeys(keys: 0, time: .zero, keysPerCall: 10)
        #expect(migration(scene.decide())?.part == 1)
    }

    /// An ACL may allow MIGRATE and not CLUSTER SYNCSLOTS.
    @Test func aTargetThatRejectsItGetsTheKeysOneByOne() throws {
        var scene = try ordered(SlotSet(0...99))
        for _ in 0..<10 where scene.operation?.isOpen == true {
            let decision = scene.decide()
            scene.take(decision)
            if let effect = decision.orders("migrate slots").first, migration(decision)?.way == .atomic {
                scene.note(effect, failure: "NOPERM")
            }
            if migration(decision)?.way == .keys { break }
            scene.pass(.seconds(1))
            scene.hear()
            for node in ["7000", "7001"] as [NodeName] { scene.answer(node) { $0.engine = Self.atomic } }
        }
        let order = try #require(migration(scene.decide()))
        #expect(order.way == .keys && order.part == 2 && order.slots == SlotSet(0...99))
    }
}
