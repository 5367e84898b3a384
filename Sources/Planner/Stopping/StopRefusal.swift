import ClusterModel

/// Nodes that a stop of the whole cluster cannot end, and why (invariant: clean-stop).
extension Turn {
    /// A process in state T executes nothing, including SHUTDOWN. clusterd continues it, unless another node may own its slots: then
    /// clusterd kills it, so that it acknowledges none of the writes in its sockets. A pause of clusterd does not delay this.
    mutating func continueToStop(_ member: Member, _ topology: Topology) {
        guard let vitals = vitals(member.name), vitals.doing == .stopped, let look = vitals.look,
            let lookedAt = vitals.lookedAt, let process = running(member.name)?.identity
        else { return }
        if let continued = lastContinued(member), continued >= lookedAt { return }
        switch remedyInStop(ofStopped: member, topology) {
        case .continues: continueStopped(member, look)
        case .kills: ensure(.signal(member.name, process, .kill), retryAfter: .seconds(1))
        case .waits(let why): wait(.continuation(of: member.name, Shown(why)))
        }
    }

    /// Like `remedy`, while the cluster stops: no node takes over from it afterwards.
    private func remedyInStop(ofStopped member: Member, _ topology: Topology) -> StoppedRemedy {
        if decision.record?.promotions.contains(where: { $0.replica == member.name }) == true {
            return .waits("clusterd does not know yet whether it has taken over from its master")
        }
        if mayHaveBeenReplaced(member, topology) { return .kills }
        return electionRisk(member, topology).map { .waits($0) } ?? .continues
    }

    /// A node whose process is alive and cannot be adopted is not stopped. False: that is not known yet, or it may still end.
    mutating func refuseStop(_ member: Member, _ process: ProcessIdentity, _ survey: Observation.Survey) -> Bool {
        let history = seen.effects[Effect.adopt(member.name, process).key]
        guard let history, let failure = history.failure, history.attempts >= Self.adoptionAttempts,
            history.ended.map({ survey.askedAt >= $0 }) ?? false
        else {
            wait(.adoption(of: member.name, pid: process.pid))
            wake(after: .milliseconds(50))
            return true
        }
        refuse(
            Failure(
                .notStopped, "\(member.name) (\(process)) still runs: clusterd cannot adopt it: \(failure)",
                hint: "stop it by hand: redis-cli -p \(member.ports.client) SHUTDOWN"))
        return true
    }

    /// A node that neither stops nor may be killed stays up: its keys are only in its memory.
    mutating func giveUp(_ alive: [Member], _ waited: Duration) {
        let stuck = alive.filter { !keepsEverything($0) }
        guard stuck.count == alive.count else { return }
        let refused = stuck.filter { shutdownFailure($0) != nil }
        let unwritten = stuck.filter { cannotAppend($0) && !refused.contains($0) }
        guard
            refused.count + unwritten.count == stuck.count
                || waited >= spec.supervision.stopTimeout * Self.savingPatience
        else { return }
        // Only the engine's log says why a dump could not be written.
        let logs = refused.filter { member in
            guard let process = running(member.name)?.identity, !isAccessRefusal(shutdownFailure(member)) else {
                return false
            }
            return seen.inquiries[member.name]?.of != process
        }
        for member in logs {
            guard let process = running(member.name)?.identity else { continue }
            ensure(.inquire(member.name, process, log: member.directory + "/redis.log"))
        }
        if !logs.isEmpty, waited < spec.supervision.stopTimeout + Self.logPatience { return }
        let why =
            refused.map { member in
                let failure = shutdownFailure(member) ?? ""
                let trouble = isAccessRefusal(failure) ? nil : savingTrouble(member)
                return "\(member.name): " + (trouble.map { "its dump cannot be written: \($0)" } ?? failure)
            } + unwritten.map { "\($0.name): \(Self.appendTrouble)" }
        let names = Self.list(stuck.map(\.name.text))
        refuse(
            Failure(
                .notStopped,
                "\(names) still \(stuck.count == 1 ? "runs" : "run"), with keys that are in memory only"
                    + (why.isEmpty ? ": saving takes too long" : " (\(why.joined(separator: "; ")))"),
                hint: hint(refused.first ?? unwritten.first)))
    }

    static let logPatience = Duration.seconds(2)
    /// Waits for an append-only file to be written once there is room: the engine tries every second.
    static let appendPatience = Duration.seconds(10)
    static let appendTrouble = "its append-only file cannot be written and lacks the last acknowledged writes"

    private func shutdownFailure(_ member: Member) -> String? {
        effects(.shutdown, of: member.name).values.lazy.compactMap(\.failure).first
    }

    private func isAccessRefusal(_ failure: String?) -> Bool {
        failure.map { EngineErrorReply($0).isAboutAccess } ?? false
    }

    /// The engine's last warning before this process said that it cannot exit.
    private func savingTrouble(_ member: Member) -> String? {
        guard let process = running(member.name)?.identity, let inquiry = seen.inquiries[member.name],
            inquiry.of == process
        else { return nil }
        return EngineLog(inquiry.log).savingTrouble
    }

    private func hint(_ member: Member?) -> String {
        guard let member else { return "start clusterd again: it adopts the running nodes" }
        let start = "start clusterd again (it adopts the running nodes), then: clusterd stop"
        if isAccessRefusal(shutdownFailure(member)) {
            return "set redis.requirepass and redis.masterauth to the password that \(member.name) requires, \(start)"
        }
        if cannotAppend(member) { return "make room for the append-only file in \(member.directory), \(start)" }
        return "make it possible to write the dump into \(member.directory), \(start)"
    }
}
