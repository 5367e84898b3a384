import ClusterModel

/// restart-node: a master hands over to its replica first, the process stops with its keys saved, a new one starts, and the operation is
/// done when the node is in sync and all nodes agree. Each turn looks at which process runs and which node is master, so the operation
/// continues from its present state, no matter which daemon carried it out before.
extension Turn {
    mutating func restart(
        _ restart: inout Operation.RestartNode, since begun: Moment, _ story: Story, _ topology: Topology
    ) -> Advance {
        guard let member = find(restart.node) else {
            return .failed(.unknownNode(restart.node))
        }
        if let process = running(member.name), process.identity == restart.replaces {
            return replace(&restart, member, since: begun, story, topology)
        }
        if let advance = comeBack(member, after: restart.replaces, story, topology) { return advance }
        if let advance = handBack(restart, member, story, topology) { return advance }
        return .done(.inSync(member.name, role(of: member, topology)))
    }

    /// The old process still runs.
    private mutating func replace(
        _ restart: inout Operation.RestartNode, _ member: Member, since begun: Moment, _ story: Story,
        _ topology: Topology
    ) -> Advance {
        if !isEnding(member), restart.successor == nil,
            let advance = awaitSettled(member, mayLackSlots: restart.force, since: begun, story, topology)
        {
            return advance.mapFailure(OperationFailure.nothingRestarted)
        }
        if !isEnding(member), !restart.force, let advance = passwordAdvance(story) { return advance }
        let isForced = restart.force && able(replicas(of: member, topology)) == nil && restart.successor == nil
        if !isEnding(member), !restart.noFailover, !isForced,
            let advance = handOver(from: member, to: &restart.successor, topology, story)
        {
            return advance.mapFailure(OperationFailure.nothingRestarted)
        }
        return takeDown(member, accepts: restart.noFailover || restart.force, story, topology)
            ?? .working(.stopping(member.name))
    }

    /// Stops a node whose role is settled, once it is the only one of its shard that is down; nil: that is still under way.
    mutating func takeDown(
        _ member: Member, accepts: Bool, _ story: Story, _ topology: Topology
    ) -> Advance? {
        if !isEnding(member), !accepts, let trouble = siblingTrouble(of: member, topology) {
            let step = OperationStep.awaitingSibling(member.name, trouble)
            return story.age(of: step) < Self.agreementLimit
                ? .working(step) : .failed(.notStopped(member.name, trouble))
        }
        let waited = story.age(of: .stopping(member.name))
        if cannotAppend(member), !isEnding(member), waited >= Self.appendPatience {
            return .failed(.cannotAppend(member.name))
        }
        stop(member, waited: waited, kill: false)
        guard waited > spec.supervision.stopTimeout * Self.savingPatience else { return nil }
        return .failed(.didNotStop(member.name, within: waited))
    }

    func role(of member: Member, _ topology: Topology) -> Role { topology.owns(member.id) ? .master : .replica }

    /// Once SHUTDOWN is sent there is no way back, and the node may no longer answer.
    func isEnding(_ member: Member) -> Bool {
        guard let process = running(member.name) else { return false }
        return effects(.shutdown, of: member.name).contains {
            $0.key.process == process.identity && $0.value.failure == nil
        }
    }

    /// Restores the roles, if that was requested. nil: done.
    private mutating func handBack(
        _ restart: Operation.RestartNode, _ member: Member, _ story: Story, _ topology: Topology
    ) -> Advance? {
        guard restart.restoreRoles, restart.wasMaster, !topology.owns(member.id),
            let master = topology.master(of: member.id).flatMap({ find(id: $0) }),
            let contact = contact(member)
        else { return nil }
        if let step = electionWait(of: member, after: master, topology, story) { return .working(step) }
        if let wait = roomWait(toReplace: master, by: member, topology) {
            return story.age(of: wait.step) < Self.agreementLimit
                ? .working(wait.step) : .failed(.noRoomToHandBack(to: member.name, wait.why))
        }
        _ = orderHandOver(to: member, contact, from: master, topology)
        let step = OperationStep.handingBack(from: master.name)
        if story.age(of: step) < Self.agreementLimit { return .working(step) }
        return .failed(.notHandedBack(to: member.name))
    }

