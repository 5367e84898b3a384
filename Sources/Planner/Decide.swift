import ClusterModel

/// Decides what to do now from what is wanted, recorded and observed. Pure: no clock, no randomness except `Observation.entropy`, no I/O.
/// It reads the present state and never what it did last, so a daemon that has just started, one that was killed halfway and one that has
/// run for a year take the same path (invariant: disposable-daemon).
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

    /// A formed cluster in any state.
    private mutating func run(_ survey: Observation.Survey) {
        seatMembers()
        noteEnds(survey)
        endPause()
        noteLastSeen()
        noteCleanStops()
        let topology = believedTopology(survey)
        noteSlots(topology)
        noteFirstSlots(topology)
        if case .stop(let asked, let kill) = seen.intent {
            ask(topology)
            assess(topology)
            assessment.phase = .stopping
            forgetWaits()
            // What the stopping nodes still have to write is worth more than any later promotion.
            _ = releaseReserves(of: members)
            return stop(asked: asked, kill: kill, topology, survey)
        }
        if gather(survey) {
            endHung(topology)
            let failovers = failOver(topology, survey)
            beBorn(topology)
            advanceOperations(topology)
            discardUnfinishedBackups()
            relieve(topology)
            tend(topology, failovers, survey)
        }
        introduce(topology)
        announceRoles()
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
        failBack(topology)
        keepReserves()
    }

    /// Invariant: adopt-first. Before clusterd starts or promotes anything, it adopts the processes that already run and gets their
    /// reports, which are newer than any file. True once that is done; a node that does not answer delays this for at most `hearingLimit`.
    private mutating func gather(_ survey: Observation.Survey) -> Bool {
        var isDone = true
        for member in members where seen.processes[member.name] == nil {
            guard let user = processToAdopt(member, survey) else { continue }
            switch ownership(member, user) {
            case .ours: if !adopt(member, user) { continue }
            case .asked: break
            // It may be a node of this cluster that is only beginning to listen.
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

    /// The nodes keep running; what is known about their processes goes to the record so that the next daemon finds them.
    private mutating func detach() {
        for member in members {
            if let process = running(member.name) { noteRunning(member, process) }
        }
        let starting = seen.effects.filter { $0.value.isUnderWay && $0.key.kind == .start }
        guard starting.isEmpty else { return wait(.startsUnderWay(starting.count)) }
        // No other program can give the masters their slots.
        if decision.record?.ghosts == true, let survey = seen.survey, let end = endOfBirthWait, now < end {
            let topology = believedTopology(survey)
            beBorn(topology)
            ask(topology)
            wake(at: end)
            return wait(.birth)
        }
        finish(.done)
    }

    static let makeWayLimit = Duration.seconds(1)

    /// Like `detach`, but nothing new begins, and effects under way get limited time to finish. The program that takes over re-examines
    /// whatever is not finished by then.
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

    /// Invariant: ready-is-true. Ready is announced once and then remembered: from then on clients know the ports.
    private mutating func noteReadiness() {
        if decision.assessment.ready { set(\.everReady, true) }
        let mayBeLate = decision.waits.contains(.birth) && endOfBirthWait.map { now >= $0 } == true
        let attempted = members.filter { $0.wanted == .running }.allSatisfy { member in
            seen.processes[member.name] != nil || mayBeLate || decision.waits.contains(.roomToStart(member.name))
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
