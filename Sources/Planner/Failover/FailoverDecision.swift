import ClusterModel

/// What happens to the slots of a master that is proven dead.
enum FailoverDecision: Equatable {
    /// It starts as master with the data it has.
    case inPlace
    /// Its start waits: for answers, for a promotion, or for another node of its shard that has newer data.
    case waits
}

/// Chooses the master of a shard whose master is dead: the replica with the highest offset in its stream, the master itself from its files,
/// or another node that is known to have newer data (invariant: no-older-master).
extension Turn {
    /// How long after a death the replicas may take to read the last bytes that the kernel holds for them (invariant: drained-first).
    static let drainLimit = Duration.milliseconds(100)
    /// After this, the shard's master restarts in place with what it has on disk.
    static let failoverLimit = Duration.seconds(3)
    /// If the cluster has declared a master failed, its replicas may be electing one of them: clusterd waits this long for that.
    static let electionLimit = Duration.seconds(2)

    /// - Parameter keepsSockets: SIGKILL is pending and the process hangs in the kernel, so the links of its replicas stay up. After
    /// `failoverLimit` they have read what the kernel held for them, and no more can come.
    mutating func succession(
        of master: Member, death: Moment, keepsSockets: Bool = false, _ topology: Topology, _ survey: Observation.Survey
    ) -> FailoverDecision {
        if let promotion = openPromotion(from: master) {
            wait(.failover(to: promotion.replica, from: master.name, nil))
            return .waits
        }
        let asked = failoverAsked(of: master, topology)
        // The operator stopped it, and thereby decided which node is master.
        if asked == nil, master.wanted != .running { return .waits }
        let began = max(keepsSockets ? death + Self.failoverLimit : death, asked ?? death)
        let replicas = liveReplicas(of: master, topology)
        if !replicas.isEmpty, now < seen.began + Self.promotionValidity {
            wait(.promotionOrdersOfPreviousDaemon)
            wake(at: seen.began + Self.promotionValidity)
            return .waits
        }
        // While slots move, the first half is for a restart in place.
        let isTimely = now - began < Self.failoverLimit * (slotsMove(inShardOf: master) ? 2 : 1)
        if isTimely, !replicas.isEmpty { wake(after: .milliseconds(2)) }
        let heard = replicas.compactMap { member in
            freshReply(from: member, since: death).map { Candidate(member: member, report: $0) }
        }
        let following = heard.filter {
            $0.report.replication.role == .replica && $0.report.view.myself?.masterID == master.id
        }
        let hasDrained = keepsSockets && now - death >= Self.failoverLimit
        let ended = following.filter { hasDrained || !$0.report.replication.linkUp }
        if ended.count < replicas.count, now - death < Self.drainLimit {
            wait(.drain(ofReplicasOf: master.name))
            return .waits
        }
        if isTimely, mayElect(ended, master, death: death, topology) { return .waits }
        let isForced = isFailoverForced(of: master, topology)
        if let winner = candidates(for: master, death: death, among: ended, isForced: isForced, survey).first {
            if asked == nil, let preference = preference(master, since: began, over: winner, survey) {
                return preference
            }
            if isTimely, mayClaimMovedSlots(ended, of: master, death: death) {
                wait(.slotsLearned(byReplicasOf: master.name))
                return .waits
            }
            if isTimely { return promote(winner, over: master, topology, survey) }
        } else if ended.count < replicas.count, isTimely {
            wait(.candidate(for: master.name))
            return .waits
        }
        if let draining = following.first(where: { isDraining($0, death: death) }) {
            wait(.drainOfReplica(draining.member.name, from: master.name))
            wake(after: .milliseconds(2))
            return .waits
        }
        return byFreshness(master, death: death, ended, topology, survey)
    }

    /// Whether a replica reports its link as up although its master is dead: it has not yet read what the kernel holds for it, including
    /// the end of the stream. A replica that was stopped meanwhile may answer before it reads.
    private func isDraining(_ replica: Candidate, death: Moment) -> Bool {
        replica.report.replication.linkUp
            && now - max(death, vitals(replica.member.name)?.backSince ?? death) < Self.failoverLimit
    }

    /// Where the master's stream was when it was last seen, and when that was.
    func lastStream(of master: Member) -> (position: Freshness.Position, at: WallTime)? {
        if let exit = exited(master.name), let last = exit.lastReport, last.replication.role == .master {
            let age = seen.lastHeard[master.name].map { exit.at - $0 } ?? .zero
            return (
                .init(replicationID: last.replication.replicationID, offset: last.replication.offset),
                exit.wall + (.zero - age)
            )
        }
        return master.lastSeen.flatMap { $0.role == .master ? ($0.position, $0.at) : nil }
    }