    /// A node is on its way up: `tend` starts it; this waits for it. nil: it runs, is in sync, and all nodes agree.
    /// - Parameter agreeing: false if others are still to be brought back without which not all nodes can agree.
    mutating func comeBack(
        _ member: Member, after old: ProcessIdentity?, agreeing: Bool = true, _ story: Story, _ topology: Topology
    ) -> Advance? {
        guard running(member.name) != nil else { return awaitStart(member, after: old, story) }
        guard let report = freshReply(from: member, since: seen.rolesChanged), !report.loading else {
            // It has loaded, and has not been queried since the last role change: the step stays as it was.
            if let last = lastReport(member), last.id == member.id, !last.loading, let step = story.step {
                return within(Self.dataLimit, step, story)
            }
            return within(Self.dataLimit, .loading(member.name), story)
        }
        if report.replication.role == .replica, !isInSync(report) {
            let trouble = loginTrouble(of: member)
            let step = OperationStep.syncing(member.name, trouble ?? syncLoopTrouble(of: member, topology))
            if let trouble, story.age(of: step) >= Self.agreementLimit {
                return .failed(.notInSync(member.name, trouble))
            }
            if let failure = missingMaster(of: member, story.age(of: step), topology) { return .failed(failure) }
            return within(Self.dataLimit, step, story)
        }
        if agreeing, let dispute = openDispute(topology) {
            return story.age(of: .awaitingAgreement) < Self.agreementLimit * 2
                ? .working(.awaitingAgreement) : .failed(.runsInDisagreement(member.name, dispute))
        }
        return nil
    }

    /// The master of this replica stays away; nil: it is there, or may come, or another node may take its place.
    private func missingMaster(of member: Member, _ waited: Duration, _ topology: Topology) -> OperationFailure? {
        guard let master = topology.master(of: member.id).flatMap({ find(id: $0) }),
            running(master.name) == nil
        else { return nil }
        if master.wanted == .stopped { return .masterStopped(master.name, replica: member.name) }
        guard let exit = exited(master.name), exit.reason.isHopeless, !isRepaired(master, exit, topology),
            waited >= Self.agreementLimit
        else { return nil }
        return .masterEnded(master.name, replica: member.name, cause: exit.reason.cause)
    }

    private func awaitStart(_ member: Member, after old: ProcessIdentity?, _ story: Story) -> Advance {
        if let exit = exited(member.name), exit.identity != old, exit.failures >= 3 || exit.reason.isHopeless {
            return .failed(.ended(member.name, cause: exit.reason.cause, lastLine: exit.reason.logTail.last))
        }
        if let stray = whatLiesInTheWay(of: member) { return .failed(.inTheWay(stray.message, remedy: stray.hint)) }
        let step = OperationStep.starting(member.name)
        guard story.age(of: step) > Self.startLimit + spec.portWait else { return .working(step) }
        return .failed(.didNotStart(member.name, obstacle(to: member)))
    }

    /// What in its folder prevents its start until `fix` was run.
    private func whatLiesInTheWay(of member: Member) -> Finding? {
        guard let survey = seen.survey, exited(member.name).map({ survey.askedAt >= $0.at }) ?? true,
            running(member.name) == nil, !isReturning(member.name),
            let facts = survey.directories.first(where: { $0.path == member.directory })
        else { return nil }
        return strays(survey)?.inTheWay(of: member, facts)
    }

    /// What another program, the engine or the operating system says.
    private func obstacle(to member: Member) -> String? {
        if case .busy(let busy) = seen.ports[member.ports] { return busy.sentence }
        return seen.effects.filter { $0.value.node == member.name }.sorted { $0.key < $1.key }
            .compactMap(\.value.failure).first
    }

    private func within(_ limit: Duration, _ step: OperationStep, _ story: Story) -> Advance {
        story.age(of: step) < limit ? .working(step) : .failed(.notDoneInAnHour(step))
    }
}

extension Advance {
    /// A failure, with what it means for the request.
    func mapFailure(_ meaning: (OperationFailure) -> OperationFailure) -> Advance {
        if case .failed(let failure) = self { return .failed(meaning(failure)) }
        return self
    }
}
