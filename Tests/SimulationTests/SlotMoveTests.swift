import ClusterModel
import Planner
import Testing

@testable import Simulation

/// Slots move from one shard to another, and something goes wrong between two commands. Invariant: no-early-owner.
@Suite struct SlotMoveTests {
    /// A move of 60 slots takes some 40 commands; the seeds reach those between.
    private static let places = Array(stride(from: 1, through: 40, by: 3))

    private func check(_ cut: TrackedSlots.Cut, _ place: Int, replicas: Int = 1) {
        let world = World.moving(replicas: replicas, cuts: [place: cut])
        world.endMoving()
        #expect(world.isReady && world.broken.isEmpty, "\(cut) before command \(place)\n\(world.account)")
        #expect(world.record?.operations.last { $0.isMoveOfSlots }?.isOpen == false, "\(world.account)")
    }

    @Test func slotsMoveWithTheirKeys() throws {
        let world = World.moving()
        world.endMoving()
        #expect(world.isReady && world.broken.isEmpty, "\(world.account)")
        let operation = try #require(world.record?.operations.last)
        #expect(operation.state == .done, "\(world.account)")
        let source = try #require(world.engine(of: "7000"))
        let target = try #require(world.engine(of: "7001"))
        #expect(
            source.slots.count + target.slots.count == SlotSet.evenly(among: 3).prefix(2).reduce(0) { $0 + $1.count })
        #expect(target.slots.contains(5460) && !source.slots.contains(5460))
        world.checkNothingIsLost()
        #expect(world.broken.isEmpty, "\(world.account)")
    }

    @Test(arguments: places) func theDaemonDies(place: Int) { check(.daemon, place) }
    @Test(arguments: places) func theSourceDies(place: Int) { check(.source, place) }
    @Test(arguments: places) func theTargetDies(place: Int) { check(.target, place) }
    @Test(arguments: places) func aReplicaOfTheSourceDies(place: Int) { check(.replicaOfSource, place) }
    @Test(arguments: places) func aReplicaOfTheTargetDies(place: Int) { check(.replicaOfTarget, place) }
    @Test(arguments: places) func aNodeWithoutReplicasDies(place: Int) {
        check(place % 2 == 0 ? .source : .target, place, replicas: 0)
    }
    @Test(arguments: places) func theSourceIsStopped(place: Int) { check(.stopSource, place) }
    @Test(arguments: places) func theTargetIsStopped(place: Int) { check(.stopTarget, place) }
    @Test(arguments: places) func theSourceFailsOver(place: Int) { check(.failOverSource, place) }
    @Test(arguments: places) func theTargetFailsOver(place: Int) { check(.failOverTarget, place) }

    @Test func aCancelledMoveLeavesNoSlotHalfMoved() {
        let world = World.moving(120)
        world.run(until: { world.slots.commands >= 8 })
        world.happen(.command(.cancel, 0, key: "cancel"))
        world.endMoving()
        #expect(world.isReady && world.broken.isEmpty, "\(world.account)")
    }

    /// The target attributes a slot that it imports to no node once the old source has become a replica: it takes no keys, and serves no
    /// slot, until it is told the owner.
    @Test func theTargetServesAfterItsSourceWasReplaced() throws {
        let world = World.moving()
        world.run(until: { world.engine(of: "7001")?.myself.importing.isEmpty == false })
        let source = try #require(world.engine(of: "7000"))
        world.exit(source.identity.pid, code: nil, signal: 9)
        world.host.foreignPorts.insert(source.ports.client)
        func isReplaced() -> Bool {
            world.host.engines.values.contains { $0.isMaster && $0.id != source.id && $0.slots.contains(0) }
        }
        world.run(until: isReplaced, atMost: .seconds(20))
        #expect(isReplaced(), "\(world.account)")
        world.happen(.freePorts)
        world.endMoving()
        #expect(world.isReady && world.broken.isEmpty, "\(world.account)")
        #expect(world.record?.operations.last { $0.isMoveOfSlots }?.state == .done, "\(world.account)")
    }

    // MARK: the rules notice

    /// A node that hears of a newer owner deletes its keys: a replica that claims slots of a former time.
    @Test func aStaleClaimThatDeletesKeysBreaksARule() throws {
        let world = World.moving()
        world.run(until: { world.engine(of: "7001")?.slots.contains(5460) == true })
        world.endMoving()
        let source = try #require(world.engine(of: "7000"))
        let replica = try #require(
            world.host.pids.compactMap { world.host.engines[$0] }.first { $0.masterID == source.id })
        // What it knew before the slots moved.
        let pid = replica.identity.pid
        world.host.engines[pid]?.entries[source.id]?.slots = source.slots.union(SlotSet(5400...5460))
        world.exit(source.identity.pid, code: nil, signal: 9)
        world.takeOver(pid, epoch: nil)
        world.run(for: .seconds(2))
        #expect(
            world.broken.contains { $0.contains("which its new owner") || $0.contains("two writers") },
            "\(world.account)")
    }

    @Test func aSourceThatGivesSlotsAwayFirstBreaksARule() {
        let world = World.moving(bug: .sourceFirst)
        world.run(for: .seconds(5))
        #expect(world.broken.contains { $0.contains("no node owns it") }, "\(world.account)")
    }

    @Test func aSlotThatGoesToATargetWithoutAReplicaOfItsKeysBreaksARule() throws {
        let world = World.moving(1, bug: .noWitness)
        let target = try #require(world.engine(of: "7001"))
        for pid in world.host.pids where world.host.engines[pid]?.masterID == target.id {
            world.host.engines[pid]?.slowUntil = world.now + .seconds(3)
        }
        world.run(for: .seconds(2))
        #expect(world.broken.contains { $0.contains("no replica of it has its keys") }, "\(world.account)")
    }

    /// The same with the driver as it is: it waits.
    @Test func aSlotGoesToItsTargetOnceAReplicaHasItsKeys() throws {
        let world = World.moving(1)
        let target = try #require(world.engine(of: "7001"))
        for pid in world.host.pids where world.host.engines[pid]?.masterID == target.id {
            world.host.engines[pid]?.slowUntil = world.now + .seconds(3)
        }
        world.run(for: .seconds(2))
        #expect(world.engine(of: "7001")?.slots.contains(5460) == false && world.broken.isEmpty, "\(world.account)")
        world.endMoving()
        #expect(world.isReady && world.broken.isEmpty, "\(world.account)")
    }

    // MARK: the model

    @Test func keysFollowTheirStream() {
        var writes = Writes()
        let first = writes.begin(id: "a", shard: 0, after: nil, offset: 0)
        let one = Copy(stream: first.stream, count: 1)
        let two = Copy(stream: first.stream, count: 2)
        writes.note(0, 7, at: one)
        writes.note(0, nil, at: two)
        #expect(writes.version(of: 0, in: first) == nil && writes.version(of: 0, in: one) == 7)
        #expect(writes.version(of: 0, in: two) == nil)
        // A replica that lacks the deletion takes over.
        let next = writes.begin(id: "b", shard: 0, after: one, offset: 0)
        #expect(writes.version(of: 0, in: next) == 7 && writes.version(of: 1, in: next) == nil)
    }

    @Test func slotsAreGroupedLikeInTheDriver() {
        let counts = [1: 2, 2: 0, 3: 1, 4: 1, 5: 2]
        #expect(Migration.groups([1, 2, 3, 4, 5]) { counts[$0] ?? 0 } == [[1, 2], [3, 4], [5]])
    }
}
