import ClusterModel

/// The parts that lead from the nodes that the cluster has to the numbers that the configuration wants: pure arithmetic.
package struct MembershipPlan: Sendable, Equatable {
    package struct Shard: Sendable, Equatable {
        package var number: Int
        package var master: NodeName
        package var replicas: [NodeName]
        package var slots: SlotSet

        package init(number: Int, master: NodeName, replicas: [NodeName], slots: SlotSet) {
            self.number = number
            self.master = master
            self.replicas = replicas
            self.slots = slots
        }
    }

    package var shards: [Shard]
    package var masters: Int
    package var replicas: Int

    package init(_ shards: [Shard], masters: Int, replicas: Int) {
        self.shards = shards.sorted { $0.number < $1.number }
        self.masters = masters
        self.replicas = replicas
    }

    /// New shards come whole before they get slots; shards that go hand over their slots before their nodes leave. Empty: nothing changes.
    package var parts: [Operation.Change.Part] {
        var parts: [Operation.Change.Part] = []
        let kept = Array(shards.prefix(masters))
        let next = (shards.map(\.number).max() ?? -1) + 1
        let new = Array(next..<next + max(0, masters - shards.count))
        for number in new { parts.append(.add(.init(shard: number, isMaster: true))) }
        for shard in kept {
            for _ in 0..<max(0, replicas - shard.replicas.count) {
                parts.append(.add(.init(shard: shard.number, isMaster: false)))
            }
        }
        for number in new {
            for _ in 0..<replicas { parts.append(.add(.init(shard: number, isMaster: false))) }
        }
        if !new.isEmpty { parts.append(.even) }
        for shard in shards.dropFirst(masters) where !shard.slots.isEmpty { parts.append(.drain(shard: shard.number)) }
        for shard in shards.dropFirst(masters) {
            parts += shard.replicas.sorted().map { .remove(.init($0)) } + [.remove(.init(shard.master))]
        }
        for shard in kept {
            parts += shard.replicas.sorted().dropFirst(replicas).reversed().map { .remove(.init($0)) }
        }
        return parts
    }

    /// Every master gets its share of the slots.
    static func evenMoves(among shards: [Shard]) -> [SlotMove] {
        let owners = shards.map { Rebalance.Owner(node: $0.master, slots: $0.slots, weight: 1) }
        return Rebalance(owners, threshold: Command.Rebalance.usualThreshold).moves
    }

    /// nil: no node owns slots there. The slots do not go to a shard that is to be drained next.
    static func drainMoves(of number: Int, _ change: Operation.Change, among shards: [Shard]) -> [SlotMove]? {
        let leaving = change.parts.compactMap { part -> Int? in
            if case .drain(let other) = part { other } else { nil }
        }
        let owners = shards.filter { !$0.slots.isEmpty }
        guard let source = owners.first(where: { $0.number == number }) else { return nil }
        let targets = owners.filter { !leaving.contains($0.number) }
        return targets.isEmpty ? nil : drain(source, into: targets)
    }

    /// The slots of one shard, divided so that the others own as many as each other afterwards, as far as that is possible.
    package static func drain(_ source: Shard, into others: [Shard]) -> [SlotMove] {
        var left = source.slots
        var owned = others.map(\.slots.count)
        var gets = others.map { _ in 0 }
        guard !others.isEmpty else { return [] }
        for _ in 0..<left.count {
            guard let least = owned.indices.min(by: { (owned[$0], $0) < (owned[$1], $1) }) else { break }
            owned[least] += 1
            gets[least] += 1
        }
        var moves: [SlotMove] = []
        for (index, other) in others.enumerated() where gets[index] > 0 {
            let part = left.first(gets[index])
            left = left.subtracting(part)
            moves.append(SlotMove(from: source.master, to: other.master, slots: part))
        }
        return moves
    }
}

extension Record {
    /// The shards as the nodes report them; a shard without slots has its master from `masters`.
    func shards(_ assessment: Assessment) -> [MembershipPlan.Shard] {
        var shards: [MembershipPlan.Shard] = []
        for shard in assessment.shards {
            guard let name = shard.master, let master = member(name) else { continue }
            shards.append(.init(number: master.shard, master: name, replicas: shard.replicas, slots: shard.slots))
        }
        for member in members where member.awaitsSlots == true {
            guard !shards.contains(where: { $0.number == member.shard }) else { continue }
            let replicas = members.filter { $0.shard == member.shard && $0.name != member.name }.map(\.name)
            shards.append(.init(number: member.shard, master: member.name, replicas: replicas, slots: SlotSet()))
        }
        return shards
    }

    /// How many shards its members are in.
    var shardCount: Int { Set(members.map(\.shard)).count }
}
