import ClusterModel

/// `reshard` and `rebalance`: the moves are fixed here, and are refused if a part of them could not be carried out as it was asked for.
extension Admission {
    mutating func reshard(_ request: Command.Reshard, _ key: String?) throws(Failure) -> Operation {
        let source = try master(ofShardOf: request.from)
        let target = try master(ofShardOf: request.to)
        guard source != target else {
            throw Failure(
                .sameShard, "\(request.from) and \(request.to) belong to one shard, whose master is \(source)",
                hint: "clusterd status")
        }
        if let same = try openMigration(source, target, request) { return same }
        let owned = slots(of: source)
        let part: SlotSet
        switch request.slots {
        case .count(let count):
            guard count > 0 else { throw Failure(.slotsNotOwned, "\(count) is no number of slots to move") }
            guard count <= owned.count else {
                throw Failure(
                    .slotsNotOwned, "\(source) owns \(owned.count) slots, which is less than \(count)",
                    hint: "clusterd status")
            }
            part = owned.last(count)
        case .exactly(let slots):
            guard !slots.isEmpty else { throw Failure(.slotsNotOwned, "no slots are named") }
            // What has arrived at the target and is still marked as half moved belongs to an interrupted move.
            let missing = slots.subtracting(owned).subtracting(openSlots().intersection(self.slots(of: target)))
            guard missing.isEmpty else {
                throw Failure(.slotsNotOwned, "\(source) does not own \(missing.named)", hint: "clusterd status")
            }
            part = slots
        }
        guard !owned.subtracting(part).isEmpty else {
            throw Failure(
                .slotsNotOwned,
                "\(source) would be left without slots, and a master without slots has no place in the cluster",
                hint: "leave it at least one slot")
        }
        let moves = [SlotMove(from: source, to: target, slots: part)]
        return try admit(moves, isRebalance: false, dryRun: request.dryRun, key)
    }

    mutating func rebalance(_ request: Command.Rebalance, _ key: String?) throws(Failure) -> Operation {
        if let open = record.operations.first(where: { $0.isOpen && !$0.slotMoves.isEmpty }) { throw underWay(open) }
        var weights: [NodeName: Double] = [:]
        for (text, weight) in request.weights.sorted(by: { $0.key < $1.key }) {
            let node = try master(ofShardOf: text)
            guard weight > 0, weight <= 1000 else {
                throw Failure(
                    .slotsNotOwned,
                    "the weight \(weight) of \(node) is not above 0 and at most 1000: a master keeps slots")
            }
            weights[node] = weight
        }
        var owners: [Rebalance.Owner] = []
        for member in record.members {
            guard let node = assessment.node(member.name), node.health == .ok || !node.slots.isEmpty else { continue }
            let isEmpty = node.slots.isEmpty
            if isEmpty, node.report?.view.myself?.flags.contains(.master) != true { continue }
            if isEmpty, !request.useEmptyMasters {
                guard weights[member.name] == nil else {
                    throw Failure(
                        .slotsNotOwned, "\(member.name) has a weight and no slots",
                        hint: "to give it slots, add --use-empty-masters")
                }
                continue
            }
            owners.append(.init(node: member.name, slots: node.slots, weight: weights[member.name] ?? 1))
        }
        let plan = Rebalance(owners, threshold: request.threshold ?? Command.Rebalance.usualThreshold)
        for (owner, share) in zip(plan.owners, plan.shares) where share == 0 {
            throw Failure(.slotsNotOwned, "\(owner.node) would be left without slots with these weights")
        }
        return try admit(plan.moves, isRebalance: true, dryRun: request.dryRun, key)
    }

    private mutating func admit(
        _ moves: [SlotMove], isRebalance: Bool, dryRun: Bool, _ key: String?
    ) throws(Failure) -> Operation {
        let kind = Operation.Kind.reshard(.init(moves: moves, isRebalance: isRebalance))
        if !moves.isEmpty { try check(moves) }
        if dryRun {
            // Not kept: the answer to a question.
            var plan = Operation(id: 0, kind: kind, startedAt: seen.wall, idempotencyKey: nil)
            let count = moves.reduce(0) { $0 + $1.slots.count }
            let result = moves.isEmpty ? OperationResult.slotsEven : .wouldMove(slots: count)
            plan.steps = [.init(.result(result), at: seen.wall, state: .done)]
            plan.end(.done, at: seen.wall)
            return plan
        }
        return moves.isEmpty ? addEnded(kind, .slotsEven, key) : try add(kind, key)
    }

