import ClusterModel

/// What is to be done now, out of what is wanted, what is remembered and what is seen. Pure: no clock, no randomness but
/// `Observation.entropy`, no I/O. It looks at what is, never at what it did last, so a daemon that has just started, one
/// that was killed half-way and one that has run for a year take the same path (invariant: disposable-daemon).
package func decide(
    _ spec: ClusterSpec, _ record: Record?, seeing seen: Observation, at now: Moment
) -> Decision {
    var turn = Turn(spec, record, seeing: seen, at: now)
    turn.decide()
    return turn.decision
}

extension Turn {
    mutating func decide() {
        if case .detach = seen.intent { return detach() }
        if case .makeWay(let asked) = seen.intent { return makeWay(asked) }
        guard let survey = seen.survey else {
            ensure(.survey(after: seen.began))
            return wait(.folders(in: spec.dataDirectory))
        }
        guard let record = decision.record else {
            if case .stop = seen.intent { return finish(.done) }
            assessment.phase = .forming
            reportRecordTrouble()
            if lacksSpace() { return }
            return establish(survey)
        }
        if record.stage == .planned {
            if case .stop = seen.intent { return finish(.done) }
            assessment.phase = .forming
            reportRecordTrouble()
            if lacksSpace() { return }
            return carryOut(record, survey)
        }
        run(survey)
    }

    /// A formed cluster, in whatever state it is.
    private mutating func run(_ survey: Observation.Survey) {
        noteEnds(survey)
        endPause()
        noteLastSeen()
        noteCleanStops()
        let topology = believedTopology(survey)
        noteSlots(topology)
        if case .stop(let asked, let kill) = seen.intent {
            ask(topology)
            assess(topology)
            assessment.phase = .stopping
            forgetWaits()
            // What they still have to write is worth more than any later promotion.
            _ = releaseReserves(of: members)
            return stop(asked: asked, kill: kill, topology, survey)
        }
        if gather(survey) {
            endHung(topology)
            let failovers = failOver(topology, survey)
            advanceOperations(topology)
            relieve(topology)
            tend(topology, failovers, survey)
        }
        introduce(topology)
        restoreSettings()
        lookForPorts()
        applyPasswords()
        keepLogins()
        applyConfiguration()
        saveAgain()
        endPausesOfReplicas()
        ask(topology)
        askRarely()
        keepLogsShort()
        measureUsage()
        limitMemory()
        discardOldCopies()
        assess(topology)
        emitFindings(topology)
        reportStrays(survey)
        reportHangs(topology)
        reportRefusedPromotions(topology)
        reportDoubts()
        check(topology)
        noteReadiness()
        keepReserves()
    }

    /// Invariant: adopt-first. Before anything is started or promoted, what runs already is taken over and heard: its
    /// word is newer than any file. True once that is done; a node that does not answer is not waited for longer than
    /// `hearingLimit`.
    private mutating func gather(_ survey: Observation.Survey) -> Bool {
        var isDone = true
        for member in members where seen.processes[member.name] == nil {
            guard let user = processToAdopt(member, survey) else { continue }
            switch ownership(member, user) {
            case .ours: if !adopt(member, user) { continue }
            case .asked: break
            // It may be ours, and be only just beginning to listen.
            case .notOurs: if timesAsked(member, user) > Self.identifyAttempts { continue }
            }
            isDone = false
        }
        for member in members {
            guard let process = running(member.name), process.adopted, now - process.since < Self.hearingLimit,
                seen.replies[member.name]?.of != process.identity
            else { continue }
            wake(at: process.since + Self.hearingLimit)
            isDone = false
        }
        if !isDone { wait(.firstReplies) }
        return isDone
    }

    static let hearingLimit = Duration.milliseconds(500)

    /// The nodes stay; what is known of their processes goes to the record, so that the next daemon finds them.
    private mutating func detach() {
        for member in members {
            if let process = running(member.name) { noteRunning(member, process) }
        }
        let starting = seen.effects.filter { $0.value.isUnderWay && $0.key.kind == .start }
        guard starting.isEmpty else { return wait(.startsUnderWay(starting.count)) }
        finish(.done)
    }

    static let makeWayLimit = Duration.seconds(1)

    /// As `detach`, and nothing new is begun; what is under way is waited for, for a while. What is not done by then is looked at
    /// anew by the program that goes on, like everything else.
    private mutating func makeWay(_ asked: Moment) {
        for member in members {
            if let process = running(member.name) { noteRunning(member, process) }
        }
        let limit = asked + Self.makeWayLimit
        let underWay = seen.effects.values.count { $0.isUnderWay }
        guard underWay == 0 || now >= limit else {
            wake(at: limit)
            return wait(.effectsUnderWay(underWay))
        }
        finish(.done)
    }

    /// Invariant: ready-is-true. Ready is said once, and then remembered: from then on people know the ports.
    private mutating func noteReadiness() {
        if decision.assessment.ready { set(\.everReady, true) }
        let attempted = members.filter { $0.wanted == .running }.allSatisfy { member in
            seen.processes[member.name] != nil || decision.waits.contains(.roomToStart(member.name))
                || decision.findings.contains {
                    $0.node == member.name && ($0.severity == .error || $0.code == .nodeDown)
                }
        }
        if decision.record?.everReady != true {
            assessment.phase = .forming
        } else {
            assessment.phase = decision.assessment.ready || attempted ? .ready : .starting
        }
    }
}
