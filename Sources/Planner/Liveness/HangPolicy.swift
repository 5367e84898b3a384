import ClusterModel

/// Hung is not dead, and busy is not hung. Any answer proves that a node is alive. For a node without answers, /proc shows what it does.
/// clusterd first continues a stopped node (`StoppedPolicy`). It kills only a node that is stopped again, or that has neither used CPU nor
/// read anything for very long, and only if its shard can do without it. docs/supervision.md has the evidence and its limits (invariant:
/// no-unrequested-stop).
extension Turn {
    /// If this many nodes do not answer at the same time, the host has a problem.
    static let hostTrouble = 2
    /// The minimum time between two kills in one shard.
    static let killPause = Duration.seconds(600)
    /// Facts older than this are read once more before clusterd acts on them.
    static let freshness = Duration.milliseconds(250)
    /// SIGKILL takes effect immediately, unless the process hangs in the kernel.
    static let reapLimit = Duration.seconds(1)

    /// A node that is asleep, or waits in the kernel, may be in a command that blocks for minutes (MIGRATE), or wait for a disk that comes
    /// back.
    static func blockedLimit(_ hangTimeout: Duration) -> Duration { max(hangTimeout * 60, .seconds(120)) }

    mutating func endHung(_ topology: Topology) {
        withdrawKills()
        for member in members {
            guard let cause = hangCause(member), !isBusy(member.name), let vitals = vitals(member.name),
                let look = vitals.look, let lookedAt = vitals.lookedAt, now - lookedAt <= Self.freshness
            else { continue }
            if vitals.doing == .stopped {
                switch remedy(ofStopped: member, topology) {
                case .continues: continueStopped(member, look)
                case .kills: return end(member, look, cause)
                case .waits: continue
                }
            } else if !isEnding(member), reprieve(member, topology) == nil {
                return end(member, look, cause)
            }
        }
    }

    /// Withdraws kills of nodes that have recovered before the signal.
    private mutating func withdrawKills() {
        let kills = decision.record?.kills ?? []
        let standing = kills.filter { kill in
            guard running(kill.node)?.identity == kill.process, let vitals = vitals(kill.node) else { return true }
            let order = Effect.killHung(kill.node, kill.process, .init(state: .stopped, cpuTicks: 0))
            return seen.effects[order.key]?.failure == nil && (vitals.look == nil || vitals.silentSince != nil)
        }
        if standing != kills { set(\.kills, standing) }
    }

    func vitals(_ node: NodeName) -> Vitals? { nodeFacts(node)?.vitals }

    /// Nodes that do not answer, except those that only do not listen yet.
    var silent: [Member] {
        members.filter { member in
            vitals(member.name).map { $0.silentSince != nil && !$0.isRefusing } ?? false
        }
    }

    /// Why this node counts as permanently hung, in words; nil: it does not.
    func hangCause(_ member: Member) -> String? {
        guard let vitals = vitals(member.name), let lookedAt = vitals.lookedAt else { return nil }
        let limit = spec.supervision.hangTimeout
        if let time = stoppedTime(member), time >= limit {
            let again = lastContinued(member) == nil ? "" : " again after clusterd had continued it,"
            return "it was stopped (state T)\(again) for \(time.inWords) and did not answer"
        }
        if vitals.doing == .blocked, !isPausedByClients(member), let since = vitals.stillSince,
            lookedAt - since >= Self.blockedLimit(limit)
        {
            return "it did not answer for \((lookedAt - since).inWords), and neither used CPU nor read anything"
        }
        return nil
    }

