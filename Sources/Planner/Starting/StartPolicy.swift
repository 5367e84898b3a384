import ClusterModel

/// Runs the formed membership: adopts what runs and starts what does not, masters shortly before their replicas, each on its own port, each
/// with the nodes.conf of the existing cluster. clusterd starts no process next to another (invariant: one-engine).
extension Turn {
    /// - Parameter failovers: the outcome for each master that is proven dead.
    mutating func tend(
        _ topology: Topology, _ failovers: [NodeID: FailoverDecision], _ survey: Observation.Survey
    ) {
        tendEngineHold()
        if beginBirthOverData(topology, failovers, survey) { return }
        let order = members.sorted { a, b in
            (topology.owns(a.id) ? 0 : 1, a.name) < (topology.owns(b.id) ? 0 : 1, b.name)
        }
        var mastersToCome = Set<NodeID>()
        for member in order {
            if let process = running(member.name) {
                noteRunning(member, process)
                if topology.owns(member.id), !answersYet(member, process) { mastersToCome.insert(member.id) }
                continue
            }
            guard member.wanted == .running else { continue }
            if isBusy(member.name) {
                if topology.owns(member.id) { mastersToCome.insert(member.id) }
                continue
            }
            if let exit = exited(member.name), survey.askedAt < exit.at {
                // Files and users of the directory as they are after the end.
                needSurvey(since: exit.at)
                continue
            }
            if let user = processToAdopt(member, survey) ?? server(in: member.directory, survey) {
                takeOver(member, user)
                continue
            }
            if case .unproven(let doubt) = life(of: member, survey) {
                settle(doubt, of: member)
                continue
            }
            // It ended because of its nodes.conf; a second attempt would prove nothing more.
            if lacksManifest(member), exited(member.name)?.reason.kind == .badAppendOnlyFile,
                takesDataFrom(member, topology) == nil
            {
                keepDown(member, topology, failovers, survey)
                continue
            }
            guard mayStart(member, topology, failovers) else { continue }
            if mustWaitForBirth(member, topology, toCome: mastersToCome) { continue }
            let master = topology.master(of: member.id)
            if master == nil {
                reportUnknownSlots(of: member, topology)
                continue
            }
            if master == member.id, topology.owns(member.id), failovers[member.id] != .inPlace { continue }
            if lacksManifest(member), takesDataFrom(member, topology) == nil {
                keepDown(member, topology, failovers, survey)
                continue
            }
            if isUnreadable(member, survey) { continue }
            if lacksRoom(toStart: member, topology) {
                awaitRoom(toStart: member)
                continue
            }
            if master == member.id {
                if start(member, topology, survey) { mastersToCome.insert(member.id) }
                continue
            }
            if let master, mastersToCome.contains(master) {
                wake(after: Self.pollInTransition)
                continue
            }
            start(member, topology, survey)
        }
    }

    /// Whether it is about to run: false if that cannot be predicted.
    @discardableResult
    private mutating func start(_ member: Member, _ topology: Topology, _ survey: Observation.Survey) -> Bool {
        switch ownPort(member) {
        case .waiting: return true
        case .lost(let busy):
            // The process that holds the port may be an engine that began to work in this folder after the last survey (invariant:
            // one-engine).
            guard survey.askedAt >= busy.heldSince else {
                needSurvey(since: busy.heldSince)
                wait(.portHolder(busy.port, of: member.name))
                return true
            }
            return move(member, busy)
        case .held: return false
        case .ready: break
        }
        let incarnation = seen.starts[member.name] ?? 0
        guard prepare(member, topology, survey, incarnation: incarnation) else {
            return !decision.findings.contains { $0.node == member.name && $0.severity == .error }
        }
        let program = program(for: member)
        if member.startedFrom != program.server, let index = place(of: member.name) {
            set(\.startedFrom, program.server, at: index)
        }
        let effect = Effect.start(
            .init(
                node: member.name, directory: member.directory, incarnation: incarnation,
                memoryMax: spec.memoryMax(of: member.settingsName),
                program: program.server == spec.server ? nil : program))
        guard case .failed(let why, _) = ensure(effect, retryAfter: .seconds(1)) else { return true }
        emit(Finding(.cannotStart, .error, node: member.name, "clusterd cannot start \(member.name): \(why)"))
        wait(.start(of: member.name, Shown(why)))
        return false
    }

