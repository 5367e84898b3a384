import ClusterModel
import Planner

/// Migrations: each command takes its time, and anything can happen between two of them.
extension World {
    /// What a command has led to.
    private enum Reply {
        case next(Migration.Step)
        /// Not yet: the same again at that time.
        case again(Moment)
        case done
        case failed(String)
    }

    func beginMigration(
        _ effect: Effect, _ order: Effect.SlotMigration, from source: Effect.Contact, to target: Effect.Contact
    ) {
        let run = Migration(
            effect: effect, order: order, source: source.process.pid, target: target.process.pid,
            witnesses: order.witnesses.map(\.contact.process.pid), generation: generation, began: now)
        queue.add(.migrate(run), at: now + slots.microseconds(300...3000))
    }

    func migrate(_ waiting: Migration) {
        var run = waiting
        let isOurs = cycle != nil && run.generation == generation && !run.hasGivenUp
        var mustHappen = run.isSent
        switch run.step {
        case .delete, .lateRestore: mustHappen = true
        default: break
        }
        // Half of the commands that clusterd was about to send were on their way when it died.
        if !isOurs, !mustHappen, !Bool.random(using: &slots.random) { return }
        if !run.isSent, isOurs, isCut(run) { return queue.add(.migrate(run), at: now + .microseconds(100)) }
        guard let node = host.engines[run.addressee], !node.isStopping || mustHappen else {
            return finish(run, isOurs, .failed("a node closed the connection"))
        }
        if let due = wakes(node) {
            if isOurs, due - now > .seconds(2) {
                run.hasGivenUp = true
                queue.add(.unanswered(run.effect, generation: run.generation), at: now + .seconds(2))
            }
            run.isSent = true
            return queue.add(.migrate(run), at: due)
        }
        run.isSent = false
        let reply = carryOut(&run)
        switch reply {
        case .done: finish(run, isOurs, .migrated(keys(of: run)))
        case .failed(let words): finish(run, isOurs, .failed(words))
        case .again(let due):
            run.isSent = !isOurs
            queue.add(.migrate(run), at: due)
        case .next(let step):
            run.step = step
            if case .delete = step {
                // The source waits for the target's reply.
                let due = now + slots.microseconds(100...2000)
                host.engines[run.source]?.busyUntil = due
                return queue.add(.migrate(run), at: due)
            }
            if isOurs { queue.add(.migrate(run), at: now + slots.microseconds(100...2000)) }
        }
    }

    private func keys(of run: Migration) -> MigratedKeys {
        MigratedKeys(
            keys: run.moved, time: now - run.began, keysPerCall: Migration.keysPerCall,
            whole: run.groups.isEmpty ? run.order.part : nil)
    }

    private func finish(_ run: Migration, _ isOurs: Bool, _ outcome: Outcome) {
        guard isOurs else { return }
        if case .failed(let words) = outcome { tell("slots are not moved: \(words)") }
        post(.ended(run.effect, outcome))
    }

    // MARK: the commands