    /// Whether CLIENT PAUSE blocks its clients: the process is idle, and other nodes had answers from it on the bus while it gave clients
    /// none. The engine serves the bus and its clients in the same thread: one that waits for a disk or uses CPU answers neither.
    func isPausedByClients(_ member: Member) -> Bool {
        guard let vitals = vitals(member.name), let since = vitals.silentSince, vitals.look?.state == .asleep,
            !vitals.waitsForDisk(within: spec.supervision.hangTimeout)
        else { return false }
        // Messages already on their way when it went silent prove nothing.
        var silence = seen.wall + (.zero - (now - since)) + .seconds(1)
        // An engine that reads its nodes.conf counts every node as heard in that moment (`clusterLoadConfig`, src/cluster.c), and gossip
        // passes that to the others.
        for process in members.compactMap({ running($0.name) }) {
            silence = max(silence, process.startedAt + Self.startsToRead)
        }
        return members.contains { other in
            guard other.id != member.id, let entry = answers(other)?.view.entry(member.id) else { return false }
            return entry.linkConnected && entry.pongReceived > silence.milliseconds
        }
    }

    /// After this time, a started process has read its nodes.conf.
    static let startsToRead = Duration.seconds(5)

    /// Why clusterd does not kill a hung node, in words; nil: there is no reason.
    func reprieve(_ member: Member, _ topology: Topology) -> String? {
        if isPaused { return "clusterd is paused" }
        if let other = killed(besides: member) { return "\(other) was killed and has not ended yet" }
        if vitals(member.name)?.doing != .stopped, silent.count >= Self.hostTrouble {
            return "\(silent.count) nodes do not answer at the same time, which is a problem of the host"
        }
        if let other = members.first(where: { hasJustComeBack($0) && $0.name != member.name }) {
            return "\(other.name) has only just started to answer again, and this node may do so too"
        }
        if let recent = recentKill(in: member) {
            return
                "clusterd killed \(recent.node) of its shard \((now - recent.at).inWords) ago, and kills at most one node of a shard in "
                + Self.killPause.inWords
        }
        return lack(member, topology)
    }

    private func hasJustComeBack(_ member: Member) -> Bool {
        guard let since = vitals(member.name)?.backSince else { return false }
        return now - since < spec.supervision.hangTimeout
    }

    /// What its shard lacks to continue without it.
    private func lack(_ member: Member, _ topology: Topology) -> String? {
        guard topology.owns(member.id) else {
            guard let id = topology.master(of: member.id), let master = find(id: id),
                answers(master)?.replication.role == .master
            else { return "its master does not answer" }
            return nil
        }
        if spec.supervision.failover == .off { return "it is a master, and supervision.failover is off" }
        let canReplace = members.contains { replica in
            guard replica.id != member.id, let report = answers(replica) else { return false }
            return lackNow(replica, report, member) == nil
        }
        return canReplace ? nil : "no replica that could take over answers"
    }

    /// The last report of a node that has answered its last query.
    private func answers(_ member: Member) -> NodeReport? {
        guard vitals(member.name)?.silentSince == nil else { return nil }
        return lastHeard(member)
    }

    func killed(besides member: Member) -> NodeName? {
        decision.record?.kills.first { kill in
            kill.node != member.name && running(kill.node)?.identity == kill.process
        }?.node
    }

    private func recentKill(in member: Member) -> Record.Kill? {
        decision.record?.kills.first { kill in
            kill.shard == member.shard && kill.process != running(member.name)?.identity
                && kill.process.bootID == seen.bootID && now - kill.at < Self.killPause
        }
    }

    /// Record before world: any daemon that sees it end knows why.
    private mutating func end(_ member: Member, _ look: ProcessActivity, _ cause: String) {
        guard let process = running(member.name)?.identity else { return }
        if let kills = decision.record?.kills, !kills.contains(where: { $0.process == process }) {
            let kill = Record.Kill(
                node: member.name, process: process, shard: member.shard, at: now, cause: cause)
            set(\.kills, kills.filter { $0.shard != member.shard } + [kill])
        }
        ensure(.killHung(member.name, process, look), retryAfter: .seconds(1))
    }

    // MARK: what operators are told

