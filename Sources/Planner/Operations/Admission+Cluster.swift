import ClusterModel

/// Commands about the cluster, and about other operations.
extension Admission {
    /// What only the disk can tell is checked by the first step of the operation.
    mutating func backUp(into directory: String, keep: Int?, _ key: String?) throws(Failure) -> Operation {
        let parts = directory.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.first == "", parts.count > 1, parts.dropFirst().allSatisfy({ !["", ".", ".."].contains($0) })
        else {
            throw Failure(
                .backupFolder,
                "\(directory) is not the absolute path of a folder without . and ..; nothing was changed",
                hint: "clusterd backup /srv/backup")
        }
        let owned = [spec.dataDirectory] + record.members.map(\.directory)
        if let folder = owned.first(where: { directory == $0 || directory.hasPrefix($0 + "/") }) {
            throw Failure(
                .backupFolder,
                "\(directory) is in \(folder), which belongs to the cluster and is lost with it; nothing was changed",
                hint: "choose a folder elsewhere, if possible on another disk")
        }
        for other in record.operations where other.isOpen {
            if case .backup = other.kind { throw underWay(other) }
        }
        return try add(.backup(.init(directory: directory, keep: keep)), key)
    }

    mutating func roll(
        pending: Bool, restoreRoles: Bool, force: Bool, canary: Bool, _ key: String?
    ) throws(Failure) -> Operation {
        let pending = pending || canary
        let running = record.members.filter { $0.wanted == .running && isRunning($0.name) }
        var chosen = pending ? running.filter { !pendingRestart(of: $0, spec, seeing: seen).isEmpty } : running
        if canary, !chosen.isEmpty { chosen = [try self.canary(among: chosen)] }
        let targets = chosen.compactMap { member in
            process(of: member.name).map { Operation.RollingRestart.Target(node: member.name, replaces: $0) }
        }
        let kind = Operation.Kind.rollingRestart(
            .init(
                targets: targets, restoreRoles: restoreRoles, force: force, canary: canary ? true : nil))
        if targets.isEmpty {
            return addEnded(kind, .noNodeToRestart(pendingOnly: pending), key)
        }
        if let same = record.operations.last(where: { $0.isOpen && $0.isSameRequest(as: kind) }) { return same }
        for member in chosen { try checkSettled(member.name, mayLackSlots: force) }
        for member in chosen { try checkEngine(member.name) }
        if !force {
            for member in chosen {
                try checkTakingDown(
                    member.name, "its restart would take these slots down until it is back",
                    orAdd: "to restart such masters in place: clusterd rolling-restart --force",
                    secondNode: "start it first (clusterd status), or add --force: clusterd rolling-restart --force",
                    force: "clusterd rolling-restart --force")
            }
        }
        let operation = try add(kind, key)
        // Another attempt to run the configured engine.
        record.engineHold = nil
        return operation
    }

    mutating func pause(_ duration: Duration?, _ key: String?) -> Operation {
        // The pause began when it was first requested: a repeated request moves only its end.
        let pause = Pause(since: record.pause?.since ?? seen.wall, until: duration.map { seen.wall + $0 })
        record.pause = pause
        return addEnded(.pause(pause), .paused(until: pause.until), key)
    }

    mutating func resume(_ key: String?) -> Operation {
        let wasPaused = record.pause.map { $0.until.map { $0 > seen.wall } ?? true } ?? false
        record.pause = nil
        return addEnded(.resume, .resumed(wasPaused: wasPaused), key)
    }

    /// What was begun stays as it is, which is always a state that clusterd handles: a node that was about to stop comes up again, and a
    /// switchover that was ordered may still happen. Only a move of slots continues until no slot is half moved.
    mutating func cancel(_ id: String) throws(Failure) -> Operation {
        guard let index = record.operations.firstIndex(where: { String($0.id) == id }) else {
            let open = record.operations.filter(\.isOpen).map { "\($0.id) (\($0.title))" }
            throw Failure(
                .unknownOperation,
                "there is no operation '\(id)'; "
                    + (open.isEmpty ? "no operation is open" : "open operations: \(open.joined(separator: ", "))"),
                hint: "clusterd operations")
        }
        let operation = record.operations[index]
        if operation.state == .cancelled { return operation }
        guard operation.isOpen else {
            throw Failure(
                .operationEnded, "operation \(id) (\(operation.title)) has ended: \(operation.state.rawValue)",
                hint: "clusterd operations \(id)")
        }
        // A slot that is half moved redirects clients back and forth: it is finished first, in the operation.
        if case .reshard(var reshard) = operation.kind, operation.state == .running {
            reshard.isEnding = true
            record.operations[index].kind = .reshard(reshard)
            return record.operations[index]
        }
        if case .change(var change) = operation.kind, operation.state == .running {
            if !change.moves.isEmpty {
                change.isEnding = true
                record.operations[index].kind = .change(change)
                return record.operations[index]
            }
            if case .remove(let leaver)? = change.parts.first, let member = record.index(leaver.node) {
                guard !leaver.isForgotten else {
                    throw Failure(
                        .operationEnded,
                        "\(leaver.node) is no node of the cluster any more: only its files are still to be moved")
                }
                record.members[member].wanted = .running
            }
        }
        record.operations[index].end(.cancelled, at: seen.wall)
        if case .stopNode(let stop) = operation.kind, let member = record.index(stop.node) {
            record.members[member].wanted = .running
        }
        return record.operations[index]
    }
}

extension Operation {
    /// Whether this requests the same as another open operation, whatever that one has achieved so far.
    func isSameRequest(as other: Operation) -> Bool { isSameRequest(as: other.kind) }

    func isSameRequest(as other: Kind) -> Bool {
        switch (kind, other) {
        case (.restartNode(let mine), .restartNode(let theirs)):
            mine.node == theirs.node && mine.noFailover == theirs.noFailover
                && mine.restoreRoles == theirs.restoreRoles && mine.force == theirs.force
        case (.startNode(let mine), .startNode(let theirs)): mine.node == theirs.node
        case (.stopNode(let mine), .stopNode(let theirs)):
            mine.node == theirs.node && mine.noFailover == theirs.noFailover && mine.force == theirs.force
        case (.failover(let mine), .failover(let theirs)):
            mine.master == theirs.master && mine.replica == theirs.replica && mine.force == theirs.force
        case (.fix(let mine), .fix(let theirs)): mine.ids == theirs.ids
        case (.reshard(let mine), .reshard(let theirs)): mine.moves == theirs.moves
        case (.change(let mine), .change(let theirs)):
            mine.request == .removeNode && mine.request == theirs.request && mine.node == theirs.node
        case (.rollingRestart(let mine), .rollingRestart(let theirs)):
            mine.restoreRoles == theirs.restoreRoles && mine.force == theirs.force && mine.canary == theirs.canary
        default: false
        }
    }

    /// Whether it changes something about this node, so that another operation on it would conflict.
    func touches(_ node: NodeName) -> Bool {
        if self.node == node { return true }
        if case .fix(let fix) = kind { return fix.remaining.contains { $0.node == node } }
        if case .failover(let failover) = kind { return failover.master == node }
        if case .change(let change) = kind, change.removes(node) { return true }
        if slotMoves.contains(where: { $0.from == node || $0.to == node }) { return true }
        return false
    }
}
