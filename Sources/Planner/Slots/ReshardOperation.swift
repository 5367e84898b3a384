import ClusterModel

/// reshard, rebalance: each turn compares the moves with the owners that the nodes report, and orders the next part of the first move that
/// is not complete. A slot that is half moved comes first, whichever daemon opened it and whichever node of the shard is master now
/// (invariants: no-early-owner, disposable-daemon).
extension Turn {
    /// How many slots one effect opens at most.
    static let slotsPerEffect = 250
    /// How long one effect moves keys: a stop, a cancellation and the next look at the cluster wait no longer than this.
    static let migrationBudget = Duration.seconds(1)
    static let keysAtFirst = 10
    /// For attempts that the engines reject again and again.
    static let migrationPatience = Duration.seconds(120)

    mutating func reshard(
        _ reshard: inout Operation.Reshard, id: Int, since begun: Moment, _ story: Story, _ topology: Topology
    ) -> Advance {
        // Each slot that moves raises the target's config epoch, and every node saves its nodes.conf (invariant: epoch-room).
        if !hasRoomForEpoch() { return within(.awaitingRoomForViews, story, else: .diskFull) }
        // What looks complete is looked at again at the end: its nodes are not asked before each part of another move.
        let rest = reshard.moves.filter { !remainder($0, of: reshard, id: id, topology).isEmpty }
        for move in rest + reshard.moves {
            if let advance = carryOn(move, of: &reshard, id: id, since: begun, story, topology) { return advance }
        }
        if openDispute(topology) != nil, story.age(of: .awaitingAgreement) < Self.agreementLimit {
            return .working(.awaitingAgreement)
        }
        return .done(.slotsMoved(moved(reshard, topology).count, isAll: !reshard.isEnding))
    }

    /// What is left of this move, as far as the last answers say.
    private func remainder(
        _ move: SlotMove, of reshard: Operation.Reshard, id: Int, _ topology: Topology
    ) -> SlotSet {
        guard let source = shardMaster(of: move.from, besides: move.to, topology),
            let target = shardMaster(of: move.to, besides: move.from, topology)
        else { return move.slots }
        let open = openSlots(of: source).union(openSlots(of: target))
        let halves = move.slots.intersection(open).union(unprovenPart(of: reshard, id: id, move)?.slots ?? SlotSet())
        if reshard.isEnding { return halves }
        return move.slots.subtracting(topology.standings[target.id]?.slots ?? SlotSet()).union(halves)
    }

    /// The slots that have arrived.
    private func moved(_ reshard: Operation.Reshard, _ topology: Topology) -> SlotSet {
        reshard.moves.reduce(SlotSet()) { sum, move in
            guard let target = shardMaster(of: move.to, besides: move.from, topology) else { return sum }
            return sum.union(move.slots.intersection(topology.standings[target.id]?.slots ?? SlotSet()))
        }
    }

    /// nil: this move is complete.
    private mutating func carryOn(
        _ move: SlotMove, of reshard: inout Operation.Reshard, id: Int, since begun: Moment, _ story: Story,
        _ topology: Topology
    ) -> Advance? {
        for node in [move.from, move.to] where find(node) == nil {
            return .failed(.unknownNode(node))
        }
        guard let source = shardMaster(of: move.from, besides: move.to, topology) else {
            return waiting(.awaitingMasterOfShard(move.from), story)
        }
        guard let target = shardMaster(of: move.to, besides: move.from, topology) else {
            return waiting(.awaitingMasterOfShard(move.to), story)
        }
        guard source.id != target.id else { return .failed(.sameShard(move.from, move.to)) }
        let step = progress(of: reshard, id: id, from: source, to: target, topology)
        for member in [source, target] {
            if let advance = awaitAnswer(of: member, moving: move.slots, since: begun, otherwise: step, story) {
                return advance
            }
        }
        guard knows(target, claimOf: source) else { return waiting(.awaitingAgreement, story) }
        let arrived = topology.standings[target.id]?.slots ?? SlotSet()
        let unproven = unprovenPart(of: reshard, id: id, move)
        let open = openSlots(of: source).union(openSlots(of: target))
        let halves = move.slots.intersection(open).union(unproven?.slots ?? SlotSet())
        let left = reshard.isEnding ? halves : move.slots.subtracting(arrived).union(halves)
        if left.isEmpty { return nil }
        let owned = topology.standings[source.id]?.slots ?? SlotSet()
        let elsewhere = left.subtracting(owned).subtracting(arrived)
        if !elsewhere.isEmpty { return lost(elsewhere, source, story, topology) }
        let part = nextPart(
            of: reshard, id: id, move, unproven, left: left, halves: halves, from: source, to: target, open)
        // Invariant: record-first. The effect begins once the record has the part.
        reshard.part = part
        return orderPart(part, of: &reshard, id: id, from: source, to: target, step, story, topology)
    }

