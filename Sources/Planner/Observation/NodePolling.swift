import ClusterModel

/// Which nodes clusterd queries now, and what it corrects in their answers.
extension Turn {
    /// Every running node is queried: once per second at rest, much more often while something changes, and immediately if the last answer
    /// is older than the last change.
    mutating func ask(_ topology: Topology) {
        let pace = self.pace
        // For as long as a replica may take over.
        let bereaved = Set(
            members.filter { member in
                let death = exited(member.name)?.at ?? vitals(member.name)?.dyingSince
                return topology.owns(member.id) && death.map { now - $0 < Self.failoverLimit } ?? false
            }.map(\.id))
        var questions: [(due: Moment, slack: Duration, question: Effect)] = []
        for member in members {
            guard let process = running(member.name), let contact = contact(member) else { continue }
            guard seen.asking[member.name] == nil else { continue }
            let reply = lastReply(member)
            let isUrgent = topology.master(of: member.id).map(bereaved.contains) == true
            let isCalm = reply?.isLife == true && !isToBeHeardAgain(member, topology)
            let wanted = isUrgent ? Duration.milliseconds(2) : isCalm ? pace : min(pace, Self.pollInTransition)
            let changed =
                [seen.changed[member.name], seen.rolesChanged, seen.check.asked].compactMap { $0 }.max() ?? seen.began
            let due: Moment
            if let reply {
                let isStale = reply.askedAt < changed
                due = reply.askedAt + (isStale ? min(wanted, .milliseconds(5)) : wanted)
            } else {
                due = process.since
            }
            questions.append((due, wanted / 4, .ask(member.name, contact)))
        }
        // Nodes that will be due soon are queried with those that are due: one turn for all of them.
        let isTime = questions.contains { now >= $0.due }
        for (due, slack, question) in questions {
            if isTime, now + slack >= due { order(question) } else { wake(at: due) }
        }
    }

    /// A replica was first seen in sync after its master last answered: until the master answers again, it is unknown whether the master
    /// was alive while the replica's link was up, and the replica is not a candidate.
    private func isToBeHeardAgain(_ master: Member, _ topology: Topology) -> Bool {
        guard topology.owns(master.id) else { return false }
        return replicas(of: master, topology).contains { replica in
            guard let row = seen.lastInSync[replica.name], row.lostAt == nil else { return false }
            return seen.lastServed[master.name].map { row.since > $0 } ?? true
        }
    }

    /// How often nodes are queried without a specific reason. A cluster that is not ready and in which nothing happens any longer (a node
    /// waits for its next restart, a pause) is not in transition: clusterd only has to notice soon when that changes.
    private var pace: Duration {
        let many = Duration.milliseconds(4) * members.count
        let hasWork =
            seen.intent != .run || decision.record?.operations.contains(where: \.isOpen) == true
            || decision.record?.promotions.isEmpty == false
        if hasWork { return max(workPace, many) }
        if seen.wasReady { return Self.pollAtRest }
        let ends = members.compactMap { exited($0.name)?.at }
        let news = [seen.began, seen.rolesChanged].compactMap { $0 } + Array(seen.changed.values) + ends
        let isStill = now - (news.max() ?? now) > Self.transitionLimit
        return max(isStill ? Self.pollUnready : Self.pollInTransition, many)
    }

    /// An order that moves keys is in progress, and no operation waits for anything else. Its end wakes the daemon. Until then the answers
    /// are only shown, and every query takes time from the clients of its node.
    private var movesOnlyKeys: Bool {
        guard seen.isUnderWay(.migrateSlots), seen.intent == .run else { return false }
        return decision.record?.operations.allSatisfy { !$0.isOpen || $0.isMoveOfSlots } == true
    }

    /// How often the cluster is looked at while an operation is in progress.
    var workPace: Duration { movesOnlyKeys ? Self.pollWhileKeysMove : Self.pollInTransition }

    /// Restores temporary settings, no matter what changed them (invariant: settings-restored).
    mutating func restoreSettings() {
        for member in members {
            guard !isBusy(member.name), let report = freshReply(from: member), !report.loading,
                let contact = contact(member),
                let (name, value) = strayingSetting(member, report)
            else { continue }
            ensure(
                .configure(member.name, contact, name: name, value: value), retryAfter: .seconds(1),
                repeatAfter: .seconds(2))
        }
    }

