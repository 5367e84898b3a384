import ClusterModel

/// Stops the whole cluster: replicas first, then masters, each by SHUTDOWN so that every key is saved. Nothing is killed before
/// `stop-timeout`, and then only if an append-only file holds everything; the operator may ask for more (invariant: clean-stop).
extension Turn {
    /// After this, a replica that does not answer no longer delays the masters: no node is left that could elect it.
    static let replicaLimit = Duration.seconds(10)
    /// How long clusterd waits for a node that saves silently, in stop-timeouts.
    static let savingPatience = 10

    mutating func stop(asked: Moment, kill: Bool, _ topology: Topology, _ survey: Observation.Survey) {
        for member in members where running(member.name) == nil && !isBusy(member.name) {
            // A process that was found running and is not adopted yet is stopped as well.
            if let user = processToAdopt(member, survey) {
                takeOver(member, user)
            }
        }
        for (index, member) in members.enumerated() where exited(member.name) != nil {
            // It was stopped with the cluster: it did not end on its own, and its next start is not a restart.
            set(\.process, nil, at: index)
        }
        let alive = members.filter { running($0.name) != nil }
        for member in alive { if let process = running(member.name) { noteRunning(member, process) } }
        if alive.isEmpty {
            if mayStillAppear { return wait(.startsUnderWay(nil)) }
            return endStopped(since: asked, survey)
        }
        let waited = now - asked
        if spec.isTemporary { return endAtOnce(alive, waited: waited, kill: kill) }
        for member in alive { continueToStop(member, topology) }
        let replicas = alive.filter { !topology.owns($0.id) }
        // The masters get time as well: no node is killed that was not asked to stop.
        let patience = min(Self.replicaLimit, spec.supervision.stopTimeout / 2)
        let first = replicas.isEmpty || waited >= patience ? alive : replicas
        for member in first { stop(member, waited: waited, kill: kill) }
        wait(.stop(of: alive.map(\.name)))
        wake(after: .milliseconds(50))
        if !kill, waited >= spec.supervision.stopTimeout { giveUp(alive, waited) }
    }

    /// No watched process runs any longer: the cluster has stopped once every node's end is proven.
    private mutating func endStopped(since asked: Moment, _ survey: Observation.Survey) {
        var unproven: [(member: Member, doubt: ProcessLife.Doubt)] = []
        for member in members {
            switch life(of: member, survey) {
            case .dead: break
            case .alive(let process): if refuseStop(member, process, survey) { return }
            case .unproven(let doubt): unproven.append((member, doubt))
            }
        }
        guard let first = unproven.first else { return finish(.done) }
        if survey.askedAt < asked { return needSurvey(since: asked) }
        for (member, doubt) in unproven {
            switch doubt {
            case .notLooked: return settle(doubt, of: member)
            case .unseen where seen.ports[member.ports] == nil: return settle(doubt, of: member)
            case .unseen, .hidden, .folderInUse: continue
            }
        }
        refuse(
            Failure(
                .notStopped,
                "\(Self.list(unproven.map(\.member.name.text))) may still run: \(first.doubt.sentence(first.member))",
                hint: first.doubt.command(first.member)))
    }

    /// Whether a process may still be adopted: one that is being started, or was just found.
    private var mayStillAppear: Bool {
        return decision.effects.contains { effect in
            switch effect {
            case .adopt: true
            case .identify(_, let contact): seen.identified[contact.process] == nil
            default: false
            }
        }
            || [.start, .adopt, .identify].contains { seen.isUnderWay($0) }
    }

    /// One node: SHUTDOWN; after the limit SIGKILL if that loses nothing.
    mutating func stop(_ member: Member, waited: Duration, kill: Bool) {
        guard let process = running(member.name), let contact = contact(member), !isOrdered(member.name) else { return }
        if kill {
            ensure(.signal(member.name, process.identity, .kill), retryAfter: .seconds(1))
            return
        }
        let keepsAll = keepsEverything(member)
        if waited >= spec.supervision.stopTimeout, keepsAll {
            ensure(.signal(member.name, process.identity, .kill), retryAfter: .seconds(1))
            return
        }
        // A SHUTDOWN reaches whatever listens on the port; a signal reaches this process.
        if let report = lastReport(member), report.processID != process.identity.pid {
            ensure(.signal(member.name, process.identity, .terminate), repeatAfter: .seconds(5))
            return
        }
        if cannotAppend(member) {
            wait(.appendOnlyFile(of: member.name))
            return
        }
        let first = Effect.shutdown(member.name, contact, keepsAll ? .asConfigured : .always)
        guard case .failed(let why, let attempts) = ensure(first, repeatAfter: .seconds(5)) else { return }
        wait(.shutdown(of: member.name, Shown(why)))
        guard keepsAll, attempts >= 2, !isOrdered(member.name) else { return }
        // The dump cannot be written, or the process does not answer; the append-only file holds everything.
        if case .failed = ensure(.shutdown(member.name, contact, .never)), !isOrdered(member.name) {
            ensure(.signal(member.name, process.identity, .terminate), repeatAfter: .seconds(5))
        }
    }

    /// Whether its append-only file holds every write, so that its end loses nothing, however it ends.
    func keepsEverything(_ member: Member) -> Bool {
        if let report = lastReport(member) { return report.persistence.appendOnly && report.persistence.lastAppendOK }
        return member.appendOnly == true
    }

    /// Its append-only file lacks acknowledged writes; the engine tries to append them every second. A dump would hold them, and the next
    /// start would nevertheless load the append-only file (invariant: clean-stop).
    func cannotAppend(_ member: Member) -> Bool {
        lastReport(member).map { $0.persistence.appendOnly && !$0.persistence.lastAppendOK } ?? false
    }

    /// The node's last report, even if it is old.
    func lastReport(_ member: Member) -> NodeReport? {
        nodeFacts(member.name)?.report
    }
}
