import ClusterModel

extension Operation {
    package struct Fix: Sendable, Equatable, Codable {
        /// The repairs that the operator confirmed.
        package var ids: [String]
        /// Those that are still to be done, in this order.
        package var remaining: [Repair]

        package init(_ repairs: [Repair]) {
            ids = repairs.map(\.id)
            remaining = repairs
        }

        /// Whether the current repair ends with this node's start. A file under repair must not be loaded.
        func starts(_ node: NodeName) -> Bool {
            switch remaining.first {
            case .setAside(let move): move.member == node
            case .repairAppendOnly(let repair): repair.member == node && repair.isDone
            case .writeManifest(let write): write.member == node && write.isDone
            case .rejoin(let rejoin): rejoin.member == node
            default: false
            }
        }

        /// Whether the current repair ends this node's process, which owns no slots.
        func ends(_ node: NodeName) -> Bool {
            guard case .rejoin(let rejoin)? = remaining.first else { return false }
            return rejoin.member == node
        }
    }
}

extension Repair {
    /// Whether nodes save their nodes.conf because of it.
    var changesViews: Bool {
        switch self {
        case .setAside, .repairAppendOnly, .writeManifest: false
        case .rejoin, .forget, .follow, .closeSlot, .finishMove, .returnKeys, .addSlots, .restoreSlots: true
        }
    }
}

extension Operation {
    /// Whether the operator confirmed that this node's append-only file may be cut, or get a manifest.
    func repairs(_ node: NodeName) -> Bool {
        guard state == .running, case .fix(let fix) = kind else { return false }
        return switch fix.remaining.first {
        case .repairAppendOnly(let repair): repair.member == node
        case .writeManifest(let write): write.member == node
        default: false
        }
    }
}

/// Repairs are carried out one after the other, each until its finding is gone; the first failure ends the operation and skips the rest.
extension Turn {
    mutating func fix(
        _ fix: inout Operation.Fix, id: Int, since begun: Moment, _ story: Story, _ topology: Topology
    ) -> Advance {
        guard let repair = fix.remaining.first else { return .done(.nothingToDo) }
        let advance: Advance
        if repair.changesViews, !hasRoomForEpoch() {
            return within(.awaitingRoomForViews, story, else: .diskFull)
        }
        switch repair {
        case .setAside(let move): advance = setAside(move, since: begun, story, topology)
        case .repairAppendOnly(var repair):
            advance = self.repair(&repair, story, topology)
            fix.remaining[0] = .repairAppendOnly(repair)
        case .writeManifest(var write):
            advance = writeManifest(&write, story, topology)
            fix.remaining[0] = .writeManifest(write)
        case .rejoin(let rejoin):
            advance = self.rejoin(rejoin, isLast: fix.remaining.count == 1, since: begun, story, topology)
        case .forget(let forget): advance = self.forget(forget, since: begun, story)
        case .follow(let follow): advance = self.follow(follow, story, topology)
        case .closeSlot(let slot): advance = closeSlot(slot, since: begun, story)
        case .finishMove(var move):
            advance = finishMove(&move, id: id, since: begun, story, topology)
            fix.remaining[0] = .finishMove(move)
        case .returnKeys(var move):
            advance = returnKeys(&move, id: id, since: begun, story, topology)
            fix.remaining[0] = .returnKeys(move)
        case .addSlots(let add): advance = addSlots(add, since: begun, story)
        case .restoreSlots(let restore): advance = restoreSlots(restore, story, topology)
        }
        switch advance {
        case .working: return advance
        case .failed(let failure):
            let others = fix.remaining.count - 1
            return .failed(others == 0 ? failure : .repairsLeft(others, after: failure))
        case .done(let result):
            fix.remaining.removeFirst()
            return fix.remaining.isEmpty ? .done(result) : .working(.next(fix.remaining[0], after: result))
        }
    }

    /// Invariants: confirmed-repair, idle-folder. Moves files away after checking them once more before and after; then the member whose
    /// place it was is started.
    private mutating func setAside(
        _ move: Repair.SetAside, since begun: Moment, _ story: Story, _ topology: Topology
    ) -> Advance {
        let effect = Effect.quarantine(move.quarantine)
        let moved = seen.effects[effect.key]?.isDone == true ? seen.effects[effect.key]?.ended : nil
        // A survey from the same moment counts as earlier: it may not have seen the change.
        let since = (moved ?? begun) + .nanoseconds(1)
        guard let survey = seen.survey, survey.askedAt >= since else {
            needSurvey(since: since)
            return .working(.lookingAt(move.path))
        }
        let member = move.member.flatMap { find($0) }
        if lies(move, member, survey) {
            if let why = reasonNotToTouch(move.path, survey) { return .failed(.folderInUse(why, .moved)) }
            if moved != nil { return .failed(.thereAgain(move.path)) }
            if case .failed(let why, _) = ensure(effect) { return .failed(.notMoved(move.path, why)) }
            return .working(.settingAside(move.path, quarantine: move.quarantine.folder))
        }
        func result(_ started: NodeName?) -> OperationResult {
            .setAside(move.path, quarantine: move.quarantine.folder, started: started)
        }
        guard let member, member.wanted == .running else { return .done(result(nil)) }
        return comeBack(member, after: nil, story, topology) ?? .done(result(member.name))
    }

    private func lies(_ move: Repair.SetAside, _ member: Member?, _ survey: Observation.Survey) -> Bool {
        guard let facts = survey.directories.first(where: { $0.path == move.path }) else { return false }
        guard let member else { return !facts.isUntouched }
        return strays(survey)?.inTheWay(of: member, facts) != nil && running(member.name) == nil
    }
}