    /// Invariant: complete-candidate. Why the dead master restarts from its files instead of being replaced by this replica; nil: the
    /// replica takes over.
    private mutating func preference(
        _ master: Member, since began: Moment, over winner: Candidate, _ survey: Observation.Survey
    ) -> FailoverDecision? {
        let stream = lastStream(of: master)
        let lag = stream.map { max(0, $0.position.offset - winner.offset) }
        let limit = spec.supervision.failoverMaxLag
        let isFarBehind = limit.map { limit in lag.map { $0 > limit } ?? true } ?? false
        let movesSlots = restartsWhileSlotsMove(master, since: began)
        guard spec.supervision.failover == .durable || isFarBehind || keepsRole(master) || movesSlots else {
            return nil
        }
        guard isSurveyed(master) else { return .waits }
        if keepsRole(master) || movesSlots {
            // Invariant no-older-master outranks the operator's settings: a master that would drop what its replica has does not start.
            let mine = freshness(of: master, survey)
            let comparison = freshness(of: winner.member, survey).compared(with: mine)
            guard case .fresher(let why) = comparison else {
                if movesSlots, !keepsRole(master) {
                    give(Verdict(master: master.name, candidate: nil, why: .slotsMove))
                }
                guard case .undecided(let doubt) = comparison else { return .inPlace }
                return inPlace(master, [(winner.member, doubt.words)], mine, survey)
            }
            if isPaused { return held(master, by: winner.member, .newerData(why)) }
            passOver(master, for: winner.member, .newerData(why))
            return nil
        }
        guard canStartInPlace(master) else { return nil }
        if spec.supervision.failover == .durable, losesNothing(master, survey) {
            give(
                Verdict(
                    master: master.name, candidate: nil,
                    why: .holdsEveryWrite,
                    lagBytes: lag))
            return .inPlace
        }
        guard isFarBehind, let limit, isIntact(master, survey) else { return nil }
        give(
            Verdict(
                master: master.name, candidate: nil,
                why: .farBehind(winner.member.name, lag: lag, limit: limit), lagBytes: lag))
        emit(
            Finding(
                .failoverHeld, .warning, node: winner.member.name, shard: master.name,
                "\(winner.member.name) does not take over from \(master.name): it is "
                    + (lag.map { "\($0) bytes behind" } ?? "behind by an unknown amount")
                    + ", and supervision.failover-max-lag is \(limit); clusterd restarts \(master.name) in place"))
        return .inPlace
    }

    /// While clusterd is paused, it promotes no replica, and starts no master over newer data either.
    private mutating func held(_ master: Member, by candidate: Member, _ why: VerdictReason) -> FailoverDecision {
        emit(
            Finding(
                .masterOlder, .error, node: master.name, shard: master.name,
                "clusterd does not start \(master.name): \(candidate.name) has newer data (\(why.words)), and clusterd is paused",
                hint: "clusterd resume"))
        return .waits
    }

    private mutating func passOver(_ master: Member, for candidate: Member, _ why: VerdictReason) {
        emit(
            Finding(
                .masterOlder, .warning, node: master.name, shard: master.name,
                "\(candidate.name) takes over from \(master.name), which has older data: \(why.words)"))
        give(Verdict(master: master.name, candidate: candidate.name, why: why))
    }

    /// What the files and the nodes of the shard say when no replica qualifies directly.
    private mutating func byFreshness(
        _ master: Member, death: Moment, _ ended: [Candidate], _ topology: Topology, _ survey: Observation.Survey
    ) -> FailoverDecision {
        guard isSurveyed(master) else { return .waits }
        let mine = freshness(of: master, survey)
        var candidate: (member: Member, freshness: Freshness, why: VerdictReason)?
        var doubts: [(Member, String)] = []
        for member in members
        where member.id != master.id && !member.joining && topology.master(of: member.id) == master.id {
            let theirs = freshness(of: member, survey)
            switch theirs.compared(with: candidate?.freshness ?? mine) {
            case .fresher(let why) where canServe(member): candidate = (member, theirs, VerdictReason.newerData(why))
            case .fresher(let why): doubts.append((member, why.words + ", and it cannot be started"))
            case .undecided(let why): doubts.append((member, why.words))
            case .notFresher: break
            }
        }
        guard let candidate = candidate ?? standIn(for: master, doubts.map(\.0), survey) else {
            if mine.durability < .wholeAppendOnly, let silent = silentHolder(of: master, since: death, topology) {
                return hold(master, for: silent)
            }
            return inPlace(master, doubts, mine, survey)
        }
        if isPaused { return held(master, by: candidate.member, candidate.why) }
        let contender = ended.first { $0.member.id == candidate.member.id }
        if let contender,
            case .none(let shortage) = nodesConfHeadroom(toReplace: master, by: candidate.member, topology)
        {
            return hold(master, for: contender, shortage, survey)
        }
        passOver(master, for: candidate.member, candidate.why)
        guard let contender, !contender.report.loading, !contender.report.replication.syncInProgress else {
            wait(.newerData(of: candidate.member.name, than: master.name))
            wake(after: Self.pollInTransition)
            return .waits
        }
        guard keepsOthers(than: candidate.member, of: master, topology, survey) else { return .waits }
        return promote(contender, over: master, topology, survey)
    }