    private func carryOut(_ run: inout Migration) -> Reply {
        guard let source = host.engines[run.source] else { return .failed("the source is gone") }
        switch run.step {
        case .look: return source.isMaster ? .next(.close) : .failed("\(run.order.source) is no master")
        case .close: return close(&run, source)
        case .importing:
            for slot in run.slots {
                guard let target = host.engines[run.target], target.isMaster, !target.slots.contains(slot),
                    mayLearn(run.target)
                else { return .failed("ERR it cannot import slot \(slot)") }
                host.engines[run.target]?.open(slot, importingFrom: run.order.sourceID)
            }
            return .next(.migrating)
        case .migrating:
            for slot in run.slots {
                guard source.isMaster, source.slots.contains(slot), mayLearn(run.source) else {
                    return .failed("ERR I'm not the owner of hash slot \(slot)")
                }
                host.engines[run.source]?.open(slot, migratingTo: run.order.targetID)
            }
            return .next(.keys)
        case .keys:
            for slot in run.slots {
                let held = slots.keys(of: slot).filter { writes.version(of: $0, in: source.copy) != nil }
                if held.isEmpty { continue }
                if now >= run.began + run.order.budget { return .done }
                return .next(.restore(Array(held.prefix(Migration.keysPerCall))))
            }
            return .next(.count)
        case .restore(let keys): return restore(keys, &run, source)
        case .delete(let keys):
            for key in keys where host.engines[run.source]?.isMaster == true { change(key, to: nil, at: run.source) }
            run.moved += Int64(keys.count)
            return .next(.keys)
        case .lateRestore(let values):
            for (key, version) in values.sorted(by: { $0.key < $1.key }) {
                _ = place(key, version, from: source, &run)
            }
            return .done
        case .count:
            let isEmpty = run.slots.allSatisfy { !holds(source, keysOf: $0) }
            guard isEmpty else { return .failed("the source still has keys of these slots") }
            return .next(slots.bug == .noWitness ? .give : .witness)
        case .witness: return awaitWitness(&run)
        case .give:
            if slots.bug == .sourceFirst {
                if let refusal = setOwner(run, at: run.source) { return .failed(refusal) }
            } else if let refusal = setOwner(run, at: run.target) {
                return .failed(refusal)
            }
            return .next(.tell)
        case .tell:
            if let refusal = setOwner(run, at: slots.bug == .sourceFirst ? run.target : run.source) {
                return .failed(refusal)
            }
            run.groups.removeFirst()
            return run.groups.isEmpty || now >= run.began + run.order.budget ? .done : .next(.importing)
        }
    }

    /// `SlotMover.finishMoved`.
    private func close(_ run: inout Migration, _ source: SimulatedEngine) -> Reply {
        guard let target = host.engines[run.target], target.isMaster, source.isMaster else {
            return .failed("\(run.order.target) is no master")
        }
        let arrived = run.order.slots.intersection(target.slots)
        let left = run.order.slots.subtracting(arrived)
        let foreign = left.subtracting(source.slots)
        guard foreign.isEmpty else { return .failed("\(run.order.source) does not own slots \(foreign)") }
        for slot in arrived.intersection(source.slots).numbers {
            if let refusal = setOwner(of: slot, to: run.order.targetID, at: run.source) { return .failed(refusal) }
        }
        let known = target.entries.list.reduce(SlotSet()) { $0.union($1.slots) }
        for slot in left.subtracting(known).numbers {
            if let refusal = setOwner(of: slot, to: run.order.sourceID, at: run.target) { return .failed(refusal) }
        }
        host.engines[run.source]?.stopMigrating(arrived)
        host.engines[run.target]?.stopImporting(arrived)
        let halves = SlotSet((source.myself.migrating + target.myself.importing).map { $0.slot...$0.slot })
        let wanted = left.numbers.filter { slot in
            !run.order.isEnding || halves.contains(slot) || holds(target, keysOf: slot)
        }
        run.groups = Migration.groups(wanted) { slot in
            slots.keys(of: slot).count { writes.version(of: $0, in: source.copy) != nil }
        }
        return run.groups.isEmpty ? .done : .next(.importing)
    }

    /// MIGRATE, which blocks the source.
    private func restore(_ keys: [Int], _ run: inout Migration, _ source: SimulatedEngine) -> Reply {
        guard let target = host.engines[run.target], !target.isStopping else { return .failed("IOERR") }
        let paused = max(source.pausedUntil, target.pausedUntil)
        // Writes wait while a replica takes over.
        if paused > now { return .again(paused) }
        var values: [Int: Int] = [:]
        for key in keys { values[key] = writes.version(of: key, in: source.copy) }
        if let due = wakes(target) {
            let limit = now + run.order.callLimit
            host.engines[run.source]?.busyUntil = min(due, limit)
            if due <= limit { return .again(due) }
            var late = run
            late.step = .lateRestore(values)
            late.hasGivenUp = true
            queue.add(.migrate(late), at: due)
            return .failed("IOERR error or timeout reading to target instance")
        }
        guard source.isMaster, host.isOK(source, now) else { return .failed("CLUSTERDOWN The cluster is down") }
        for (key, version) in values.sorted(by: { $0.key < $1.key }) {
            switch place(key, version, from: source, &run) {
            case nil: continue
            case "BUSYKEY"?:
                run.isReplacing = true
                return .again(now + .microseconds(200))
            case let refusal?: return .failed(refusal)
            }
        }
        return .next(.delete(values.keys.sorted()))
    }

