import ClusterModel

/// `add-node`, `remove-node` and `apply`: the parts are fixed here, and shown by a dry run.
extension Admission {
    mutating func addNode(_ request: Command.AddNode, _ key: String?) throws(Failure) -> Operation {
        let shards = record.shards(assessment)
        var parts: [Operation.Change.Part]
        if let text = request.replicaOf {
            let member = try Self.member(text, record)
            guard let shard = shards.first(where: { $0.master == member.name || $0.replicas.contains(member.name) })
            else { throw Failure(.noShard, "\(member.name) belongs to no shard", hint: "clusterd status") }
            parts = [.add(.init(shard: shard.number, isMaster: false))]
        } else {
            let next = (record.members.map(\.shard).max() ?? -1) + 1
            parts = [.add(.init(shard: next, isMaster: true))]
            if !request.isEmpty { parts.append(.even) }
        }
        return try admit(Operation.Change(.addNode, parts: parts), dryRun: request.dryRun, key)
    }

    mutating func removeNode(_ request: Command.RemoveNode, _ key: String?) throws(Failure) -> Operation {
        let node = try Self.member(request.node, record).name
        let shards = record.shards(assessment)
        guard let shard = shards.first(where: { $0.master == node || $0.replicas.contains(node) }) else {
            return try removeHomeless(node, request, key)
        }
        let change: Operation.Change
        if request.shard || shard.replicas.isEmpty {
            change = Operation.Change(.removeNode, parts: try removal(of: shard, among: shards), node: node)
        } else {
            let left = shard.replicas.count - 1
            if left == 0, spec.replicas > 0, !request.force {
                throw Failure(
                    .noReplica,
                    "\(shard.master == node ? shard.replicas[0] : shard.master) would be left without a replica",
                    hint: "clusterd add-node --replica-of \(shard.master) first; or add --force")
            }
            change = Operation.Change(.removeNode, parts: [.remove(.init(node))], node: node)
        }
        if !request.force { try checkAllAnswer(besides: change) }
        return try admit(change, dryRun: request.dryRun, key)
    }

    /// A master without slots, or a node that no shard counts as its own.
    private mutating func removeHomeless(
        _ node: NodeName, _ request: Command.RemoveNode, _ key: String?
    ) throws(Failure) -> Operation {
        let change = Operation.Change(.removeNode, parts: [.remove(.init(node))], node: node)
        if !request.force { try checkAllAnswer(besides: change) }
        return try admit(change, dryRun: request.dryRun, key)
    }

    /// A whole shard goes.
    private func removal(
        of shard: MembershipPlan.Shard, among shards: [MembershipPlan.Shard]
    ) throws(Failure) -> [Operation.Change.Part] {
        let left = shards.filter { $0.number != shard.number && !$0.slots.isEmpty }
        if !shard.slots.isEmpty {
            guard left.count == 1 || left.count >= 3 else {
                throw Failure(
                    .tooFewMasters,
                    left.isEmpty
                        ? "\(shard.master) is the only master: its slots have nowhere to go"
                        : "\(left.count) masters would be left, and a cluster needs 3 to agree on anything (or 1 for tests)",
                    hint: left.isEmpty ? "clusterd stop" : "clusterd add-node first")
            }
            let moves = MembershipPlan.drain(shard, into: left)
            try check(moves)
        }
        let leave = (shard.replicas.sorted() + [shard.master]).map { Operation.Change.Part.remove(.init($0)) }
        return (shard.slots.isEmpty ? [] : [.drain(shard: shard.number)]) + leave
    }

    mutating func apply(_ request: Command.Apply, _ key: String?) throws(Failure) -> Operation {
        if let open = record.operations.first(where: { operation in
            if case .change(let change) = operation.kind { operation.isOpen && change.request == .apply } else { false }
        }) {
            if request.dryRun { throw underWay(open) }
            return open
        }
        let shards = record.shards(assessment)
        guard spec.masters == 1 || spec.masters >= 3 else {
            throw Failure(
                .tooFewMasters, "the configuration has \(spec.masters) masters; a cluster has 1, or 3 and more")
        }
        let plan = MembershipPlan(shards, masters: spec.masters, replicas: spec.replicas)
        let parts = plan.parts
        if let expected = request.parts, expected != parts.map(\.id) {
            throw Failure(
                .planStale, "the plan has changed since it was shown: nothing was changed", hint: "clusterd plan")
        }
        let change = Operation.Change(.apply, parts: parts, replicas: spec.replicas)
        if parts.isEmpty {
            record.shape.replicas = request.dryRun ? record.shape.replicas : spec.replicas
            return request.dryRun ? planned(change) : addEnded(.change(change), .asConfigured, key)
        }
        for shard in plan.shards.dropFirst(spec.masters) where !shard.slots.isEmpty {
            try check(MembershipPlan.drain(shard, into: Array(plan.shards.prefix(spec.masters))))
        }
        if parts.contains(where: { if case .remove = $0 { true } else { false } }) {
            try checkAllAnswer(besides: change)
        }
        return try admit(change, dryRun: request.dryRun, key)
    }

    private mutating func admit(
        _ change: Operation.Change, dryRun: Bool, _ key: String?
    ) throws(Failure) -> Operation {
        guard assessment.serving else {
            throw Failure(
                .clusterNotServing,
                "the cluster does not serve all slots (\(assessment.slotsCovered) of \(SlotSet.all.count))",
                hint: "clusterd check")
        }
        if dryRun { return planned(change) }
        if let trouble = seen.recordTrouble {
            throw Failure(
                .recordNotWritten, "clusterd cannot write its record: \(trouble)", hint: "make room on that disk")
        }
        return try add(.change(change), key)
    }

    /// Not kept: the answer to a question.
    private func planned(_ change: Operation.Change) -> Operation {
        var plan = Operation(id: 0, kind: .change(change), startedAt: seen.wall, idempotencyKey: nil)
        let result = change.parts.isEmpty ? OperationResult.asConfigured : .wouldChange(parts: change.parts.count)
        plan.steps = [.init(.result(result), at: seen.wall, state: .done)]
        plan.end(.done, at: seen.wall)
        return plan
    }

    /// A node that is down would still know a removed node, and tell the others about it.
    private func checkAllAnswer(besides change: Operation.Change) throws(Failure) {
        for member in record.members where !change.removes(member.name) {
            guard assessment.node(member.name)?.health == .ok else {
                throw Failure(
                    .clusterNotServing, "\(member.name) does not answer: it would still know the node that is removed",
                    hint: "clusterd status; or add --force, and clusterd fix later")
            }
        }
    }
}
