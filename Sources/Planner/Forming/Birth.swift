import ClusterModel

/// A master refuses writes for 2 s after its start (`CLUSTER_WRITABLE_DELAY`, src/cluster.h); a replica that takes over does not. So each
/// master of a new cluster starts as the replica of a ghost, a master that never existed, and takes its slots over from it. Once all have,
/// they forget the ghosts, and only then do the replicas start, so that gossip cannot spread the ghosts again (docs/decisions/20-born-from-ghosts.md).
///
/// Each step follows from what the nodes report, so it survives the end of clusterd at any moment. A takeover that is late is only slow:
/// the nodes hold the ghosts for failed, and serve a few seconds after they took over.
extension Turn {
    /// A node is given this long to report `cluster_state:ok`, and to hear of the last takeover, before it takes over regardless: then it
    /// serves later, and the engines settle two equal epochs between them.
    static let birthLimit = Duration.milliseconds(500)

    /// The masters take over one after the other, each when it has heard of the last: with many of them the 2 s are shorter.
    static let mostBirths = 20

    /// An access list may forbid the commands, and nothing but the engine knows what it allows: such a cluster forms without ghosts.
    var mayTakeOverFromGhosts: Bool {
        guard spec.masters <= Self.mostBirths else { return false }
        let directives = spec.directives + spec.overrides.values.flatMap(\.directives)
        return !directives.contains { ["aclfile", "user"].contains($0.name) }
    }

    /// Replicas wait until no node can tell them of a ghost.
    mutating func mustWaitForBirth(_ member: Member, _ topology: Topology) -> Bool {
        guard decision.record?.ghosts == true, !topology.owns(member.id) else { return false }
        wait(.birth)
        return true
    }

    mutating func beBorn(_ topology: Topology) {
        guard decision.record?.ghosts == true else { return }
        let masters = members.filter { topology.owns($0.id) }
        guard !masters.isEmpty else { return }
        let unborn = masters.filter { topology.unborn.contains($0.id) }
        if !unborn.isEmpty {
            wait(.slots(of: unborn.map(\.name)))
            takeOver(unborn)
        } else if let dispute = masters.compactMap({ disagreement($0, about: masters, topology) }).first {
            wait(.agreement(Shown(dispute)))
        } else if forgetGhosts() {
            set(\.ghosts, nil)
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
            let due = max(process.since, lastTakeover) + Self.birthLimit
            guard report.clusterStateOK && report.currentEpoch >= epoch || now >= due else {
                wake(at: due)
                continue
            }
            ensure(.takeOver(member.name, contact), retryAfter: .milliseconds(100), repeatAfter: .milliseconds(100))
            return
        }
    }

    /// True once no node that runs knows one.
    private mutating func forgetGhosts() -> Bool {
        let ghosts = members.map(\.id.ghost)
        var isDone = true
        for member in members where running(member.name) != nil {
            guard let report = freshReply(from: member), let contact = contact(member) else {
                isDone = false
                continue
            }
            let known = ghosts.filter { report.view.entry($0) != nil }
            guard !known.isEmpty else { continue }
            isDone = false
            if !isBusy(member.name) {
                ensure(.forget(member.name, contact, known), retryAfter: .milliseconds(100), repeatAfter: .seconds(1))
            }
        }
        if !isDone { wait(.birth) }
        return isDone
    }
}
