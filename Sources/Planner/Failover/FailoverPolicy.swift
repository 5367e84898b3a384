import ClusterModel

/// A guarded promotion replaces a master that is proven dead, one at a time per shard, or the master restarts in place; `FailoverDecision`
/// says which (invariants: one-writer, no-late-order, start-or-promote).
extension Turn {
    /// Between attempts; grows with their number.
    static let promotionPause = Duration.milliseconds(20)
    /// After this the script refuses. Short, because until then no other node can be promoted, and a starting daemon waits this long for
    /// orders of an earlier one. Long enough for a node that is asked and answers within `drainLimit` (invariant: no-late-order).
    static let promotionValidity = Duration.milliseconds(250)

    /// Returns the outcome for each master that is proven dead.
    mutating func failOver(_ topology: Topology, _ survey: Observation.Survey) -> [NodeID: FailoverDecision] {
        settlePromotions()
        var decisions: [NodeID: FailoverDecision] = [:]
        for master in members where topology.owns(master.id) {
            guard case .dead(let proof, let death) = life(of: master, survey) else { continue }
            // Its new process may answer at any moment.
            if isBeingStarted(master.name) {
                decisions[master.id] = .inPlace
                continue
            }
            decisions[master.id] = succession(
                of: master, death: death, keepsSockets: proof == .killPending, topology, survey)
        }
        return decisions
    }

    /// Invariant: start-or-promote. A start of this node was ordered, and it is not yet known whether it has a process.
    func isBeingStarted(_ node: NodeName) -> Bool {
        seen.isUnderWay(.start, of: node)
    }

    /// When the operator asked for another master of these slots; nil: never.
    func failoverAsked(of master: Member, _ topology: Topology) -> Moment? {
        for operation in decision.record?.operations ?? [] where operation.state == .running {
            guard case .failover(let failover) = operation.kind,
                let old = find(failover.master), topology.master(of: old.id) == master.id
            else { continue }
            return operation.begun.flatMap { $0.bootID == seen.bootID ? $0.at : nil } ?? now
        }
        return nil
    }

    /// Whether the operator has accepted what the replica lacks that is to take over from this master.
    func isFailoverForced(of master: Member, _ topology: Topology) -> Bool {
        decision.record?.operations.contains { operation in
            guard operation.state == .running, case .failover(let failover) = operation.kind, failover.force,
                let old = find(failover.master)
            else { return false }
            return topology.master(of: old.id) == master.id
        } ?? false
    }

    /// Why a dead master keeps its role if its data allow it; nil: a replica may take over.
    func reasonToKeepRole(of master: Member) -> RoleKept? {
        if spec.supervision.failover == .off { return .failoverOff }
        if isPaused { return .paused }
        let operation = decision.record?.operations.first { $0.keepsRole(of: master.name) }
        return operation.map { RoleKept.operation(title: $0.title) }
    }

    func keepsRole(_ master: Member) -> Bool { reasonToKeepRole(of: master) != nil }

    func openPromotion(from master: Member) -> Effect.Promotion? {
        decision.record?.promotions.first { $0.masterID == master.id }
    }

    /// Orders the promotion and records it: what was known about the master, and how much of it the winner has.
    mutating func promote(
        _ winner: Candidate, over master: Member, _ topology: Topology, _ survey: Observation.Survey
    ) -> FailoverDecision {
        guard let contact = contact(winner.member) else { return .waits }
        switch nodesConfHeadroom(toReplace: master, by: winner.member, topology) {
        case .enough: break
        case .coming:
            wait(.reserve)
            return .waits
        case .none(let shortage): return hold(master, for: winner, shortage, survey)
        }
        let earlier = effects(.promote, of: winner.member.name)
        if let failed = earlier.values.filter({ $0.failure != nil }).max(by: { $0.began < $1.began }) {
            wait(.failover(to: winner.member.name, from: master.name, failed.failure.map { Shown($0) }))
            let due = (failed.ended ?? now) + Self.promotionPause * earlier.count
            guard now >= due else {
                wake(at: due)
                return .waits
            }
        }
        let stream = lastStream(of: master)
        let isSameStream = stream?.position.replicationID == winner.report.replication.replicationID
        var promotion = Effect.Promotion(
            replica: winner.member.name, replicaID: winner.member.id, master: master.name, masterID: master.id,
            orderedAt: seen.wall, deadline: seen.wall + Self.promotionValidity, ordered: now,
            attempt: earlier.count + 1,
            lagBytes: isSameStream ? stream.map { max(0, $0.position.offset - winner.offset) } : nil,
            masterSeenAt: stream?.at, epoch: winner.report.currentEpoch,
            engine: winner.report.engine)
        if running(master.name) != nil, winner.report.replication.linkUp { promotion.linkStays = true }
        set(\.promotions, (decision.record?.promotions ?? []) + [promotion])
        ensure(.promote(promotion, contact))
        wait(.failover(to: winner.member.name, from: master.name, nil))
        return .waits
    }

    /// Removes promotions whose outcome is known: the replica reported after it answered the order, or after the deadline, when the script
    /// refuses; or it has ended, and its nodes.conf shows the outcome.
    private mutating func settlePromotions() {
        guard let promotions = decision.record?.promotions, !promotions.isEmpty else { return }
        var open: [Effect.Promotion] = []
        for promotion in promotions {
            guard let member = find(promotion.replica), let process = running(member.name) else {
                continue
            }
            let void = endOfValidity(promotion)
            let answered = effects(.promote, of: promotion.replica).first { key, _ in
                key.attempt == promotion.attempt
            }?.value.ended
            // The report was requested after the order, not in the same moment.
            if freshReply(from: member, since: min(answered ?? void, void) + .nanoseconds(1)) != nil { continue }
            open.append(promotion)
            wake(after: .milliseconds(5))
            // It may be master by now, and that cannot be determined: as long as that is so, no other node is promoted and the old master
            // does not start. A replica that stays silent is ended (invariants: one-writer, no-unrequested-stop).
            if now - void >= spec.supervision.hangTimeout {
                ensure(.signal(member.name, process.identity, .kill), retryAfter: .seconds(1))
            }
        }
        set(\.promotions, open)
    }

    /// When the script starts to refuse this order, however late a stopped replica reads it. The monotonic clock determines it; if the wall
    /// clock was set back into the window in which the script obeys, clusterd also waits for the end of that window.
    private func endOfValidity(_ promotion: Effect.Promotion) -> Moment {
        // An order of an earlier clusterd, possibly from another boot: it was given before this one began.
        let ordered = promotion.ordered.flatMap { seen.began <= $0 && $0 <= now ? $0 : nil } ?? seen.began
        let passed = ordered + Self.promotionValidity
        guard promotion.isObeyed(at: seen.wall) else { return passed }
        return max(passed, now + .milliseconds(promotion.deadline.milliseconds - seen.wall.milliseconds))
    }
}
