import ClusterModel
import Planner
import Testing

@testable import Orchestrator

/// What goes on from memory while the record cannot be written.
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

    private func begun(_ cycle: Cycle) -> [String] {
        var cycle = cycle
        let orders = Cycle.Orders(record: cycle.record, effects: Self.effects)
        let first = cycle.releaseFirst(orders, at: .seconds(2))
        return (first + cycle.release(orders, failure: "no space left on device", at: .seconds(2))).map {
            String($0.key.text.prefix { $0 != " " })
        }
    }

    @Test func aNodeThatTheRecordOnDiskKnowsIsStartedAgain() {
        #expect(begun(cycle(.formed)) == ["release-reserve", "write", "start", "preserve"])
    }

    @Test func noneIsThatIsOnlyPlannedOrHasMovedOrIsNewInItsFolder() {
        #expect(begun(cycle(.planned)) == ["release-reserve"])
        #expect(begun(cycle(.formed) { $0.members[0].ports = PortPair(client: 7001) }) == ["release-reserve"])
        #expect(begun(cycle(.formed) { $0.members[0].directory = "/other" }) == ["release-reserve"])
    }
}
