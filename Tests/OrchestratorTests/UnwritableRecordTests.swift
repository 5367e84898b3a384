import ClusterModel
import Planner
import Testing

@testable import Orchestrator

/// What continues from memory while the record cannot be written. Invariant: record-first.
@Suite struct UnwritableRecordTests {
    private func cycle(_ stage: Record.Stage, _ change: (inout Record) -> Void = { _ in }) -> Cycle {
        var random = SplitMix64(seed: 3)
        let member = Member(
            name: "7000", id: NodeID(using: &random), ports: PortPair(client: 7000), directory: "/data/nodes/7000",
            nodesFileName: "nodes-7000.conf", shard: 0, shardID: NodeID(using: &random))
        let record = Record(cluster: "demo", stage: stage, shape: .init(masters: 1, replicas: 0), members: [member])
        var cycle = Cycle(
            spec: ClusterSpec(name: "demo", dataDirectory: "/data"), record: record,
            engine: Engine(name: .redis, version: EngineVersion(7, 0, 15)), bootID: "boot", now: .seconds(1),
            wall: WallTime(milliseconds: 1), entropy: 1)
        var changed = record
        change(&changed)
        cycle.admit(changed)
        return cycle
    }

    private static let copies = Effect.Quarantine(
        node: "7000", directory: "/data/nodes/7000", files: ["dump.rdb"], folder: "f", note: "n")
    private static let effects: [Effect] = [
        .writeFiles(
            .init(
                node: "7000", directory: "/data/nodes/7000", nodesFileName: "nodes-7000.conf", nodesFile: nil,
                redisConf: [], incarnation: 1)),
        .start(.init(node: "7000", directory: "/data/nodes/7000", incarnation: 1)), .preserve(copies),
        .quarantine(copies), .makeDirectory("7000", path: "/data/nodes/7000"), .releaseReserve(folder: "/data"),
    ]

    private func begun(_ cycle: Cycle, _ write: RecordWrite = .refused("no space left on device")) -> [String] {
        var cycle = cycle
        let orders = Cycle.Orders(record: cycle.record, effects: Self.effects)
        let first = cycle.releaseFirst(orders, at: .seconds(2))
        return (first + cycle.release(orders, write, at: .seconds(2))).map {
            String($0.key.description.prefix { $0 != " " })
        }
    }

    @Test func aNodeInTheRecordOnDiskIsRestarted() {
        #expect(begun(cycle(.formed)) == ["release-reserve", "write", "start", "preserve"])
    }

    @Test func aPlannedOrMovedNodeIsNotRestarted() {
        #expect(begun(cycle(.planned)) == ["release-reserve"])
        #expect(begun(cycle(.formed) { $0.members[0].ports = PortPair(client: 7001) }) == ["release-reserve"])
        #expect(begun(cycle(.formed) { $0.members[0].directory = "/other" }) == ["release-reserve"])
    }

    @Test func aHungDiskIsTreatedLikeAFullOne() {
        #expect(begun(cycle(.formed), .late) == begun(cycle(.formed)))
        #expect(begun(cycle(.planned), .late) == ["release-reserve"])
    }

    @Test func aPortThatALateWriteMayHaveChangedIsNotTrusted() {
        var cycle = cycle(.formed) { $0.members[0].ports = PortPair(client: 7001) }
        _ = cycle.release(.init(record: cycle.record, effects: []), .late, at: .seconds(2))
        var back = cycle.record
        back?.members[0].ports = PortPair(client: 7000)
        if let back { cycle.admit(back) }
        // The record on disk has port 7000 or, by now, 7001.
        #expect(begun(cycle, .late) == ["release-reserve"])
        _ = cycle.release(.init(record: cycle.record, effects: []), .written, at: .seconds(3))
        #expect(begun(cycle, .late) == begun(self.cycle(.formed)))
    }

    @Test func anExitIsKnownBeforeItsLogIsReadAndExplainedAfterwards() {
        var cycle = cycle(.formed)
        let process = ProcessIdentity(bootID: "boot", pid: 7, startTime: 70)
        let start = Effect.start(.init(node: "7000", directory: "/data/nodes/7000", incarnation: 1))
        let wall = WallTime(milliseconds: 1)
        cycle.note(.ended(start, .process(process, startedAt: wall)), at: .seconds(2), wall: wall)
        let exit = ProcessExit(code: 1)
        cycle.note(.exited("7000", process, ExitReason(exit: exit, log: [])), at: .seconds(3), wall: wall)
        let silent = cycle.seen.lastExits["7000"]
        let words = "Could not create server TCP listening socket *:7000: bind: Address already in use"
        let lines = ["7:M 28 Nov 2026 10:00:00.000 # \(words)"]
        let other = ProcessIdentity(bootID: "boot", pid: 8, startTime: 80)
        cycle.note(.explained("7000", other, ExitReason(exit: exit, log: lines)), at: .seconds(4), wall: wall)
        #expect(cycle.seen.lastExits["7000"] == silent)
        cycle.note(.explained("7000", process, ExitReason(exit: exit, log: lines)), at: .seconds(4), wall: wall)
        let known = cycle.seen.lastExits["7000"]
        #expect(known?.at == .seconds(3) && known?.failures == silent?.failures)
        #expect(known?.reason == ExitReason(exit: exit, log: lines) && known?.reason != silent?.reason)
        #expect(cycle.seen.processes["7000"] == known.map { .exited($0) })
    }

    @Test func theLoopWaitsOnlyBrieflyIfNoEffectDependsOnTheRecord() {
        let cycle = cycle(.formed)
        #expect(cycle.recordLimit(.init(record: cycle.record, effects: [])) == .milliseconds(200))
        #expect(cycle.recordLimit(.init(record: cycle.record, effects: Self.effects)) == .seconds(1))
        let new = self.cycle(.planned)
        #expect(new.recordLimit(.init(record: new.record, effects: [])) == .seconds(10))
    }
}
