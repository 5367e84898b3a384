import ClusterModel
import Planner
import Testing

/// What each turn orders while a node is added or removed. Invariants: record-first, last-copy, disposable-daemon.
@Suite struct MembershipOperationTests {
    @Test func portsAreReservedBeforeTheRecordHasTheNode() throws {
        var scene = try Scene.ordered(.addNode(.init(isEmpty: true)))
        let first = scene.decide()
        let asked = first.effects.compactMap { effect -> [PortPair]? in
            if case .reserve(let pairs, _) = effect { pairs } else { nil }
        }
        #expect(asked == [[PortPair(client: 7006)]])
        #expect(first.record?.members.count == 6)
        scene.take(first)
        scene.seen.ports[PortPair(client: 7006)] = .reserved
        scene.take(scene.decide())
        let seated = scene.decide()
        let member = seated.record?.member("7006")
        #expect(member?.joining == true && member?.awaitsSlots == true && member?.shard == 3)
        #expect(!seated.findings.contains { $0.severity == .error })
    }

    @Test func aBusyPortIsSkipped() throws {
        var scene = try Scene.ordered(.addNode(.init(isEmpty: true)))
        scene.seen.ports[PortPair(client: 7006)] = .busy(
            .init(port: 7006, sentence: "7006 is in use by nc", since: scene.now, askedAt: scene.now))
        scene.seen.ports[PortPair(client: 7007)] = .reserved
        scene.take(scene.decide())
        #expect(scene.decide().record?.member("7007") != nil)
    }

    /// The process ends, and only then the others forget the node.
    @Test func aReplicaStopsBeforeItIsForgotten() throws {
        var scene = try Scene.ordered(.removeNode(.init(node: "7003")), replicas: 2)
        var effects: [Effect] = []
        scene.run { decision in
            effects += decision.effects
            return decision.record?.operations.contains(where: \.isOpen) == false
        }
        let shutdown = effects.firstIndex { if case .shutdown("7003", _, _) = $0 { true } else { false } }
        let forget = effects.firstIndex { if case .forget = $0 { true } else { false } }
        let move = effects.firstIndex { if case .quarantine(let move) = $0 { move.node == "7003" } else { false } }
        #expect(scene.operation?.state == .done, "\(scene.steps)")
        if let shutdown, let forget, let move {
            #expect(shutdown < forget && forget < move)
        } else {
            Issue.record("\(scene.steps)")
        }
        scene.pass(.seconds(1))
        #expect(scene.decide().record?.member("7003") == nil)
    }

    /// The replicas follow the emptied master until they leave, and it leaves last: it is no node that lost its way.
    @Test func anEmptiedShardLeavesWithItsMasterLast() throws {
        var scene = try Scene.ordered(.removeNode(.init(node: "7000", shard: true)), masters: 4)
        _ = scene.carryOut()
        #expect(scene.operation?.state == .done, "\(scene.steps)")
        scene.pass(.seconds(1))
        let names = scene.decide().record?.members.map(\.name) ?? []
        #expect(names.count == 6 && !names.contains("7000") && !names.contains("7004"))
    }
}