    /// A replica whose process is alive, may have data in its memory, and has not answered since its master's death.
    private func silentHolder(of master: Member, since death: Moment, _ topology: Topology) -> Member? {
        liveReplicas(of: master, topology).first {
            $0.wanted == .running && freshReply(from: $0, since: death) == nil && mayHoldUnseen($0)
        }
    }

    /// The master's files are known to lack writes that this replica may have in its memory. Once it answers, clusterd compares it; once
    /// its process has ended, there is nothing left to wait for.
    private mutating func hold(_ master: Member, for silent: Member) -> FailoverDecision {
        wait(.answer(from: silent.name, withWritesOf: master.name))
        wake(after: Self.pollInTransition)
        emit(
            Finding(
                .masterWaits, .error, node: silent.name, shard: master.name,
                "clusterd does not start \(master.name): \(silent.name) runs but does not answer, and may hold writes that the files of "
                    + "\(master.name) lack",
                hint: "to start \(master.name) without the data of \(silent.name): clusterd stop-node \(silent.name)"))
        return .waits
    }

    /// It is unknown which data are newer, but the master's cannot be loaded: after a power loss each file may lack a part. A node that was
    /// in sync when the master was last seen takes over; the master's data are kept before it follows.
    private func standIn(
        for master: Member, _ others: [Member], _ survey: Observation.Survey
    ) -> (member: Member, freshness: Freshness, why: VerdictReason)? {
        guard exited(master.name)?.reason.dataUnreadable == true, let lastSeen = master.lastSeen?.at else { return nil }
        var best: (member: Member, freshness: Freshness)?
        for member in others where canServe(member) {
            guard let synced = member.lastSeen?.syncedAt, synced + Freshness.granularity >= lastSeen else { continue }
            let theirs = freshness(of: member, survey)
            switch best.map({ theirs.compared(with: $0.freshness) }) {
            case nil, .fresher: best = (member, theirs)
            case .notFresher, .undecided: break
            }
        }
        return best.map { ($0.member, $0.freshness, VerdictReason.dataUnreadable(of: master.name)) }
    }

    /// The node runs, or can be started.
    private func canServe(_ member: Member) -> Bool {
        if running(member.name) != nil { return true }
        guard member.wanted == .running else { return false }
        guard let exit = exited(member.name) else { return true }
        if RestartPolicy.staysDown(exit, spec.supervision.restart) != nil { return false }
        // A node that failed to come up twice in a row does not qualify.
        return !exit.reason.isHopeless && (exit.failures < 2 || exit.lastReport.map { !$0.loading } ?? false)
    }

    /// Whether starting this master can be expected to bring its slots back.
    func canStartInPlace(_ master: Member) -> Bool {
        guard master.wanted == .running else { return false }
        if case .busy(let busy) = seen.ports[master.ports], spec.onPortConflict == .fail,
            now - busy.since >= spec.portWait
        {
            return false
        }
        guard let exit = exited(master.name) else { return true }
        if RestartPolicy.staysDown(exit, spec.supervision.restart) != nil { return false }
        if exit.reason.kind == .diskFull, disk(of: master.directory).map(spec.isLow) == true { return false }
        // The process that was started in place ended before it answered.
        let cameUp = exit.lastReport.map { !$0.loading } ?? false
        return cameUp || (seen.starts[master.name] ?? 0) == 0
    }

    /// The folders after the last end in this shard: a node that was promoted and then died has the promotion in its nodes.conf.
    mutating func isSurveyed(_ master: Member) -> Bool {
        let ends = members.filter { $0.shard == master.shard }.compactMap { exited($0.name)?.at }
        guard let last = ends.max(), let survey = seen.survey, survey.askedAt < last else { return true }
        needSurvey(since: last)
        wait(.shardFolders(of: master.name))
        return false
    }

    func liveReplicas(of master: Member, _ topology: Topology) -> [Member] {
        replicas(of: master, topology).filter { running($0.name) != nil }
    }

    /// Whether the engine's own election may be under way: the master is marked as failed, and a majority of the masters can vote. An
    /// election is quick or does not happen.
    private mutating func mayElect(
        _ ended: [Candidate], _ master: Member, death: Moment, _ topology: Topology
    ) -> Bool {
        let isDeclaredDead = ended.contains { $0.report.view.entry(master.id)?.flags.contains(.fail) == true }
        guard isDeclaredDead, now - death < Self.electionLimit else { return false }
        let owners = members.filter { topology.owns($0.id) }
        let voters = owners.count { running($0.name) != nil && freshReply(from: $0) != nil }
        guard voters * 2 > owners.count else { return false }
        wait(.election(ofReplicaOf: master.name))
        return true
    }
}