    /// A directive that clusterd sets temporarily when it starts a node (`appendOnlyAtStart`), or that follows from how clusterd
    /// supervises, and that has a wrong value.
    func strayingSetting(_ member: Member, _ report: NodeReport) -> (name: String, value: String)? {
        // CONFIG SET of the port: clients and the other nodes look for it where the record has it. Redis 7.0 announces the new port to the
        // others, and shows the old one for itself in CLUSTER NODES.
        let portName = spec.speaksTLS ? "tls-port" : "port"
        let port = String(member.ports.client)
        if let live = liveSettings(member)?.values[portName], live != port, seen.engine.isSevenOrLater {
            return (portName, port)
        }
        let wanted = configuredAppendOnly(member)
        if report.persistence.appendOnly != wanted { return ("appendonly", wanted ? "yes" : "no") }
        let election = "cluster-replica-no-failover"
        let value = RedisConfPlan.electionSetting(spec)?.value ?? "no"
        return report.settings[election].map { $0 == value } ?? true ? nil : (election, value)
    }

    /// Invariant: no-merge. A running node that others do not know is introduced by one of them, first to those that own slots. Only a node
    /// of this cluster that answers with its assigned id, and whose slots no other node claims: gossip tells the rest.
    mutating func introduce(_ topology: Topology) {
        var complete = Set<NodesView.Digest>()
        let isIncomplete = members.contains { other in
            guard let view = freshReply(from: other)?.view, !complete.contains(view.digest) else { return false }
            guard members.allSatisfy({ view.knows($0.id) }) else { return true }
            complete.insert(view.digest)
            return false
        }
        guard isIncomplete else { return }
        for member in members {
            if isPaused, !isStartAsked(member.name) { continue }
            guard let report = freshReply(from: member), !report.loading else { continue }
            let lacking = members.filter { other in
                guard other.id != member.id, !isBusy(other.name), let theirs = freshReply(from: other) else {
                    return false
                }
                // A node that was reset itself knows no node to introduce.
                return !theirs.view.knows(member.id) && estrangement(of: other) == nil
            }
            guard let host = lacking.first(where: { topology.owns($0.id) }) ?? lacking.first,
                mayBeIntroduced(member, report, topology), let contact = contact(host), hasRoomForEpoch()
            else { continue }
            ensure(
                .meet(host.name, contact, host: spec.connectHost, ports: member.ports), retryAfter: .seconds(2),
                repeatAfter: .seconds(5))
        }
    }

    /// The epochs would decide slots that two nodes claim when they meet, and the loser's keys would be dropped.
    private func mayBeIntroduced(_ member: Member, _ report: NodeReport, _ topology: Topology) -> Bool {
        guard let myself = report.view.myself else { return true }
        if myself.slots.isEmpty { return !topology.owns(member.id) }
        guard topology.standings[member.id]?.slots == myself.slots else { return false }
        return members.allSatisfy { other in
            guard other.id != member.id, let theirs = lastHeard(other) else { return true }
            if let own = theirs.view.myself, own.flags.contains(.master), own.configEpoch == myself.configEpoch {
                return false
            }
            return theirs.view.entries.allSatisfy { entry in
                entry.id == member.id || entry.slots.intersection(myself.slots).isEmpty
            }
        }
    }

    /// Findings that last as long as their cause.
    mutating func emitFindings(_ topology: Topology) {
        reportStandIns()
        for member in members {
            if let note = member.portNote {
                emit(Finding(.portTaken, .info, node: member.name, note))
            }
            if member.name.text != String(member.ports.client) {
                emit(
                    Finding(
                        .portMoved, .warning, node: member.name,
                        "\(member.name) runs on port \(member.ports.client): its own port was in use when it started"))
            }
        }
        let wanted = Record.Shape(masters: spec.masters, replicas: spec.replicas)
        if let record = decision.record, record.shape != wanted {
            emit(
                Finding(
                    .shapeDiffers, .info,
                    "the configuration has \(wanted.words), but the cluster was formed and runs with \(record.shape.words)",
                    hint: "clusterd plan"))
        }
        reportStopped()
        reportPause()
        reportLostRecord()
        reportRecordTrouble()
        if let trouble = seen.timelineTrouble {
            emit(
                Finding(
                    .timelineNotWritten, .warning,
                    "clusterd cannot write events and keeps them in memory: \(trouble)", hint: "make room on that disk")
            )
        }
        reportDisks()
        if spec.isReachableFromOutside {
            emit(
                Finding(
                    .singleHost, .info,
                    "all nodes run on this host: the cluster survives the failure of processes, not of the host"))
        }
    }

    mutating func reportRecordTrouble() {
        reportOverdueWork()
        guard let trouble = seen.recordTrouble else { return }
        emit(
            Finding(
                .recordNotWritten, .error,
                "clusterd cannot write its record: \(trouble); it still replaces dead masters and starts nodes, but actions "
                    + "that assign ids or ports or move files wait", hint: "make room on that disk"))
    }

    mutating func reportLostRecord() {
        guard let path = seen.recordKeptAside else { return }
        emit(
            Finding(
                .recordUnreadable, .warning,
                "clusterd could not read its record of this cluster; it kept the file as \(path) and rebuilt the record from the nodes"
            ))
    }
}
