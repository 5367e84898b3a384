import ClusterModel

extension Repair {
    /// Keys that are on a node which does not own their slots.
    package struct MoveKeys: Sendable, Hashable, Codable {
        package var from: NodeName
        package var to: NodeName
        package var slots: SlotSet
        /// How many keys the node that does not own the slots has there; nil: not counted.
        package var keys: Int64?
        /// In `quarantine/`; assigned when the repair is requested.
        package var folder: String?
        /// A dump of that node is in quarantine.
        package var isKept = false
        /// What was ordered last, as for a reshard.
        package var part: Operation.Reshard.Part?

        package init(from: NodeName, to: NodeName, slots: SlotSet, keys: Int64?) {
            self.from = from
            self.to = to
            self.slots = slots
            self.keys = keys
        }

        var move: SlotMove { SlotMove(from: from, to: to, slots: slots) }

        /// `3 keys of slot 5`.
        var amount: String {
            (keys.map { "\($0) \($0 == 1 ? "key" : "keys")" } ?? "the keys") + " of \(slots.named)"
        }
    }
}

/// A half moved slot with keys on both of its nodes. No key is dropped before a dump that has it is in quarantine (invariant: last-copy).
extension Turn {
    // MARK: whether it would be correct

    /// What `fix` does about a half moved slot of which keys have arrived; nil: the nodes do not say which of them owns it, or not enough
    /// is known. If both nodes are marked, the move goes on. If only the importing node is, the owner keeps the slot.
    func moveOfKeys(_ slot: Int) -> Repair? {
        var owner: (member: Member, myself: NodeEntry)?
        var holder: (member: Member, keys: Int64)?
        for member in members where running(member.name) != nil {
            guard let report = lastHeard(member), let myself = report.view.myself else { return nil }
            guard myself.flags.contains(.master) else { continue }
            if myself.slots.contains(slot) {
                guard owner == nil else { return nil }
                owner = (member, myself)
            }
            guard myself.importing.contains(where: { $0.slot == slot }) else { continue }
            // MIGRATE and COUNTKEYSINSLOT see one database, and the engine deletes what a moved slot has in the others.
            guard holder == nil, report.load.otherDatabases.isEmpty, let keys = report.keysOfImportedSlots[slot] else {
                return nil
            }
            holder = (member, keys)
        }
        guard let owner, let holder, owner.member.id != holder.member.id,
            lastHeard(owner.member)?.load.otherDatabases.isEmpty == true
        else { return nil }
        let slots = SlotSet(slot...slot)
        let marks = owner.myself.migrating.filter { $0.slot == slot }
        if marks.contains(where: { $0.node == holder.member.id }) {
            return .finishMove(
                .init(from: owner.member.name, to: holder.member.name, slots: slots, keys: holder.keys))
        }
        guard marks.isEmpty else { return nil }
        return .returnKeys(.init(from: holder.member.name, to: owner.member.name, slots: slots, keys: holder.keys))
    }

    // MARK: execution

    /// Invariant: no-early-owner. As `reshard`: the source's value of a key replaces the one that the target has.
    mutating func finishMove(
        _ move: inout Repair.MoveKeys, id: Int, since begun: Moment, _ story: Story, _ topology: Topology
    ) -> Advance {
        // The copy is made once: from then on keys leave the source, and a failover changes neither the copy nor the direction.
        if let advance = keepDump(&move, of: move.to, since: begun, story) { return advance }
        var reshard = Operation.Reshard(moves: [move.move], isRebalance: false)
        reshard.part = move.part
        // One request may finish several slots: the numbers of their parts differ.
        reshard.partsBefore = (move.slots.numbers.first ?? 0) * 1_000_000
        let advance = self.reshard(&reshard, id: id, since: begun, story, topology)
        move.part = reshard.part
        return advance
    }

