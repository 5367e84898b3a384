import ClusterModel

/// A master refuses writes for 2 s after its start (`CLUSTER_WRITABLE_DELAY`, src/cluster.h); a replica that takes over does not. So at a
/// start of the whole cluster each master begins as the replica of a ghost, a master that never existed, and takes its slots over from it.
/// Once all have, they forget the ghosts, and only then do the replicas start, so that gossip cannot spread the ghosts again
/// (docs/decisions/20-born-from-ghosts.md; over data: `StartFromGhosts.swift`).
///
/// Each step follows from what the nodes report, so it survives the end of clusterd at any moment. A takeover that is late is only slow:
/// the nodes hold the ghosts for failed, and serve a few seconds after they took over. A master that does not come keeps its ghost, and
/// delays no other.
extension Turn {
    /// A node is given this long to report `cluster_state:ok`, and to hear of the last takeover, before it takes over regardless: then it
    /// serves later, and the engines settle two equal epochs between them.
    static let birthLimit = Duration.milliseconds(500)

    /// The masters take over one after the other, each when it has heard of the last: with many of them the 2 s are shorter.
    static let mostBirths = 20

    /// How long replicas wait for masters of other shards. If they start earlier they hear of the ghosts, and must forget them too.
    static let replicasWait = Duration.seconds(10)

    /// The commands may be forbidden, and nothing but the engine knows what its access list allows: such a cluster starts without ghosts.
    var mayTakeOverFromGhosts: Bool {
        guard spec.masters <= Self.mostBirths else { return false }
        let directives = spec.directives + spec.overrides.values.flatMap(\.directives)
        return !directives.contains { directive in
            ["aclfile", "user", "rename-command"].contains(directive.name)
                || (directive.name == "replica-serve-stale-data" && directive.arguments == ["no"])
        }
    }

    /// Until when a birth delays anything but the replicas of a master that is not born; nil: no node runs.
    var endOfBirthWait: Moment? {
        members.compactMap { running($0.name)?.since }.min().map { $0 + Self.replicasWait }
    }

    /// Replicas wait until no node can tell them of a ghost.
    /// - Parameter toCome: masters that are about to run, or have not answered yet.
    mutating func mustWaitForBirth(_ member: Member, _ topology: Topology, toCome: Set<NodeID>) -> Bool {
        guard decision.record?.ghosts == true, !topology.owns(member.id) else { return false }
        let owners = members.filter { topology.owns($0.id) }
        let awaited = owners.filter { owner in
            toCome.contains(owner.id) || (running(owner.name) != nil && topology.unborn.contains(owner.id))
        }
        let master = topology.master(of: member.id)
        if !awaited.contains(where: { $0.id == master }) {
            guard let end = endOfBirthWait, now < end,
                !awaited.isEmpty || !knowers(of: ghosts(without: topology.unborn)).isEmpty
            else { return false }
            wake(at: end)
        }
        wait(.birth)
        return true
    }

    mutating func beBorn(_ topology: Topology) {
        guard decision.record?.ghosts == true else { return }
        let masters = members.filter { topology.owns($0.id) }
        let unborn = masters.filter { topology.unborn.contains($0.id) }
        if !unborn.isEmpty { wait(.slots(of: unborn.map(\.name))) }
        if unborn.contains(where: { running($0.name) != nil }) { return takeOver(unborn) }
        let born = masters.filter { running($0.name) != nil }
        guard !born.isEmpty else { return }
        if let dispute = born.compactMap({ disagreement($0, about: born, topology) }).first {
            wait(.agreement(Shown(dispute)))
        } else if forget(ghosts(without: topology.unborn)), unborn.isEmpty {
            set(\.ghosts, nil)
            set(\.ghostEpoch, nil)
            wake(at: now)
        }
    }

    /// One after the other, each once it has heard of the last takeover: two at once could make the same epoch.
    private mutating func takeOver(_ unborn: [Member]) {
        var lastTakeover = Moment.seconds(0)
        var epoch: UInt64 = 0
        for member in members {
            guard let process = running(member.name) else { continue }
            for (key, history) in effects(.takeOver, of: member.name) where key.process == process.identity {
                guard let ended = history.ended, let report = freshReply(from: member) else { return }
                lastTakeover = max(lastTakeover, ended)
                epoch = max(epoch, report.view.myself?.configEpoch ?? 0)
            }
        }
        for member in unborn {
            guard let process = running(member.name), let contact = contact(member), !isBusy(member.name),
                let report = freshReply(from: member), !report.loading
            else { continue }
            let due = max(process.loaded ?? process.since, lastTakeover) + Self.birthLimit
            guard report.clusterStateOK && report.currentEpoch >= epoch || now >= due else {
                wake(at: due)
                continue
            }
            let birth = Effect.Promotion(
                replica: member.name, replicaID: member.id, master: member.name, masterID: member.id.ghost,
                orderedAt: seen.wall, deadline: seen.wall + Self.promotionValidity, ordered: now, attempt: 1,
                lagBytes: nil,
                epoch: report.currentEpoch, engine: report.engine)
            ensure(.takeOver(birth, contact), retryAfter: .milliseconds(100), repeatAfter: .milliseconds(100))
            return
        }
    }

    /// The ghosts of all members but those that are still to take their slots: no node needs them any more.
    private func ghosts(without unborn: Set<NodeID>) -> [NodeID] {
        members.filter { !unborn.contains($0.id) }.map(\.id.ghost)
    }

    /// The running nodes that know one of these, or have not said.
    private func knowers(of ghosts: [NodeID]) -> [(member: Member, known: [NodeID]?)] {
        members.filter { running($0.name) != nil }.compactMap { member in
            guard let report = freshReply(from: member) else { return (member, nil) }
            let known = ghosts.filter { report.view.entry($0) != nil }
            return known.isEmpty ? nil : (member, known)
        }
    }

    /// True once no node that runs knows one.
    private mutating func forget(_ ghosts: [NodeID]) -> Bool {
        let knowers = knowers(of: ghosts)
        for (member, known) in knowers {
            guard let known, let contact = contact(member), !isBusy(member.name) else { continue }
            ensure(.forget(member.name, contact, known), retryAfter: .milliseconds(100), repeatAfter: .seconds(1))
        }
        if !knowers.isEmpty { wait(.birth) }
        return knowers.isEmpty
    }
}
