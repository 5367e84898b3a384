import ClusterModel

/// A master that is proven dead is replaced by the replica that has most of its data, by the guarded promotion of
/// DESIGN.md rule 3; one failover at a time a shard.
extension Turn {
    /// How long after a death the replicas may take to read the last bytes that the kernel holds for them.
    static let drainLimit = Duration.milliseconds(100)
    /// After this the shard's master is rather started in place, with what it has on disk.
    static let failoverLimit = Duration.seconds(3)
    /// Between attempts; grows with their number.
    static let promotionPause = Duration.milliseconds(20)
    static let promotionValidity = Duration.milliseconds(1000)

    mutating func failOver(_ topology: Topology, _ survey: Observation.Survey) {
        settlePromotions(topology)
        for master in members where topology.owns(master.id) && mayBeReplaced(master, topology) {
            guard let death = death(of: master, survey) else { continue }
            promoteSuccessor(of: master, death: death, topology)
        }
    }

    /// When this node was proven dead: its end was seen, or no process of that identity nor any in its directory was found.
    private func death(of member: Member, _ survey: Observation.Survey) -> Moment? {
        // SIGKILL is pending on it: it will not do anything of its own any more.
        if running(member.name) != nil { return vitals(member.name)?.dyingSince }
        if let exit = exited(member.name) { return exit.at }
        return engineUser(of: member.directory, survey) == nil ? survey.askedAt : nil
    }

    /// Whether a replica of it is promoted once it is dead: by itself, unless it is to stay master; or because a person asks
    /// for it.
    private func mayBeReplaced(_ master: Member, _ topology: Topology) -> Bool {
        if failoverAsked(of: master, topology) != nil { return true }
        return spec.supervision.failover != .off && !isPaused && master.wanted == .running
            && decision.record?.operations.contains { $0.keepsRole(of: master.name) } != true
    }

    /// When a person asked for another master of this one's slots; nil: nobody did.
    private func failoverAsked(of master: Member, _ topology: Topology) -> Moment? {
        for operation in decision.record?.operations ?? [] where operation.state == .running {
            guard case .failover(let failover) = operation.kind,
                let old = decision.record?.member(failover.master), topology.master(of: old.id) == master.id
            else { continue }
            return operation.begun.flatMap { $0.bootID == seen.bootID ? $0.at : nil } ?? now
        }
        return nil
    }

    /// From when on its replicas are given their time: its death, or a person's word long after it.
    private func failoverBegan(_ master: Member, death: Moment, _ topology: Topology) -> Moment {
        max(death, failoverAsked(of: master, topology) ?? death)
    }

    private func liveReplicas(of master: Member, _ topology: Topology) -> [Member] {
        members.filter { $0.id != master.id && running($0.name) != nil && topology.master(of: $0.id) == master.id }
    }

    /// Whether a dead master is not to be started as master yet, because a replica may be about to take over.
    mutating func waitsForFailover(_ master: Member, _ topology: Topology) -> Bool {
        guard mayBeReplaced(master, topology), !withoutSuccessor.contains(master.id) else { return false }
        if decision.record?.promotions.contains(where: { $0.masterID == master.id }) == true { return true }
        let replicas = liveReplicas(of: master, topology)
        guard !replicas.isEmpty else { return false }
        let death = exited(master.name)?.at ?? seen.survey?.askedAt ?? now
        let since = failoverBegan(master, death: death, topology)
        guard now - since < Self.failoverLimit else { return false }
        wait("for a replica of \(master.name) to take over")
        return true
    }

    private mutating func promoteSuccessor(of master: Member, death: Moment, _ topology: Topology) {
        let replicas = liveReplicas(of: master, topology)
        guard !replicas.isEmpty, now - failoverBegan(master, death: death, topology) < Self.failoverLimit else {
            return
        }
        wake(after: .milliseconds(2))
        if decision.record?.promotions.contains(where: { $0.masterID == master.id }) == true { return }
        let reports = replicas.compactMap { member in report(member, since: death).map { (member, $0) } }
        let followers = reports.filter { _, report in
            report.replication.role == .replica && report.view.myself?.masterID == master.id
        }
        let ended = followers.filter { !$0.1.replication.linkUp }
        guard ended.count == replicas.count || now - death >= Self.drainLimit else {
            return wait("for the replicas of \(master.name) to read its last bytes")
        }
        let last = exited(master.name)?.lastReport?.replication
        let eligible = ended.filter { member, report in
            // One that was never seen in sync may be empty: without a word of its master's it must have followed it once.
            !report.loading && !report.replication.syncInProgress
                && (seen.lastInSync[member.name] != nil || (last == nil && report.replication.offset > 0))
        }
        guard let winner = Self.winner(eligible, of: last) else {
            if ended.count == replicas.count {
                withoutSuccessor.insert(master.id)
                return
            }
            return wait("for a replica of \(master.name) that can take over")
        }
        let earlier = seen.effects.filter { $0.key.text.hasPrefix("promote \(winner.0.name) ") }
        if let failed = earlier.values.filter({ $0.failure != nil }).max(by: { $0.began < $1.began }) {
            wait("for \(winner.0.name) to take over from \(master.name): \(failed.failure ?? "")")
            let due = (failed.ended ?? now) + Self.promotionPause * earlier.count
            guard now >= due else { return wake(at: due) }
        }
        let promotion = Effect.Promotion(
            replica: winner.0.name, replicaID: winner.0.id, master: master.name, masterID: master.id,
            deadline: seen.wall + Self.promotionValidity, attempt: earlier.count + 1,
            lagBytes: last.flatMap {
                $0.replicationID == winner.1.replication.replicationID
                    ? max(0, $0.offset - winner.1.replication.offset) : nil
            })
        guard let contact = contact(winner.0) else { return }
        decision.record?.promotions.append(promotion)
        perform(.promote(promotion, contact))
    }

    /// The highest offset wins; only offsets of one replication history can be compared. Ties go to the first name.
    static func winner(
        _ candidates: [(Member, NodeReport)], of master: NodeReport.Replication?
    ) -> (Member, NodeReport)? {
        let sameHistory = candidates.filter { master == nil || $0.1.replication.replicationID == master?.replicationID }
        return (sameHistory.isEmpty ? candidates : sameHistory).max { a, b in
            (a.1.replication.offset, b.0.name) < (b.1.replication.offset, a.0.name)
        }
    }

    /// Strikes promotions whose end is known: the replica was asked after it, or can no longer obey.
    private mutating func settlePromotions(_ topology: Topology) {
        guard let promotions = decision.record?.promotions, !promotions.isEmpty else { return }
        let open = promotions.filter { promotion in
            guard let member = decision.record?.member(promotion.replica), running(member.name) != nil else {
                // It ended: its nodes.conf says what became of it.
                return isBusy(promotion.replica)
            }
            if isBusy(promotion.replica) { return true }
            let ended = seen.effects.first { key, _ in
                key.text.hasPrefix("promote \(promotion.replica) ") && key.text.hasSuffix("#\(promotion.attempt)")
            }?.value
            let since = ended?.ended
            guard let report = report(member, since: since) else { return seen.wall < promotion.deadline }
            if report.replication.role == .master { return false }
            return ended?.failure == nil && seen.wall < promotion.deadline
        }
        decision.record?.promotions = open
        if !open.isEmpty { wake(after: .milliseconds(5)) }
    }
}