    /// Until the engine has no key of these slots left there. An order that is repeated, or that another daemon gave, counts what is left.
    mutating func returnKeys(
        _ move: inout Repair.MoveKeys, id: Int, since begun: Moment, _ story: Story, _ topology: Topology
    ) -> Advance {
        if let advance = keepDump(&move, of: move.from, since: begun, story) { return advance }
        guard let holder = find(move.from), let from = contact(holder) else {
            return .failed(.notRunning(move.from))
        }
        guard let owner = find(move.to), let to = contact(owner) else {
            return .failed(.notRunning(move.to))
        }
        let step = OperationStep.returningKeys(of: move.slots, from: move.from, to: move.to)
        let migration = Effect.SlotMigration(
            operation: id, source: holder.name, sourceID: holder.id, target: owner.name, targetID: owner.id,
            slots: move.slots, witnesses: witnesses(of: owner, topology),
            keysPerCall: seen.migrated[id]?.keysPerCall ?? Self.keysAtFirst, budget: Self.migrationBudget,
            callLimit: callLimit)
        let effect = Effect.returnKeys(migration, from: from, to: to)
        let history = seen.effects[effect.key].flatMap { $0.began >= begun ? $0 : nil }
        if let history, history.ended != nil, history.failure == nil {
            return .done(.keysReturned(move.slots, to: owner.name))
        }
        let retry = history?.failure.map { OperationStep.retryingSlots(from: holder.name, to: owner.name, Shown($0)) }
        if let why = history?.failure, let retry, story.age(of: retry) >= Self.agreementLimit {
            return .failed(.slotsNotMoved(from: holder.name, to: owner.name, why))
        }
        if isBusy(holder.name) || isBusy(owner.name) { return .working(story.step ?? step) }
        guard let own = freshReply(from: holder)?.view.myself, let theirs = freshReply(from: owner)?.view.myself else {
            return story.age(of: step) < Self.dataLimit ? .working(retry ?? step) : .failed(.notDoneInAnHour(step))
        }
        // A replica that took over from the holder has the same keys, and since Valkey 8 the same marks: `fix` offers it anew.
        guard own.flags.contains(.master), theirs.flags.contains(.master),
            own.slots.intersection(move.slots).isEmpty, move.slots.subtracting(theirs.slots).isEmpty
        else { return .failed(.rolesChanged(move.from, move.to)) }
        if history == nil { order(effect) } else { ensure(effect, retryAfter: .milliseconds(500)) }
        return .working(retry ?? step)
    }

    /// nil: a dump of what this node holds, saved since the request, is in quarantine.
    mutating func keepDump(
        _ move: inout Repair.MoveKeys, of name: NodeName, since begun: Moment, _ story: Story
    ) -> Advance? {
        if move.isKept { return nil }
        guard let member = find(name), let contact = contact(member) else {
            return .failed(.notRunning(name))
        }
        let step = OperationStep.saving([name])
        if story.age(of: step) >= Self.dataLimit { return .failed(.notDoneInAnHour(step)) }
        let save = Effect.save(name, contact)
        guard let saved = seen.effects[save.key], saved.began >= begun else {
            if !isBusy(name) { order(save) }
            return .working(step)
        }
        let at: Moment
        switch ensure(save, retryAfter: .seconds(1)) {
        case .underWay: return .working(step)
        // Another save, or a rewrite of the append-only file, may be under way.
        case .failed(let why, _):
            return story.age(of: step) < Self.startLimit
                ? .working(step) : .failed(.notCopied("\(name) did not save its data (\(why))"))
        case .done(let ended): at = ended
        }
        guard let report = freshReply(from: member, since: at), !report.persistence.saving else {
            return .working(step)
        }
        guard report.persistence.lastSaveOK else { return .failed(.notCopied("\(name) did not save its data")) }
        guard let dump = seen.directory(at: member.directory)?.dataNames.dump else { return .working(step) }
        let folder = move.folder ?? "\(stamp(seen.wall))-\(name)-keys"
        var dumped = Effect.Quarantine(
            node: name, directory: member.directory, files: [dump], folder: folder,
            note:
                "what \(name) held before clusterd moved \(move.amount) from \(move.from) to \(move.to); if both nodes "
                + "had a key, the value of the owner was kept",
            reading: "\(seen.engine.name.rawValue)-server --port 0 --unixsocket /tmp/read/read.sock --dir /tmp/read "
                + "--dbfilename \(dump) --appendonly no")
        dumped.mustExist = true
        switch ensure(.preserve(dumped)) {
        case .underWay: break
        case .failed(let why, _): return .failed(.notCopied(why))
        case .done:
            move.isKept = true
            return nil
        }
        return .working(.copying([dump], quarantine: folder))
    }
}

/// Invariants: confirmed-repair, last-copy. Keys leave a node without an order of `reshard` only for a repair, and after the copy.
func unconfirmed(_ migration: Effect.SlotMigration, _ decision: Decision) -> [String] {
    let operation = decision.record?.operations.first { $0.id == migration.operation }
    if operation?.state == .running, case .fix(let fix)? = operation?.kind,
        case .returnKeys(let move)? = fix.remaining.first,
        move.isKept, move.slots == migration.slots, move.from == migration.source, move.to == migration.target
    {
        return []
    }
    return [
        "keys of slots \(migration.slots) are moved from \(migration.source) without a confirmed repair or before their copy"
    ]
}