    /// RESTORE-ASKING at the target. Returns its error; nil: done.
    private func place(_ key: Int, _ version: Int, from source: SimulatedEngine, _ run: inout Migration) -> String? {
        let slot = slots.slot(of: key)
        guard let target = host.engines[run.target], target.isMaster,
            target.slots.contains(slot) || target.isImporting(slot)
        else { return "MOVED \(slot)" }
        guard host.isOK(target, now) else { return "CLUSTERDOWN The cluster is down" }
        guard hasGoodReplicas(target), mayWrite(run.target) else { return "NOREPLICAS or MISCONF" }
        let there = writes.version(of: key, in: target.copy)
        // Of several keys in one call, those before have been restored.
        if let there, there != version || !run.isReplacing {
            guard run.isReplacing else { return "BUSYKEY" }
            checkReplacement(of: key, there, by: version, from: source)
        }
        guard let at = change(key, to: version, at: run.target) else { return "IOERR" }
        run.restored = at
        // An older copy counts only if it has replaced the acknowledged one, which is judged above.
        if let known = slots.acknowledged[key], version >= known.version || there == known.version {
            slots.acknowledged[key] = .init(version: version, at: at)
        }
        return nil
    }

    private func awaitWitness(_ run: inout Migration) -> Reply {
        if run.witnesses.isEmpty { return .next(.give) }
        let wanted = run.wanted ?? host.engines[run.target]?.copy
        let limit = run.witnessLimit ?? now + .seconds(2)
        (run.wanted, run.witnessLimit) = (wanted, limit)
        for pid in run.witnesses {
            guard let witness = host.engines[pid] else { return .failed("a replica closed the connection") }
            guard writes.contains(wanted, in: witness.copy) else { continue }
            (run.wanted, run.witnessLimit) = (nil, nil)
            return .next(.give)
        }
        if now >= limit { return .failed("no replica of the target has received the keys") }
        return .again(now + .milliseconds(2))
    }

    /// CLUSTER SETSLOT … NODE, for each slot of the group; the first error.
    private func setOwner(_ run: Migration, at pid: Int32) -> String? {
        var refusal: String?
        for slot in run.slots {
            if pid == run.target, let target = host.engines[pid], target.isMaster {
                checkArrival(run, slot, at: target)
            }
            if pid == run.source, let source = host.engines[pid] { checkOwner(slot, after: source) }
            let words = setOwner(of: slot, to: run.order.targetID, at: pid)
            refusal = refusal ?? words
        }
        return refusal
    }

    private func setOwner(of slot: Int, to owner: NodeID, at pid: Int32) -> String? {
        guard let engine = host.engines[pid], engine.isMaster else {
            return "ERR You can use SETSLOT only with masters."
        }
        guard mayLearn(pid) else { return "the node ends" }
        let hasKeys = holds(engine, keysOf: slot)
        if engine.slots.contains(slot), owner != engine.id, hasKeys {
            return "ERR Can't assign hashslot \(slot) to a different node while I still hold keys for this hash slot."
        }
        if !hasKeys { host.engines[pid]?.stopMigrating(SlotSet(slot...slot)) }
        host.engines[pid]?.assign(slot, to: owner)
        guard owner == engine.id, engine.isImporting(slot) else { return nil }
        host.engines[pid]?.bumpEpoch()
        host.engines[pid]?.stopImporting(SlotSet(slot...slot))
        broadcast(from: pid)
        return nil
    }
}
