import ClusterModel
import Planner
import Testing

/// How a cluster without persistent data is stopped.
@Suite struct TemporaryClusterTests {
    private let boot = "boot"

    private func second(_ count: Double) -> Moment { Moment(nanoseconds: Int64(count * 1_000_000_000)) }

    private func decision(at seconds: Double, failed: Bool = false, kill: Bool = false) -> Decision {
        var random = SplitMix64(seed: 7)
        var spec = ClusterSpec(name: "exec", dataDirectory: "/data")
        (spec.masters, spec.replicas, spec.isTemporary) = (1, 1, true)
        let members = [7000, 7001].map { port in
            Member(
                name: NodeName(String(port)), id: NodeID(using: &random), ports: PortPair(client: port),
                directory: "/data/nodes/\(port)", nodesFileName: "nodes-\(port).conf", shard: 0,
                shardID: NodeID(using: &random))
        }
        let record = Record(cluster: "exec", stage: .formed, shape: .init(masters: 1, replicas: 1), members: members)
        var seen = Observation(
            bootID: boot, wall: WallTime(milliseconds: 0), entropy: 0,
            engine: Engine(name: .redis, version: EngineVersion(7, 0, 15)), began: second(0))
        seen.survey = .init(askedAt: second(0), directories: [], users: [])
        seen.intent = .stop(asked: second(10), kill: kill)
        for (index, member) in members.enumerated() {
            let identity = ProcessIdentity(bootID: boot, pid: Int32(100 + index), startTime: 1)
            seen.processes[member.name] = .running(
                .init(identity: identity, since: second(1), startedAt: WallTime(milliseconds: 0), adopted: false))
            guard failed else { continue }
            let contact = Effect.Contact(host: "127.0.0.1", port: member.ports.client, process: identity)
            seen.effects[Effect.shutdown(member.name, contact, .never).key] = EffectHistory(
                node: member.name, began: second(10), ended: second(10), failure: "cannot connect")
        }
        return decide(spec, record, seeing: seen, at: second(seconds))
    }

    private func orders(_ decision: Decision) -> [String] {
        decision.effects.compactMap { effect in
            switch effect {
            case .shutdown(let node, _, let saving): "shutdown \(node) \(saving)"
            case .signal(let node, _, let signal): "\(signal) \(node)"
            default: nil
            }
        }
    }

    @Test func aTemporaryClusterStopsAllNodesAtOnceWithoutSaving() {
        #expect(orders(decision(at: 10)) == ["shutdown 7000 never", "shutdown 7001 never"])
    }

    @Test func aTemporaryNodeThatRejectsOrDelaysShutdownIsKilled() {
        #expect(orders(decision(at: 10.1, failed: true)) == ["kill 7000", "kill 7001"])
        #expect(orders(decision(at: 11)) == ["kill 7000", "kill 7001"])
        #expect(orders(decision(at: 10, kill: true)) == ["kill 7000", "kill 7001"])
    }

    @Test func theStopOfATemporaryClusterHasALimit() {
        #expect(decision(at: 12).end == nil)
        guard case .refused(let refusal) = decision(at: 20).end else { return #expect(Bool(false)) }
        #expect(refusal.reason == .notStopped && refusal.message.contains("7000 7001"))
    }

    @Test func aTemporaryClusterIsEndedOnlyByItsCommand() {
        var spec = ClusterSpec(name: "exec", dataDirectory: "/data")
        #expect(throws: Never.self) { try Admission.mayEnd(spec) }
        spec.isTemporary = true
        #expect(throws: Failure.self) { try Admission.mayEnd(spec) }
    }
}
