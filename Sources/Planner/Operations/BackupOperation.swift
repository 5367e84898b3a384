import ClusterModel

/// backup: all masters save in the same turn, the dumps are copied, and the manifest makes the copies a backup. Each file belongs to the
/// slots that its master owned, so the slots must be the same before the first and after the last snapshot; after that, the masters may
/// change.
extension Turn {
    /// How long a node may refuse to save that does not report another save.
    private static let saveRefusalLimit = Duration.seconds(5)
    /// Bytes a second: a fraction of what a disk reads and writes, which the nodes need too.
    private static let copyRate: Int64 = 100 << 20

    mutating func backUp(_ backup: inout Operation.Backup, _ story: Story, _ topology: Topology) -> Advance {
        guard var attempt = backup.attempt, attempt.daemon == daemonStamp else {
            return beginAttempt(&backup, story, topology)
        }
        let place = place(of: attempt, in: backup.directory)
        switch once(.prepareBackup(preparation(place, attempt))) {
        case .underWay: return .working(.preparingBackup(place.path))
        case .failed(let why, _): return .failed(.folderNotUsable(why))
        case .done: break
        }
        if !attempt.isConsistent {
            if let advance = saveAll(attempt, story) { return advance }
            switch openAll(attempt, place, story) {
            case .pending(let advance): return advance
            case .opened(let opened):
                if let advance = confirm(attempt, since: opened, story) { return advance }
            }
            attempt.isConsistent = true
            backup.attempt = attempt
        }
        if let advance = copyAll(attempt, place) { return advance }
        return finish(attempt, place, keep: backup.keep)
    }

    /// An unfinished backup whose operation failed or was cancelled is removed. What a daemon leaves that is killed, the next backup
    /// removes.
    mutating func discardUnfinishedBackups() {
        for operation in decision.record?.operations ?? [] where !operation.isOpen && operation.state != .done {
            guard case .backup(let backup) = operation.kind, let attempt = backup.attempt,
                attempt.daemon == daemonStamp
            else { continue }
            let place = place(of: attempt, in: backup.directory)
            guard seen.effects[Effect.prepareBackup(preparation(place, attempt)).key]?.isDone == true else { continue }
            once(.discardBackup(place))
        }
    }

    // MARK: the masters

    private var daemonStamp: Operation.Stamp { .init(bootID: seen.bootID, at: seen.began) }

    private mutating func beginAttempt(
        _ backup: inout Operation.Backup, _ story: Story, _ topology: Topology
    ) -> Advance {
        var shards: [Operation.Backup.Shard] = []
        var covered = SlotSet()
        for member in members where topology.owns(member.id) {
            guard let shard = term(of: member) else {
                let step = OperationStep.awaitingMaster(member.name)
                return story.age(of: step) < Self.agreementLimit
                    ? .working(step) : .failed(.disagreement(.silent(member.name)))
            }
            if movesSlots(member) { return .failed(.slotsMove(member.name)) }
            shards.append(shard)
            covered = covered.union(shard.slots)
        }
        let missing = SlotSet.all.subtracting(covered)
        guard missing.isEmpty else { return .failed(.slotsWithoutMaster(missing)) }
        let attempt = Operation.Backup.Attempt(
            daemon: daemonStamp, began: now, at: seen.wall, folder: Operation.Backup.folderName(seen.wall),
            shards: shards)
        backup.attempt = attempt
        return .working(.preparingBackup("\(backup.directory)/\(attempt.folder)"))
    }

    /// nil: it is not known now, or it is no master.
    private func term(of member: Member, since moment: Moment? = nil) -> Operation.Backup.Shard? {
        guard let process = running(member.name), let report = freshReply(from: member, since: moment),
            !report.loading, report.replication.role == .master, let myself = report.view.myself,
            !myself.slots.isEmpty
        else { return nil }
        return Operation.Backup.Shard(
            node: member.name, id: member.id, process: process.identity, epoch: myself.configEpoch,
            slots: myself.slots, libraries: report.load.libraries)
    }

    private func movesSlots(_ member: Member) -> Bool {
        guard let myself = freshReply(from: member)?.view.myself else { return false }
        return !myself.importing.isEmpty || !myself.migrating.isEmpty
    }

