import ClusterModel

/// A living master hands over to a replica of its shard (`CLUSTER FAILOVER`): it accepts no writes until the replica has all of them, so
/// nothing is lost. Part of every operation that takes a master down (invariant: lossless-switchover).
extension Turn {
    func replicas(of master: Member, _ topology: Topology) -> [Member] {
        if let places = topology.followers {
            // Members come and go only where a record is made, before any topology.
            return (places[master.id] ?? []).map { members[$0] }.filter { $0.id != master.id }
        }
        return members.filter { $0.id != master.id && topology.master(of: $0.id) == master.id }
    }

    /// nil: `master` is no longer a master, and every node says so.
    /// - Parameters:
    ///   - chosen: the replica that takes over; nil: chosen here, and then kept.
    ///   - isFixed: whether it must be that one.
    mutating func handOver(
        from master: Member, to chosen: inout NodeName?, isFixed: Bool = false, _ topology: Topology, _ story: Story
    ) -> Advance? {
        guard topology.owns(master.id) else {
            guard let candidate = chosen.flatMap({ find($0) }) else { return nil }
            return agreement(on: candidate, after: master, topology, story)
        }
        let replicas = replicas(of: master, topology)
        if replicas.allSatisfy({ $0.wanted == .stopped && running($0.name) == nil }) {
            return .failed(.noRunningReplica(of: master.name))
        }
        let earlier = replicas.first { $0.name == chosen }
        // After the order, facts about the replicas are stale until the roles have changed.
        let candidate =
            isHandingOver(to: earlier, from: master, topology)
            ? earlier : able(isFixed ? [earlier].compactMap { $0 } : replicas)
        guard let candidate, let contact = contact(candidate) else {
            let step = OperationStep.awaitingReplicaInSync(isFixed ? chosen : nil, of: master.name)
            if story.age(of: step) < Self.agreementLimit { return .working(step) }
            return .failed(
                isFixed ? .replicaNotInSync(chosen, with: master.name) : .noReplicaInSync(with: master.name))
        }
        if let step = electionWait(of: candidate, after: master, topology, story) { return .working(step) }
        if let wait = roomWait(toReplace: master, by: candidate, topology) {
            return story.age(of: wait.step) < Self.agreementLimit
                ? .working(wait.step) : .failed(.noRoomToTakeOver(candidate.name, wait.why))
        }
        chosen = candidate.name
        let progress = orderHandOver(to: candidate, contact, from: master, topology)
        let step = OperationStep.handingOver(to: candidate.name)
        if story.age(of: step) < Self.agreementLimit { return .working(step) }
        if case .failed(let why, _) = progress { return .failed(.takeoverRefused(by: candidate.name, why)) }
        return .failed(.noTakeover(by: candidate.name, within: Self.agreementLimit))
    }

    /// The master that is replaced, at its epoch. A second switchover of the same node has another epoch.
    func masterTerm(of master: Member, _ topology: Topology) -> Effect.MasterTerm {
        .init(master: master.id, epoch: topology.standings[master.id]?.configEpoch ?? 0)
    }

    private func isHandingOver(to candidate: Member?, from master: Member, _ topology: Topology) -> Bool {
        lastHandOver(to: candidate, from: master, topology).map { $0.failure == nil } ?? false
    }

    /// nil: this clusterd has ordered nothing.
    func lastHandOver(to candidate: Member?, from master: Member, _ topology: Topology) -> EffectHistory? {
        guard let candidate, let contact = contact(candidate) else { return nil }
        return seen.effects[Effect.handOver(candidate.name, contact, from: masterTerm(of: master, topology)).key]
    }

    /// The candidate that has most of its master's data and could take over now.
    func able(_ replicas: [Member]) -> Member? {
        let able = replicas.compactMap { member in
            freshReply(from: member, since: seen.rolesChanged).flatMap { report in
                isInSync(report) ? (member, report.replication.offset) : nil
            }
        }
        return able.max { a, b in (a.1, b.0.name) < (b.1, a.0.name) }?.0
    }

    func isInSync(_ report: NodeReport) -> Bool {
        report.replication.role == .replica && report.replication.linkUp && !report.replication.syncInProgress
            && !report.loading
    }

    /// Waits until all nodes agree on the new master and the old one follows it. nil: they do.
    private func agreement(
        on candidate: Member, after master: Member, _ topology: Topology, _ story: Story
    ) -> Advance? {
        let isFollowed = freshReply(from: master, since: seen.rolesChanged).map(isInSync) ?? false
        if topology.owns(candidate.id), isFollowed, openDispute(topology) == nil { return nil }
        let step = OperationStep.awaitingAgreementOnMaster(candidate.name)
        if story.age(of: step) < Self.agreementLimit { return .working(step) }
        return .failed(
            openDispute(topology).map { OperationFailure.disagreement($0) }
                ?? .doesNotFollow(master.name, master: candidate.name))
    }

    /// What some running node reports and the others do not. Nodes that do not run, or that were reset by hand, are ignored.
    func openDispute(_ topology: Topology) -> Disagreement? {
        let present = members.filter { running($0.name) != nil && estrangement(of: $0) == nil }
        for member in present {
            if freshReply(from: member, since: seen.rolesChanged) == nil { return .silent(member.name) }
            if let dispute = disagreement(member, about: present, topology) { return dispute }
        }
        return nil
    }

    /// Why a second node of its shard would be down with this one; nil: it would be the only one.
    func siblingTrouble(of member: Member, _ topology: Topology) -> ShardGap? {
        let master = topology.master(of: member.id)
        for sibling in members where sibling.id != member.id && topology.master(of: sibling.id) == master {
            guard running(sibling.name) != nil else {
                return sibling.wanted == .stopped ? .stopped(sibling.name) : .down(sibling.name)
            }
            guard let report = freshReply(from: sibling, since: seen.rolesChanged) else {
                return .silent(sibling.name)
            }
            if report.loading { return .loading(sibling.name) }
            if !topology.owns(sibling.id), !isInSync(report) { return .notInSync(sibling.name) }
        }
        return nil
    }
}