    private mutating func orderPart(
        _ part: Operation.Reshard.Part, of reshard: inout Operation.Reshard, id: Int, from source: Member,
        to target: Member, _ step: OperationStep, _ story: Story, _ topology: Topology
    ) -> Advance {
        guard let from = contact(source), let to = contact(target) else {
            return .working(.awaitingMasterOfShard(source.name))
        }
        var migration = Effect.SlotMigration(
            operation: id, source: source.name, sourceID: source.id, target: target.name, targetID: target.id,
            slots: part.slots, witnesses: witnesses(of: target, topology),
            keysPerCall: seen.migrated[id]?.keysPerCall ?? Self.keysAtFirst,
            budget: Self.migrationBudget, callLimit: callLimit)
        migration.way = part.way
        migration.part = part.number
        migration.isEnding = reshard.isEnding
        let effect = Effect.migrateSlots(migration, from: from, to: to)
        let history = seen.effects[effect.key]
        // The words of a failure are kept in the step while the next attempt is under way.
        var why = history?.failure
        if why == nil, (history?.attempts ?? 0) > 1, case .retryingSlots(_, _, let shown)? = story.step {
            why = shown.value
        }
        let retry = why.map { OperationStep.retryingSlots(from: source.name, to: target.name, Shown($0)) }
        if part.way == .atomic, !reshard.isEnding, history?.failure != nil,
            (history?.attempts ?? 0) >= Self.atomicAttempts
        {
            reshard.leaveAtomicWay()
            wake(after: .milliseconds(1))
            return .working(retry ?? step)
        }
        if let why, let retry, story.age(of: retry) >= Self.migrationPatience {
            return .failed(.slotsNotMoved(from: source.name, to: target.name, why))
        }
        if !isBusy(source.name), !isBusy(target.name) { ensure(effect, retryAfter: .milliseconds(500)) }
        return .working(retry ?? step)
    }

    /// The replicas of a target that are in sync.
    func witnesses(of target: Member, _ topology: Topology) -> [Effect.SlotMigration.Witness] {
        replicas(of: target, topology).compactMap { replica -> Effect.SlotMigration.Witness? in
            guard let report = lastHeard(replica), isInSync(report), let contact = contact(replica) else { return nil }
            return .init(node: replica.name, contact: contact)
        }
    }

    /// A source that waits for the target must not look like one that hangs.
    var callLimit: Duration { min(.seconds(5), max(.seconds(1), spec.supervision.hangTimeout / 2)) }

    private func progress(
        of reshard: Operation.Reshard, id: Int, from source: Member, to target: Member, _ topology: Topology
    ) -> OperationStep {
        let total = reshard.slots.count
        let done = moved(reshard, topology).count
        if reshard.isEnding { return .finishingSlots(from: source.name, to: target.name) }
        let shown = OperationStep.SlotProgress(
            done: done, total: total, keys: seen.migrated[id]?.keys ?? 0,
            keysPerSecond: seen.migrated[id]?.perSecond ?? 0)
        // A new step for each twentieth part: the history stays short, and shows progress.
        return .movingSlots(
            from: source.name, to: target.name, twentieths: total > 0 ? done * 20 / total : 0, Shown(shown))
    }

    // MARK: what it waits for