    /// The same process with the same slots, of the same epoch: then it was master without a break.
    private func isUnchanged(_ shard: Operation.Backup.Shard, _ now: Operation.Backup.Shard) -> Bool {
        now.process == shard.process && now.epoch == shard.epoch && now.slots == shard.slots && now.id == shard.id
    }

    // MARK: the saves

    /// Orders every save that was not ordered yet, all in one turn; nil: every node has begun to save.
    private mutating func saveAll(_ attempt: Operation.Backup.Attempt, _ story: Story) -> Advance? {
        var orders: [Effect] = []
        for shard in attempt.shards {
            guard let member = find(shard.node), let contact = contact(member),
                contact.process == shard.process
            else { return .failed(.changedWhileSaved(shard.node)) }
            let save = Effect.save(member.name, contact)
            let history = seen.effects[save.key].flatMap { $0.began >= attempt.began ? $0 : nil }
            if let history, history.isUnderWay { return .working(.saving(attempt.shards.map(\.node))) }
            if let history, history.isDone { continue }
            guard let report = freshReply(from: member), let present = term(of: member) else {
                return awaitMaster(shard, story)
            }
            guard isUnchanged(shard, present), !movesSlots(member) else {
                return .failed(.changedWhileSaved(shard.node))
            }
            if report.persistence.saving || report.persistence.rewritesAppendOnly {
                let step = OperationStep.awaitingSave(shard.node)
                return story.age(of: step) < Self.dataLimit ? .working(step) : .failed(.notDoneInAnHour(step))
            }
            if let why = history?.failure, let ended = history?.ended {
                guard now - attempt.began < Self.saveRefusalLimit else { return .failed(.notSaved(shard.node, why)) }
                guard now >= ended + .milliseconds(200) else { return .working(.awaitingSave(shard.node)) }
            }
            guard !isBusy(shard.node) else { return .working(.awaitingEffects(on: shard.node)) }
            orders.append(save)
        }
        guard !orders.isEmpty else { return nil }
        for save in orders { order(save) }
        return .working(.saving(attempt.shards.map(\.node)))
    }

    /// Every dump is open, so each snapshot is older than this query; nil: the masters are the same as before the saves.
    private func confirm(
        _ attempt: Operation.Backup.Attempt, since opened: Moment, _ story: Story
    ) -> Advance? {
        for shard in attempt.shards {
            guard let member = find(shard.node), let present = term(of: member, since: opened)
            else { return awaitMaster(shard, story) }
            guard isUnchanged(shard, present), !movesSlots(member) else {
                return .failed(.changedWhileSaved(shard.node))
            }
        }
        return nil
    }

    /// A master that does not answer, or is none any more.
    private func awaitMaster(_ shard: Operation.Backup.Shard, _ story: Story) -> Advance {
        if let member = find(shard.node), let report = freshReply(from: member),
            report.replication.role == .replica
        {
            return .failed(.changedWhileSaved(shard.node))
        }
        let step = OperationStep.awaitingMaster(shard.node)
        return story.age(of: step) < Self.agreementLimit
            ? .working(step) : .failed(.disagreement(.silent(shard.node)))
    }

    // MARK: the copies

    /// Opens each dump as soon as its save has ended: a later save cannot replace it any more.
    private mutating func openAll(
        _ attempt: Operation.Backup.Attempt, _ place: Effect.BackupPlace, _ story: Story
    ) -> Opening {
        var unsaved: [NodeName] = []
        var last = attempt.began
        for shard in attempt.shards {
            guard let member = find(shard.node) else {
                return .pending(.failed(.unknownNode(shard.node)))
            }
            let open = Effect.openDump(shard.node, dumpOrder(shard, member, attempt, place))
            if let history = seen.effects[open.key] {
                if let why = history.failure { return .pending(.failed(.dumpNotCopied(shard.node, why))) }
                if let ended = history.ended { last = max(last, ended) } else { unsaved.append(shard.node) }
                continue
            }
            guard let report = freshReply(from: member), !report.persistence.saving else {
                unsaved.append(shard.node)
                continue
            }
            guard report.persistence.lastSaveOK else { return .pending(.failed(.notSaved(shard.node, nil))) }
            once(open)
            unsaved.append(shard.node)
        }
        guard !unsaved.isEmpty else { return .opened(last) }
        let step = OperationStep.saving(unsaved)
        return .pending(story.age(of: step) < Self.dataLimit ? .working(step) : .failed(.notDoneInAnHour(step)))
    }