    /// The port is lost permanently: the node moves (true), or stays down, as configured. Its name stays.
    private mutating func move(_ member: Member, _ busy: Observation.Busy) -> Bool {
        guard spec.onPortConflict == .next else {
            emit(
                Finding(
                    .portTaken, .error, node: member.name, "\(member.name) stays down: \(busy.sentence)",
                    hint: "end that process; or set cluster.on-port-conflict: next to let the node move"))
            wait(.port(busy.port, of: member.name, Shown(busy.sentence)))
            let again = busy.askedAt + .seconds(1)
            if now >= again { repeatReserve([member.ports]) } else { wake(at: again) }
            return false
        }
        guard let pair = nextPair(for: member), let index = place(of: member.name) else {
            wait(.freePort(for: member.name))
            return true
        }
        set(\.ports, pair, at: index)
        set(\.portNote, "\(busy.sentence); took \(pair.client)", at: index)
        ensure(.release([member.ports]))
        wake(at: now)
        return true
    }

    /// Restart policy: the last end decides whether and when the node is restarted.
    private mutating func mayStart(
        _ member: Member, _ topology: Topology, _ failovers: [NodeID: FailoverDecision]
    ) -> Bool {
        if isStartAsked(member.name) || changesProgram(member) { return true }
        if let cause = restsWhilePaused(member) {
            emit(
                Finding(
                    .nodeDown, .error, node: member.name,
                    "\(member.name) \(ExitReason.past(cause)); clusterd is paused",
                    hint: "clusterd start-node \(member.name)"))
            return false
        }
        guard let exit = exited(member.name) else { return true }
        let isRepaired = isRepaired(member, exit, topology)
        if let stays = RestartPolicy.staysDown(exit, spec.supervision.restart, isRepaired: isRepaired) {
            if let comeback = comeback(of: member, topology, failovers) {
                emit(
                    Finding(
                        .nodeDown, .warning, node: member.name,
                        "\(member.name) \(ExitReason.past(exit.reason.cause)); \(comeback)",
                        details: exit.reason.logTail))
                return false
            }
            let repair = repair(of: member, exit, topology)
            emit(
                Finding(
                    .nodeDown, .error, node: member.name,
                    "\(member.name) \(ExitReason.past(exit.reason.cause)); \(stays)",
                    hint: repair == nil ? remedy(member, exit, topology) : StrayFolders.hint,
                    details: exit.reason.logTail,
                    repair: repair))
            return false
        }
        let retryAt = RestartPolicy.retryAt(exit, spec.supervision)
        guard now >= retryAt else {
            wait(
                .backoff(member.name, Shown(ExitReason.past(exit.reason.cause)), Shown(retryAt - now)))
            wake(at: retryAt)
            return false
        }
        return true
    }

    private func answersYet(_ member: Member, _ process: NodeProcess.Running) -> Bool {
        if now - process.since > .seconds(1) { return true }
        return lastReply(member)?.isLife == true
    }

    /// World before record: the process of a node is recorded after it runs.
    mutating func noteRunning(_ member: Member, _ process: NodeProcess.Running) {
        guard let index = place(of: member.name) else { return }
        if let before = decision.record?.members[index].process, before != process.identity {
            var ends = decision.record?.members[index].ends ?? NodeEnds()
            ends.restarts += 1
            set(\.ends, ends, at: index)
        }
        // Written only if it changed: a modified record must be copied, and compared with the one on disk.
        if decision.record?.members[index].process != process.identity {
            set(\.process, process.identity, at: index)
        }
        guard let report = freshReply(from: member) else { return }
        if decision.record?.members[index].joining == true { set(\.joining, false, at: index) }
        noteProgram(index, report)
        // Until the first rewrite is done, what was written before the file was enabled is in the dump only.
        let persistence = report.persistence
        if !report.loading, decision.record?.members[index].appendOnly != persistence.appendOnly,
            !(persistence.appendOnly && persistence.rewritesAppendOnly)
        {
            set(\.appendOnly, persistence.appendOnly, at: index)
        }
    }
}
