import ClusterModel

/// A switchover ends in an election, and the engine refuses a second one too soon: a replica that has stood for election does not stand
/// again for 4 node timeouts (`clusterHandleSlaveFailover`, src/cluster.c), and a master that has voted for a replica of another master
/// does not vote about that master again for 2 (`clusterSendFailoverAuthIfNeeded`). An order within that time has no effect and blocks
/// writes for seconds, so clusterd waits. The times are in the record, since both limits outlive clusterd (invariant: lossless-switchover).
package struct Election: Sendable, Equatable, Codable {
    /// A new process of the node does not remember the election.
    package var process: ProcessIdentity
    package var orderedAt: Moment

    package init(process: ProcessIdentity, orderedAt: Moment) {
        self.process = process
        self.orderedAt = orderedAt
    }
}

extension Turn {
    /// From the order to the election (`CLUSTER_MF_TIMEOUT`, src/cluster.h).
    static let manualFailoverLimit = Duration.seconds(5)
    /// A replica does not accept less than this as twice its node timeout.
    static let shortestElection = Duration.seconds(2)

    /// The only place where a living master is ordered to hand over.
    mutating func orderHandOver(
        to candidate: Member, _ contact: Effect.Contact, from master: Member, _ topology: Topology
    ) -> Progress {
        let order = Effect.handOver(candidate.name, contact, from: masterTerm(of: master, topology))
        let progress = ensure(order, repeatAfter: .seconds(10))
        if decision.effects.contains(order), let standing = place(of: candidate.name),
            let replaced = place(of: master.name)
        {
            set(\.election, Election(process: contact.process, orderedAt: now), at: standing)
            set(\.handedOver, .init(bootID: seen.bootID, at: now), at: replaced)
        }
        return progress
    }

    /// What must pass before `candidate` can be elected in place of `master`; nil: nothing.
    mutating func electionWait(
        of candidate: Member, after master: Member, _ topology: Topology, _ story: Story
    ) -> OperationStep? {
        let last = lastHandOver(to: candidate, from: master, topology)
        if let last, last.failure == nil { return nil }
        let step = OperationStep.awaitingVoters(of: candidate.name)
        if !canBeElected(candidate, after: master, topology), story.age(of: step) < Self.agreementLimit {
            wake(after: Self.pollInTransition)
            return step
        }
        // The replica itself refused the last order, and no election followed.
        if let failure = last?.failure, EngineErrorReply(failure).isRefusal { return nil }
        let configured = RedisConfPlan.configured("cluster-node-timeout", for: candidate.settingsName, spec)?.first
        let timeout = Duration.milliseconds(configured.flatMap { Int64($0) } ?? 15_000)
        var until: [Moment] = []
        if let election = candidate.election, election.process == running(candidate.name)?.identity {
            until.append(election.orderedAt + max(timeout * 2, Self.shortestElection) * 2)
        }
        if let replaced = master.handedOver, replaced.bootID == seen.bootID { until.append(replaced.at + timeout * 2) }
        guard let end = until.max().map({ $0 + Self.manualFailoverLimit }), now < end else { return nil }
        wake(at: end)
        // In whole seconds, measured from the beginning of the wait.
        let left = Duration.seconds(((end - now) + .milliseconds(999)).components.seconds)
        return .awaitingElectionWindow(of: master.name, Shown(left))
    }

    /// Whether the votes for `candidate` would arrive. The others know a new process before their links reach it, and a master counts its
    /// vote as given even if it could not be sent (`clusterSendFailoverAuth`, src/cluster.c): the replica then waits in vain and does not
    /// stand again for 4 node timeouts.
    private func canBeElected(_ candidate: Member, after master: Member, _ topology: Topology) -> Bool {
        guard let begun = running(candidate.name)?.since, let own = freshReply(from: candidate, since: begun) else {
            return false
        }
        let voters = members.filter { topology.owns($0.id) }
        let reached = voters.filter { voter in
            own.view.entry(voter.id)?.linkConnected == true
                && freshReply(from: voter, since: begun)?.view.entry(candidate.id)?.linkConnected == true
        }
        return reached.count * 2 > voters.count && reached.contains { $0.id == master.id }
    }
}