    private enum Opening {
        /// When the last one was opened.
        case opened(Moment)
        case pending(Advance)
    }

    /// nil: all are copied. From here on, the masters may change.
    private mutating func copyAll(_ attempt: Operation.Backup.Attempt, _ place: Effect.BackupPlace) -> Advance? {
        var done = 0
        for shard in attempt.shards {
            guard let member = find(shard.node) else { return .failed(.unknownNode(shard.node)) }
            switch once(.copyDump(shard.node, dumpOrder(shard, member, attempt, place))) {
            case .underWay: break
            case .failed(let why, _): return .failed(.dumpNotCopied(shard.node, why))
            case .done: done += 1
            }
        }
        return done == attempt.shards.count ? nil : .working(.copyingDumps(done, of: attempt.shards.count))
    }

    private func dumpOrder(
        _ shard: Operation.Backup.Shard, _ member: Member, _ attempt: Operation.Backup.Attempt,
        _ place: Effect.BackupPlace
    ) -> Effect.DumpOrder {
        let name = seen.redisConf(of: member)?.dataNames.dump ?? DataFileNames().dump
        return .init(
            place: place, source: "\(member.directory)/\(name)", file: shard.file, savedSince: attempt.at,
            rate: Self.copyRate)
    }

    // MARK: the folder

    private mutating func finish(
        _ attempt: Operation.Backup.Attempt, _ place: Effect.BackupPlace, keep: Int?
    ) -> Advance {
        var shards: [Effect.BackupContents.Shard] = []
        for shard in attempt.shards {
            guard let copy = seen.dumpCopies[shard.file] else {
                return .failed(.dumpNotCopied(shard.node, "its length and checksum are unknown"))
            }
            shards.append(.init(of: shard, file: shard.file, copy: copy))
        }
        let bytes = shards.reduce(0) { $0 + $1.copy.bytes }
        let contents = Effect.BackupContents(place: place, engine: seen.engine, at: attempt.at, shards: shards)
        switch once(.finishBackup(contents)) {
        case .underWay: return .working(.finishingBackup(place.path))
        case .failed(let why, _): return .failed(.backupNotFinished(why))
        case .done: break
        }
        if let keep {
            switch once(.pruneBackups(place, keep: keep)) {
            case .underWay: return .working(.deletingBackups(keep: keep))
            case .failed(let why, _): return .failed(.oldBackupsLeft(why))
            case .done: break
            }
        }
        return .done(.backedUp(place.path, files: shards.count, bytes: bytes))
    }

    private func place(of attempt: Operation.Backup.Attempt, in directory: String) -> Effect.BackupPlace {
        .init(
            directory: directory, name: attempt.folder, cluster: decision.record?.cluster ?? spec.name,
            nodes: members.map(\.id))
    }

    /// A dump is seldom larger than what its data take in memory.
    private func preparation(
        _ place: Effect.BackupPlace, _ attempt: Operation.Backup.Attempt
    ) -> Effect.BackupPreparation {
        let bytes = attempt.shards.reduce(Int64(0)) { total, shard in
            total + (seen.lastReports[shard.node]?.load.memoryBytes ?? 0)
        }
        return .init(
            place: place, bytes: bytes, reserved: spec.minimumFreeBytes,
            owned: [spec.dataDirectory] + members.map(\.directory))
    }

    /// Orders an effect once: its failure ends the operation.
    @discardableResult
    private mutating func once(_ effect: Effect) -> Progress {
        guard let history = seen.effects[effect.key], let ended = history.ended else {
            return ensure(effect)
        }
        guard let failure = history.failure else { return .done(at: ended) }
        return .failed(failure, attempts: history.attempts)
    }
}