    mutating func reportHangs(_ topology: Topology) {
        for member in members where running(member.name) != nil {
            reportWords(member)
            reportHeldWrites(member, topology)
            reportContinued(member)
            reportSilence(member, topology)
            reportUnkillable(member, topology)
        }
        guard silent.count >= Self.hostTrouble,
            silent.count(where: { now - (vitals($0.name)?.silentSince ?? now) >= spec.supervision.hangTimeout })
                >= Self.hostTrouble
        else { return }
        emit(
            Finding(
                .hostTrouble, .warning,
                "\(Self.list(silent.map(\.name.text))) do not answer at the same time: that is a problem of the host, and clusterd "
                    + "kills none of them except one that is stopped (state T)",
                hint: "check the load, the memory and the disks of this host"
            ))
    }

    /// An answer that proves life but is not a report.
    private mutating func reportWords(_ member: Member) {
        guard let reply = lastReply(member), case .answered(let words) = reply.outcome, !reply.isLoading else { return }
        switch EngineErrorReply(words) {
        case .busy(let what):
            emit(
                Finding(
                    .nodeBusy, .warning, node: member.name, "\(member.name) is up but busy: \(words)",
                    hint: Self.killHint(what, member.ports.client)))
        case .noConnectionLeft:
            emit(
                Finding(
                    .nodeRefuses, .error, node: member.name, about: .connectionLimit,
                    "\(member.name) is up but accepts no more clients (maxclients), not even clusterd: \(words)",
                    hint: "close client connections; to list them: ss -tnp sport = :\(member.ports.client)"))
        default:
            emit(
                Finding(
                    .nodeRefuses, .error, node: member.name,
                    "\(member.name) is up but rejects clusterd's health check: \(words)",
                    hint: "set redis.requirepass, or engine.auth-user and engine.auth-pass, to what the nodes accept"))
        }
    }

    private mutating func reportHeldWrites(_ member: Member, _ topology: Topology) {
        guard topology.owns(member.id), lastHeard(member)?.holdsWrites == true else { return }
        emit(
            Finding(
                .clientsPaused, .error, node: member.name,
                "\(member.name) holds clients' writes: CLIENT PAUSE blocks them until it expires",
                hint: "clusterd call --node \(member.name) CLIENT UNPAUSE"))
    }

    /// A script that has written cannot be killed: the engine answers UNKILLABLE.
    private static func killHint(_ what: EngineErrorReply.BusyWith, _ port: Int) -> String {
        let kill = what == .function ? "FUNCTION KILL" : "SCRIPT KILL"
        return
            "redis-cli -p \(port) \(kill); if the reply is UNKILLABLE, it has written: wait for it, or lose its writes and all "
            + "unsaved data: redis-cli -p \(port) SHUTDOWN NOSAVE"
    }