    // MARK: what must hold

    /// The node that owns the slots of this node's shard, or a master that has none yet.
    private func master(ofShardOf text: String) throws(Failure) -> NodeName {
        let node = try Self.member(text, record).name
        if let master = shard(of: node)?.master { return master }
        if assessment.node(node)?.report?.view.myself?.flags.contains(.master) == true { return node }
        throw Failure(.noShard, "\(node) belongs to no shard that has slots", hint: "clusterd status")
    }

    /// Slots move for one request at a time; the same request again is the one that is open.
    private func openMigration(
        _ source: NodeName, _ target: NodeName, _ request: Command.Reshard
    ) throws(Failure) -> Operation? {
        guard let open = record.operations.first(where: { $0.isOpen && !$0.slotMoves.isEmpty }) else { return nil }
        if case .exactly(let slots) = request.slots, !request.dryRun, !open.isEnding,
            open.slotMoves == [SlotMove(from: source, to: target, slots: slots)]
        {
            return open
        }
        throw underWay(open)
    }

    func check(_ moves: [SlotMove]) throws(Failure) {
        guard assessment.serving else {
            throw Failure(
                .clusterNotServing,
                "the cluster does not serve all slots (\(assessment.slotsCovered) of \(SlotSet.all.count))",
                hint: "clusterd check")
        }
        let parties = moves.flatMap { [$0.from, $0.to] }
        for node in Set(parties).sorted() {
            guard let known = assessment.node(node), known.health == .ok, let report = known.report else {
                throw Failure(.clusterNotServing, "\(node) does not answer", hint: "clusterd status")
            }
            try checkSettled(node)
            // COUNTKEYSINSLOT and MIGRATE work on one database, and the engine deletes what remains in the others with the slot.
            guard report.load.otherDatabases.isEmpty else {
                throw Failure(
                    .otherDatabases,
                    "\(node) has keys outside database 0 (databases "
                        + "\(report.load.otherDatabases.map(String.init).joined(separator: " "))): their slots cannot be moved",
                    hint: "move these keys to database 0 first (MOVE)")
            }
        }
        let foreign = openSlots(besides: moves)
        guard foreign.isEmpty else {
            throw Failure(
                .slotOpen, "\(foreign.named) \(foreign.count == 1 ? "is" : "are") half moved already",
                hint: "clusterd check")
        }
        for target in Set(moves.map(\.to)).sorted() { try checkRoom(on: target, for: moves.filter { $0.to == target }) }
    }

    /// The slots that any master reports as half moved.
    /// - Parameter moves: what is half moved in the direction of one of these is left out: the operation continues it.
    private func openSlots(besides moves: [SlotMove] = []) -> SlotSet {
        var open = SlotSet()
        for member in record.members {
            guard let myself = assessment.node(member.name)?.report?.view.myself, myself.flags.contains(.master) else {
                continue
            }
            func add(_ slot: Int, from: NodeName?, to: NodeName?) {
                let isOurs = moves.contains { $0.from == from && $0.to == to && $0.slots.contains(slot) }
                if !isOurs { open = open.union(SlotSet(slot...slot)) }
            }
            for half in myself.migrating { add(half.slot, from: member.name, to: record.member(id: half.node)?.name) }
            for half in myself.importing { add(half.slot, from: record.member(id: half.node)?.name, to: member.name) }
        }
        return open
    }

    /// An estimate: keys are taken to be spread evenly over the slots of their owner.
    private func checkRoom(on target: NodeName, for moves: [SlotMove]) throws(Failure) {
        guard let load = assessment.node(target)?.report?.load, let limit = load.maxMemoryBytes,
            seen.check.settings[target]?.values["maxmemory-policy"] ?? "noeviction" == "noeviction"
        else { return }
        let more = moves.reduce(Int64(0)) { sum, move in
            let owned = slots(of: move.from).count
            guard owned > 0, let theirs = assessment.node(move.from)?.report?.load, theirs.keys > 0 else { return sum }
            return sum + theirs.memoryBytes / Int64(owned) * Int64(move.slots.count)
        }
        guard more > 0, load.memoryBytes + more > limit else { return }
        throw Failure(
            .targetFull,
            "\(target) uses \(Disk.text(load.memoryBytes)) of its maxmemory of \(Disk.text(limit)), and these slots have about "
                + "\(Disk.text(more)): it would reject keys (maxmemory-policy noeviction)",
            hint: "raise maxmemory, or move fewer slots")
    }
}