    private func waiting(_ step: OperationStep, _ story: Story) -> Advance {
        story.age(of: step) < Self.dataLimit ? .working(step) : .failed(.notDoneInAnHour(step))
    }

    /// nil: it has answered as a master since the last change of a role or of a slot's owner.
    private func awaitAnswer(
        of member: Member, moving slots: SlotSet, since begun: Moment, otherwise step: OperationStep, _ story: Story
    ) -> Advance? {
        if isBusy(member.name), lastHeard(member) != nil { return .working(sameStep(story) ?? step) }
        guard let last = lastHeard(member), !last.loading, last.replication.role == .master,
            last.clusterStateOK || lacksOnly(slots, last)
        else {
            return waiting(.awaitingMasterOfShard(member.name), story)
        }
        let since = [begun, seen.rolesChanged].compactMap { $0 }.max()
        return freshReply(from: member, since: since) == nil ? .working(sameStep(story) ?? step) : nil
    }

    /// It serves no slot because it attributes these to no node: the master from which it imports them was replaced, and no claim of the new
    /// one changes a slot that a node imports. The next order ends that.
    private func lacksOnly(_ slots: SlotSet, _ report: NodeReport) -> Bool {
        let covered = SlotSet(report.view.entries.filter { !$0.flags.contains(.fail) }.flatMap(\.slots.ranges))
        return covered != .all && covered.union(slots) == .all
    }

    /// A target raises its epoch above those that it knows, and above none if its own is the highest of them. If it has not heard of the
    /// source's claim, that claim takes the slots back when it arrives, and the engine deletes their keys (invariant: no-early-owner).
    private func knows(_ target: Member, claimOf source: Member) -> Bool {
        guard let claim = lastHeard(source)?.view.myself, let view = lastHeard(target)?.view,
            let heard = view.entries.first(where: { $0.id == source.id }), heard.flags.contains(.master)
        else { return false }
        return heard.configEpoch >= claim.configEpoch
    }

    /// While newer answers are on their way the step stays as it was, and keeps its age.
    private func sameStep(_ story: Story) -> OperationStep? {
        switch story.step {
        case .retryingSlots?, .finishingSlots?: story.step
        default: nil
        }
    }

    /// These slots belong neither to the source nor to the target.
    private func lost(_ slots: SlotSet, _ source: Member, _ story: Story, _ topology: Topology) -> Advance {
        let step = OperationStep.awaitingSlotOwners(shardOf: source.name)
        if story.age(of: step) < Self.agreementLimit { return .working(step) }
        let owner = members.first { topology.standings[$0.id]?.slots.intersection(slots).isEmpty == false }
        return .failed(.slotsElsewhere(slots, owner: owner?.name))
    }

    // MARK: facts

    /// The master of the shard of this node now; nil: no node says.
    /// - Parameter other: the other side of the move: a node without slots may count as its follower.
    func shardMaster(of name: NodeName, besides other: NodeName, _ topology: Topology) -> Member? {
        guard let member = find(name) else { return nil }
        if topology.owns(member.id) { return member }
        // A master that has no slots yet.
        if let myself = lastHeard(member)?.view.myself, myself.flags.contains(.master), myself.slots.isEmpty {
            return member
        }
        if let master = topology.master(of: member.id).flatMap({ find(id: $0) }),
            master.name != other
        {
            return master
        }
        let masters = members.filter {
            $0.shard == member.shard && lastHeard($0)?.view.myself?.flags.contains(.master) == true
        }
        return masters.count == 1 ? masters[0] : nil
    }

    /// The slots that this master is migrating or importing, as it says.
    func openSlots(of member: Member) -> SlotSet {
        guard let myself = lastHeard(member)?.view.myself, myself.flags.contains(.master) else { return SlotSet() }
        return SlotSet((myself.migrating + myself.importing).map { $0.slot...$0.slot })
    }

    /// The slots that an open operation moves: what is half moved of them is its work.
    var slotsUnderWay: SlotSet {
        (decision.record?.slotMoves(queued: true) ?? []).reduce(SlotSet()) { $0.union($1.slots) }
    }
}
