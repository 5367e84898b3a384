import ClusterModel

/// Repairs of what nodes believe about each other. Each is a command of the engine's own, sent to the nodes that need it until their
/// reports show the result.
extension Turn {
    // MARK: whether they would be correct

    /// Slots that their owner has released and that every other node still attributes to it: `CLUSTER DELSLOTS` on one node. The keys are
    /// there; no other node can have any.
    func knownOwner(of slots: SlotSet) -> Member? {
        let heard = members.compactMap { member in lastHeard(member).map { (member, $0) } }
        var owner: Member?
        for (member, report) in heard {
            for entry in report.view.entries where !entry.slots.intersection(slots).isEmpty {
                guard entry.id != member.id, let other = find(id: entry.id) else { return nil }
                guard owner == nil || owner?.id == other.id, slots.subtracting(entry.slots).isEmpty else { return nil }
                owner = other
            }
        }
        guard let owner, let own = lastHeard(owner), own.replication.role == .master, !own.loading else { return nil }
        let knowing = heard.count { member, report in
            member.id != owner.id && report.view.entry(owner.id)?.slots.intersection(slots) == slots
        }
        return knowing == heard.count - 1 && knowing > 0 ? owner : nil
    }

    /// Whether a half moved slot can stay where it is: its owner is known, and the importing node has no key of it yet.
    func mayClose(_ slot: Int) -> Bool {
        var isOwned = false
        for member in members where running(member.name) != nil {
            guard let report = lastHeard(member), let myself = report.view.myself else { return false }
            if myself.slots.contains(slot) { isOwned = true }
            guard myself.flags.contains(.master), myself.importing.contains(where: { $0.slot == slot }) else {
                continue
            }
            guard report.keysOfImportedSlots[slot] == 0 else { return false }
        }
        return isOwned
    }

    // MARK: execution

    /// Within a minute of each other, or they tell each other about it again.
    mutating func forget(_ forget: Repair.Forget, since begun: Moment, _ story: Story) -> Advance {
        var knowing: [NodeName] = []
        for member in members {
            guard let contact = contact(member) else { continue }
            guard let report = freshReply(from: member, since: begun), report.view.entry(forget.id) == nil else {
                knowing.append(member.name)
                guard lastHeard(member)?.view.entry(forget.id) != nil, !isBusy(member.name) else { continue }
                ensure(.forget(member.name, contact, [forget.id]), retryAfter: .seconds(1), repeatAfter: .seconds(2))
                continue
            }
        }
        if knowing.isEmpty { return .done(.forgotten(forget.id)) }
        return within(.forgetting(forget.id), story, else: .stillKnown(by: knowing))
    }

    mutating func follow(_ follow: Repair.Follow, _ story: Story, _ topology: Topology) -> Advance {
        guard let member = find(follow.member), let master = find(follow.master),
            let contact = contact(member)
        else { return .failed(.notRunning(follow.member)) }
        guard !topology.owns(member.id), topology.owns(master.id) else {
            return .failed(.rolesChanged(follow.member, follow.master))
        }
        if topology.master(of: member.id) == master.id {
            return comeBack(member, after: nil, story, topology)
                ?? .done(.follows(member.name, master.name))
        }
        let order = Effect.replicate(member.name, contact, master: master.id)
        if !isBusy(member.name) { ensure(order, retryAfter: .seconds(1), repeatAfter: .seconds(5)) }
        return within(
            .following(member.name, master: master.name), story,
            else: seen.effects[order.key]?.failure.map { RepairObstacle.refused($0) } ?? .notFollowing)
    }

    /// The owner first, which then stops redirecting clients with `-ASK`; then the importing node, unless a key arrived there.
    mutating func closeSlot(_ slot: Int, since begun: Moment, _ story: Story) -> Advance {
        var givers: [(Member, Effect.Contact)] = []
        var takers: [(Member, Effect.Contact)] = []
        for member in members {
            guard let contact = contact(member) else { continue }
            guard let myself = freshReply(from: member, since: begun)?.view.myself else {
                return within(.askingAboutSlot(slot), story, else: .silent(member.name))
            }
            guard myself.flags.contains(.master) else { continue }
            if myself.importing.contains(where: { $0.slot == slot }) { takers.append((member, contact)) }
            if myself.migrating.contains(where: { $0.slot == slot }) { givers.append((member, contact)) }
        }
        if takers.isEmpty, givers.isEmpty { return .done(.slotClosed(slot)) }
        for (member, contact) in givers.isEmpty ? takers : givers where !isBusy(member.name) {
            let order = Effect.closeSlot(member.name, contact, slot: slot, ifEmpty: givers.isEmpty)
            if case .failed(let why, _) = ensure(order, repeatAfter: .seconds(2)) {
                return .failed(.refused(by: member.name, why))
            }
        }
        return within(.closingSlot(slot), story, else: .halfMoved)
    }

    mutating func addSlots(_ add: Repair.AddSlots, since begun: Moment, _ story: Story) -> Advance {
        guard let member = find(add.member), let contact = contact(member) else {
            return .failed(.notRunning(add.member))
        }
        let step = OperationStep.givingSlots(add.slots, to: add.member)
        guard let own = freshReply(from: member, since: begun)?.view.myself else {
            return within(step, story, else: .silent(add.member))
        }
        if add.slots.subtracting(own.slots).isEmpty {
            return .done(.ownsSlots(add.member, add.slots))
        }
        let missing = add.slots.subtracting(own.slots)
        // That other nodes have forgotten these slots by now, as those of Valkey do, does not prevent this; another owner does.
        if let rival = rival(of: member, for: missing) {
            return .failed(.otherOwner(of: missing, knownBy: rival.name))
        }
        let foreign = freshReply(from: member, since: begun)?.view.entries.filter { $0.id != member.id }
            .reduce(SlotSet()) { $0.union($1.slots.intersection(missing)) }
        let order = Effect.addSlots(member.name, contact, missing, foreign: foreign ?? SlotSet())
        if !isBusy(member.name), case .failed(let why, _) = ensure(order, repeatAfter: .seconds(2)) {
            return .failed(.refused(by: member.name, why))
        }
        return within(step, story, else: .notOwning)
    }

    func within(_ step: OperationStep, _ story: Story, else obstacle: RepairObstacle) -> Advance {
        story.age(of: step) < Self.agreementLimit ? .working(step) : .failed(.unfinished(step, obstacle))
    }
}
