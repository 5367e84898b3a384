import ClusterModel

/// A process in state T (SIGSTOP, Ctrl-Z, a tool that suspends it) has everything it had, so SIGCONT loses nothing as long as no other node
/// has taken over from it. clusterd first continues it, and kills it only if it is stopped again soon after. Once another node owns its
/// slots, clusterd kills it and never continues it: it would acknowledge the writes in its sockets, and they would be lost (invariants:
/// no-late-continue, no-unrequested-stop).
extension Turn {
    /// clusterd kills a process that is stopped again within this time of being continued.
    static let relapseLimit = Duration.seconds(60)
    /// In node timeouts: by then the nodes have voted twice, if they can vote at all.
    static let votesWaitedFor = 6

    enum StoppedRemedy: Equatable {
        case continues
        case kills
        case waits(String)
    }

    /// What happens to a node that has been stopped for longer than `hang-timeout`.
    func remedy(ofStopped member: Member, _ topology: Topology) -> StoppedRemedy {
        if isPaused { return .waits("clusterd is paused") }
        if decision.record?.promotions.contains(where: { $0.replica == member.name }) == true {
            return .waits("clusterd does not know yet whether it has taken over from its master")
        }
        if mayHaveBeenReplaced(member, topology) {
            if let other = killed(besides: member) { return .waits("\(other) was killed and has not ended yet") }
            return .kills
        }
        let risk = electionRisk(member, topology)
        guard hasRelapsed(member) || risk != nil else { return .continues }
        guard let reprieve = reprieve(member, topology) else { return .kills }
        return risk.map { .waits("\($0), and \(reprieve)") } ?? .continues
    }

    /// Whether another node may by now own what this one owned when it was stopped.
    func mayHaveBeenReplaced(_ member: Member, _ topology: Topology) -> Bool {
        if openPromotion(from: member) != nil { return true }
        if topology.owns(member.id) { return false }
        guard let standing = topology.standings[member.id] else { return true }
        return member.lastSeen.map { $0.role == .master } ?? (standing.role == .master || !standing.claimed.isEmpty)
    }

    /// Why the other nodes may be electing a replacement at this moment, in words; nil: they cannot.
    func electionRisk(_ member: Member, _ topology: Topology) -> String? {
        guard topology.owns(member.id), let silentSince = vitals(member.name)?.silentSince else { return nil }
        let timeout = nodeTimeout(of: member)
        let silence = now - (seen.lastHeard[member.name] ?? silentSince - Self.pollAtRest * 2)
        guard silence >= timeout, silence < timeout * Self.votesWaitedFor else { return nil }
        return members.first { $0.shard == member.shard && $0.id != member.id && canStand($0) }.map {
            "the nodes may elect \($0.name) at any moment"
        }
    }

    /// A replica whose link was never up since it started does not stand for election (`clusterHandleSlaveFailover`, src/cluster.c). One
    /// that does not answer may.
    private func canStand(_ replica: Member) -> Bool {
        guard running(replica.name) != nil else { return false }
        guard let report = lastHeard(replica) else { return true }
        return report.replication.linkUp || report.replication.linkDownFor != nil
    }

    func nodeTimeout(of member: Member) -> Duration {
        let configured = RedisConfPlan.configured("cluster-node-timeout", for: member.settingsName, spec)?.first
        return .milliseconds(configured.flatMap { Int64($0) } ?? 15_000)
    }

    // MARK: continued processes

    /// When this daemon continued this process; resets with a new process or a new daemon.
    private func continuations(_ member: Member) -> [EffectHistory] {
        guard let process = running(member.name)?.identity else { return [] }
        return effects(.continueStopped, of: member.name).filter { $0.key.process == process }.map(\.value)
    }

    func lastContinued(_ member: Member) -> Moment? {
        continuations(member).filter { $0.failure == nil }.compactMap(\.ended).max()
    }

    /// How long it has been stopped since it was last continued.
    func stoppedTime(_ member: Member) -> Duration? {
        guard let vitals = vitals(member.name), vitals.doing == .stopped, let since = vitals.stoppedSince,
            let lookedAt = vitals.lookedAt
        else { return nil }
        return lookedAt - max(since, lastContinued(member) ?? since)
    }

    private func hasRelapsed(_ member: Member) -> Bool {
        guard let since = vitals(member.name)?.stoppedSince, let continued = lastContinued(member) else { return false }
        return since - continued < Self.relapseLimit
    }

    mutating func continueStopped(_ member: Member, _ look: ProcessActivity) {
        guard let process = running(member.name)?.identity else { return }
        let earlier = continuations(member)
        if let failed = earlier.filter({ $0.failure != nil }).compactMap(\.ended).max(), now - failed < .seconds(1) {
            return wake(at: failed + .seconds(1))
        }
        ensure(.continueStopped(member.name, process, look, attempt: earlier.count + 1))
    }

    /// Reports for a while that a process was continued: the cause is outside clusterd and may recur.
    mutating func reportContinued(_ member: Member) {
        guard let process = running(member.name), let continued = lastContinued(member),
            vitals(member.name)?.silentSince == nil
        else { return }
        let end = continued + Self.relapseLimit
        guard now < end else { return }
        wake(at: end)
        emit(
            Finding(
                .nodeContinued, .warning, node: member.name,
                "\(member.name) (\(process.identity)) was stopped (state T) by another process, and clusterd continued it "
                    + "(SIGCONT); if it is stopped again within \(Self.relapseLimit.inWords), clusterd kills and replaces it",
                hint: "find the process that sends SIGSTOP to it; before stopping a node on purpose: clusterd pause"))
    }
}
