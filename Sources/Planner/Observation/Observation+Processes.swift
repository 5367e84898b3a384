import ClusterModel

/// Starts, exits and answers of processes, as observations.
extension Observation {
    mutating func noteStart(
        of node: NodeName, _ identity: ProcessIdentity, _ startedAt: WallTime, adopted: Bool, given record: Record?,
        using random: inout SplitMix64, at now: Moment
    ) {
        vitals[node] = Vitals(of: identity)
        processes[node] = .running(.init(identity: identity, since: now, startedAt: startedAt, adopted: adopted))
        replies[node] = nil
        // Its data are now those of its files.
        lastInSync[node] = nil
        changed[node] = now
        // Effects on its earlier processes and files no longer count.
        for (key, history) in effects where history.node == node && !history.isUnderWay {
            effects[key] = nil
        }
        if let early = earlyExits.removeValue(forKey: identity) {
            noteExit(of: node, identity, early, given: record, using: &random, at: now, wall: startedAt)
        }
    }

    // MARK: exits

    mutating func noteExit(
        of node: NodeName, _ identity: ProcessIdentity, _ reason: ExitReason, given record: Record?,
        using random: inout SplitMix64, at now: Moment, wall: WallTime
    ) {
        guard case .running(let process) = processes[node], process.identity == identity else {
            // It exited before the event of its start arrived.
            earlyExits[identity] = reason
            return
        }
        let reason = record?.kills.first { $0.process == identity }.map { reason.killed(by: $0) } ?? reason
        var ran = now - process.since
        if process.adopted { ran = max(ran, .milliseconds(wall.milliseconds - process.startedAt.milliseconds)) }
        let count = ran >= RestartPolicy.stableTime ? 0 : failures[node] ?? 0
        let wasAsked = wasAsked(node, identity, reason)
        failures[node] = wasAsked ? count : count + 1
        let last = lastReports[node].flatMap { $0.processID == identity.pid ? $0 : nil }
        var exit = NodeProcess.Exited(
            identity: identity, at: now, wall: wall, reason: reason, failures: failures[node] ?? 0,
            jitter: random.next(), lastReport: last)
        exit.ran = ran
        exit.wasAsked = wasAsked
        exit.memoryKillsBefore = host.memoryKills
        if let before = lastExits[node], before.reason.kind == reason.kind { exit.repeats = before.repeats + 1 }
        note(exit, of: node, given: record)
    }

    /// The process of this node has ended.
    package mutating func note(_ exit: NodeProcess.Exited, of node: NodeName, given record: Record?) {
        processes[node] = .exited(exit)
        lastExits[node] = exit
        asking[node] = nil
        replies[node] = nil
        vitals[node] = nil
        changed[node] = exit.at
        forgetTakenPort(of: node, exit.reason, record)
    }

    /// Completes an exit that was reported before its log could be read, because the disk was slow.
    mutating func noteExplanation(
        of node: NodeName, _ identity: ProcessIdentity, _ reason: ExitReason, given record: Record?
    ) {
        guard earlyExits[identity] == nil else {
            earlyExits[identity] = reason
            return
        }
        guard var exit = lastExits[node], exit.identity == identity else { return }
        exit.reason = record?.kills.first { $0.process == identity }.map { reason.killed(by: $0) } ?? reason
        lastExits[node] = exit
        if case .exited(let last) = processes[node], last.identity == identity {
            processes[node] = .exited(exit)
        }
        forgetTakenPort(of: node, reason, record)
    }

    /// Another process holds the port: it must be reserved again.
    private mutating func forgetTakenPort(of node: NodeName, _ reason: ExitReason, _ record: Record?) {
        if case .portTaken = reason.kind, let pair = record?.member(node)?.ports { ports[pair] = nil }
    }

    // MARK: answers

    mutating func noteAnswer(of node: NodeName, _ contact: Effect.Contact, _ outcome: Outcome, at now: Moment) {
        guard let askedAt = asking.removeValue(forKey: node) else { return }
        guard case .running(let process) = processes[node], process.identity == contact.process else { return }
        let answer: NodeReply.Outcome
        var activity: ProcessActivity?
        switch outcome {
        case .answered(let words): answer = words
        case .heard(let words, let look): (answer, activity) = (words, look)
        case .failed(let why): answer = .answered(why)
        default: return
        }
        if case .report(let report) = answer { compare(report, node, process.identity, now) }
        note(
            NodeReply(askedAt: askedAt, answeredAt: now, of: process.identity, outcome: answer), of: node, activity)
    }

    /// A node answered a query, or did not; `activity` is what its process was seen to do after it.
    package mutating func note(_ reply: NodeReply, of node: NodeName, _ activity: ProcessActivity?) {
        if case .report(let report) = reply.outcome {
            lastReports[node] = report
            note(report, of: node, askedAt: reply.askedAt)
            if !report.loading, case .running(var process) = processes[node], process.loaded == nil {
                process.loaded = reply.answeredAt
                processes[node] = .running(process)
            }
        }
        replies[node] = reply
        vitals[node, default: Vitals(of: reply.of)].note(reply, activity, listening: listening)
    }

    /// What one more report of a node adds to its history.
    package mutating func note(_ report: NodeReport, of node: NodeName, askedAt: Moment) {
        lastHeard[node] = askedAt
        lastInSync[node] = InSync.after(report, askedAt: askedAt, knowing: lastInSync[node])
        fullSyncs[node] = FullSyncs.after(report, askedAt: askedAt, knowing: fullSyncs[node])
        if report.replication.role == .master, !report.loading { lastServed[node] = askedAt }
    }

    /// Invariant: fresh-facts. After a role or an epoch changed, earlier answers of any node no longer count as evidence about
    /// roles.
    private mutating func compare(
        _ report: NodeReport, _ node: NodeName, _ identity: ProcessIdentity, _ now: Moment
    ) {
        guard let before = replies[node], before.of == identity, case .report(let old) = before.outcome else {
            return
        }
        if old.currentEpoch != report.currentEpoch || old.replication.role != report.replication.role
            || !report.view.hasRoles(of: old.view)
        {
            rolesChanged = now
        }
    }
}

extension NodesView {
    /// Whether both have the same nodes in the same roles and epochs, whatever else they say of them.
    fileprivate func hasRoles(of old: NodesView) -> Bool {
        entries.count == old.entries.count
            && zip(entries, old.entries).allSatisfy { mine, theirs in
                if mine.isCopy(of: theirs) { return true }
                let roles: NodeEntry.Flags = [.master, .replica]
                return mine.id == theirs.id && mine.masterID == theirs.masterID
                    && mine.configEpoch == theirs.configEpoch
                    && mine.flags.intersection(roles) == theirs.flags.intersection(roles)
            }
    }
}