    private mutating func reportSilence(_ member: Member, _ topology: Topology) {
        guard let process = running(member.name), let vitals = vitals(member.name), let since = vitals.silentSince,
            let doing = vitals.doing
        else { return }
        guard now - since >= spec.supervision.hangTimeout else {
            return wake(at: since + spec.supervision.hangTimeout)
        }
        let who = "\(member.name) (\(process.identity)) does not answer"
        let severity: Finding.Severity = topology.owns(member.id) ? .error : .warning
        switch doing {
        case .busy, .swapping, .blocked:
            if isEnding(member) {
                return emit(
                    Finding(
                        .nodeBusy, .info, node: member.name,
                        "\(who): clusterd is stopping it, and it saves its keys first"))
            }
            if isPausedByClients(member) {
                return emit(
                    Finding(
                        .clientsPaused, severity, node: member.name, about: .silence,
                        "\(who), but answers the other nodes: CLIENT PAUSE blocks its clients; it answers when the pause "
                            + "expires"))
            }
        case .stopped, .traced, .dying: break
        }
        switch doing {
        case .busy:
            emit(
                Finding(
                    .nodeBusy, .warning, node: member.name, about: .doing(doing),
                    "\(who): it is busy (using CPU) with a long command or a script; clusterd does not kill it",
                    hint: "when it answers again: redis-cli -p \(member.ports.client) SLOWLOG GET"))
        case .swapping:
            emit(
                Finding(
                    .nodeBusy, .warning, node: member.name, about: .doing(doing),
                    "\(who): it waits for its memory, which the host has swapped out; clusterd does not kill it",
                    hint: "give the host more memory, or the nodes a smaller redis.maxmemory"))
        case .stopped:
            reportStoppedProcess(member, severity, "\(who): it is stopped (state T)", topology)
        case .traced(let tracer):
            let who = "\(who): a debugger holds it\(tracer.map { " (pid \($0))" } ?? "")"
            emit(
                Finding(
                    .nodeHung, severity, node: member.name, about: .doing(doing), "\(who); clusterd does not kill it",
                    hint: "detach the debugger"))
        case .blocked where !vitals.isRefusing && vitals.waitsForDisk(within: spec.supervision.hangTimeout):
            hang(
                member, severity, "\(who): it waits for a disk (state D), and neither uses CPU nor reads", topology,
                "findmnt -T \(ShellWord.quoted(member.directory)); sudo cat /proc/\(process.identity.pid)/stack")
        case .blocked where !vitals.isRefusing:
            hang(
                member, severity, "\(who): it waits for something, and neither uses CPU nor reads", topology,
                "sudo cat /proc/\(process.identity.pid)/stack")
        case .blocked, .dying: break
        }
    }

    private mutating func hang(
        _ member: Member, _ severity: Finding.Severity, _ what: String, _ topology: Topology, _ hint: String
    ) {
        let limit = Self.blockedLimit(spec.supervision.hangTimeout)
        let fate =
            reprieve(member, topology).map { "clusterd does not kill it: \($0)" }
            ?? "clusterd kills and replaces it if this lasts for \(limit.inWords)"
        emit(
            Finding(
                .nodeHung, severity, node: member.name, about: .doing(.blocked), "\(what); \(fate)", hint: hint))
    }

    private mutating func reportStoppedProcess(
        _ member: Member, _ severity: Finding.Severity, _ what: String, _ topology: Topology
    ) {
        guard let process = running(member.name)?.identity else { return }
        let fate =
            switch remedy(ofStopped: member, topology) {
            case .continues: "clusterd continues it (SIGCONT)"
            case .kills where mayHaveBeenReplaced(member, topology):
                "another node owns its slots, so clusterd kills it instead of continuing it"
            case .kills: "clusterd kills and replaces it if this lasts for \(spec.supervision.hangTimeout.inWords)"
            case .waits(let why): "clusterd neither continues nor kills it: \(why)"
            }
        let hint = mayHaveBeenReplaced(member, topology) ? nil : "kill -CONT \(process.pid)"
        emit(
            Finding(
                .nodeHung, severity, node: member.name, about: .doing(.stopped), "\(what); \(fate)", hint: hint))
    }

    private mutating func reportUnkillable(_ member: Member, _ topology: Topology) {
        guard let process = running(member.name), let dying = vitals(member.name)?.dyingSince else { return }
        guard now - dying >= Self.reapLimit else { return wake(at: dying + Self.reapLimit) }
        let verdict = decision.verdicts.first { $0.master == member.name && $0.candidate == nil }
        let possible = topology.owns(member.id) ? replicas(of: member, topology).first?.name : nil
        let kept = verdict.flatMap { verdict in possible.map { (name: $0, why: verdict.why) } }
        emit(
            Finding(
                .nodeUnkillable, .error, node: member.name,
                "\(member.name) (\(process.identity)) received SIGKILL and does not end: it hangs in the kernel, or its cgroup "
                    + "is frozen; it no longer executes anything, but its port and folder are not free"
                    + (kept.map { "; \($0.name) does not take over from it: \($0.why.words)" } ?? ""),
                hint: kept.map { "clusterd failover \($0.name) --force" }
                    ?? "sudo cat /proc/\(process.identity.pid)/stack"))
    }
}
