import ClusterModel

/// restart-node: a master hands over to its replica first, the process ends with its keys saved, a new one starts, and it is
/// done when that one is in sync and everybody agrees. Each turn looks at which process runs and who is master, so that it
/// goes on where it stood, whoever carried it out before.
extension Turn {
    /// For one step that depends on the nodes' agreement.
    static let agreementLimit = Duration.seconds(30)
    /// For the whole, beside what a large dataset needs to load and to sync.
    static let restartLimit = Duration.seconds(600)

    mutating func advanceOperations(_ topology: Topology) {
        guard let operations = decision.record?.operations else { return }
        for index in operations.indices where operations[index].isOpen {
            switch operations[index].kind {
            case .restartNode(let restart): advance(index, restart, topology)
            }
        }
    }

    private mutating func advance(_ index: Int, _ restart: Operation.RestartNode, _ topology: Topology) {
        guard let operation = decision.record?.operations[index] else { return }
        guard let member = decision.record?.member(restart.node) else {
            return fail(index, "\(restart.node) is no node of this cluster any more")
        }
        if seen.wall > operation.startedAt + Self.restartLimit {
            return fail(
                index, "not done after \(Self.restartLimit.components.seconds) s; \(operation.currentStep ?? "")")
        }
        wake(after: Self.pollInTransition)
        if let process = running(member.name), process.identity == restart.replaces {
            replace(index, restart, member, topology)
        } else if running(member.name) == nil {
            awaitStart(index, restart, member)
        } else {
            finish(index, restart, member, topology)
        }
    }

    /// The old process still runs.
    private mutating func replace(
        _ index: Int, _ restart: Operation.RestartNode, _ member: Member, _ topology: Topology
    ) {
        let replicas = members.filter { $0.id != member.id && topology.master(of: $0.id) == member.id }
        // What is known of the replicas is stale from the order on until the roles have changed.
        let chosen = restart.successor.flatMap { successor in replicas.first { $0.name == successor } }
        let heir = isHandingOver(to: chosen, from: member) ? chosen : bestReplica(replicas)
        if topology.owns(member.id), !restart.noFailover, !(restart.force && heir == nil) {
            guard let heir else {
                step(index, "waiting for a replica of \(member.name) to be in sync")
                if stepAge(index) > Self.agreementLimit {
                    fail(index, "no replica of \(member.name) came into sync; nothing was restarted")
                }
                return
            }
            step(index, "handing over to \(heir.name)")
            handOver(to: heir, from: member, index, restart)
            return
        }
        if let successor = restart.successor, let heir = decision.record?.member(successor),
            !isSettled(with: heir, member, topology), stepAge(index) < Self.agreementLimit, isShutdownAhead(member)
        {
            step(index, "waiting for all nodes to agree that \(successor) is master")
            return
        }
        step(index, "stopping \(member.name)")
        stop(member, waited: stepAge(index), kill: false)
    }

    private func isHandingOver(to heir: Member?, from member: Member) -> Bool {
        guard let heir, let contact = contact(heir) else { return false }
        guard let order = seen.effects[Effect.handOver(heir.name, contact, from: member.id).key] else { return false }
        return order.failure == nil
    }

    private mutating func handOver(
        to heir: Member, from member: Member, _ index: Int, _ restart: Operation.RestartNode
    ) {
        guard let contact = contact(heir) else { return }
        if restart.successor != heir.name {
            var changed = restart
            changed.successor = heir.name
            decision.record?.operations[index].kind = .restartNode(changed)
        }
        let progress = perform(.handOver(heir.name, contact, from: member.id), repeatAfter: .seconds(10))
        if stepAge(index) > Self.agreementLimit {
            if case .failed(let why, _) = progress {
                fail(index, "\(heir.name) could not take over: \(why); nothing was restarted")
            } else {
                fail(index, "\(heir.name) did not take over within \(Self.agreementLimit.components.seconds) s")
            }
        }
    }

    /// After a hand-over: everybody agrees who is master, and the node follows it.
    private func isSettled(with heir: Member, _ member: Member, _ topology: Topology) -> Bool {
        guard topology.owns(heir.id), let mine = report(member, since: seen.rolesChanged) else { return false }
        return mine.replication.role == .replica && mine.replication.linkUp && !mine.replication.syncInProgress
            && members.filter { running($0.name) != nil }.allSatisfy { other in
                report(other, since: seen.rolesChanged) != nil && disagreement(other, topology) == nil
            }
    }

    /// Until SHUTDOWN is sent the node is waited for; after that its answers are no longer to be had.
    private func isShutdownAhead(_ member: Member) -> Bool {
        guard let process = running(member.name) else { return false }
        let prefix = "shutdown \(member.name) \(process.identity.pid) "
        return !seen.effects.contains { $0.key.text.hasPrefix(prefix) }
    }

    /// No process: `tend` starts it.
    private mutating func awaitStart(_ index: Int, _ restart: Operation.RestartNode, _ member: Member) {
        step(index, "starting \(member.name)")
        guard let exit = exited(member.name), exit.identity != restart.replaces else { return }
        if exit.failures >= 3 || exit.reason.isHopeless {
            fail(
                index,
                "\(member.name) \(exit.reason.cause)"
                    + (exit.reason.logTail.last.map { ": \($0)" } ?? "") + "; it is \(topologyNote(member))")
        }
    }

    private func topologyNote(_ member: Member) -> String {
        spec.supervision.restart == .never ? "left stopped" : "tried again with growing pauses"
    }

    /// The new process runs.
    private mutating func finish(
        _ index: Int, _ restart: Operation.RestartNode, _ member: Member, _ topology: Topology
    ) {
        guard let report = report(member, since: seen.rolesChanged), !report.loading else {
            // It has loaded, and was not asked since the last change of a role: what is being done stays as it was said.
            if let last = lastReport(member), last.id == member.id, !last.loading { return }
            return step(index, "waiting for \(member.name) to load its data")
        }
        if report.replication.role == .replica, !report.replication.linkUp || report.replication.syncInProgress {
            return step(index, "waiting for \(member.name) to be in sync")
        }
        let others = members.filter { $0.wanted == .running && running($0.name) != nil }
        if let open = others.compactMap({ disagreement($0, topology) }).first {
            let words = "waiting for all nodes to agree"
            let isLate =
                decision.record?.operations[index].currentStep == words && stepAge(index) > Self.agreementLimit * 2
            if isLate { return fail(index, "\(member.name) was restarted, and the nodes do not agree: \(open)") }
            return step(index, words)
        }
        if restart.restoreRoles, restart.wasMaster, report.replication.role == .replica,
            let master = topology.master(of: member.id).flatMap({ decision.record?.member(id: $0) }),
            let contact = contact(member)
        {
            step(index, "handing back from \(master.name)")
            perform(.handOver(member.name, contact, from: master.id), repeatAfter: .seconds(10))
            if stepAge(index) > Self.agreementLimit {
                fail(index, "\(member.name) was restarted, and could not be made master again")
            }
            return
        }
        step(index, "\(member.name) is \(report.replication.role.rawValue) and in sync")
        end(index, .done)
    }

    private func bestReplica(_ replicas: [Member]) -> Member? {
        let able = replicas.compactMap { member in
            report(member, since: seen.rolesChanged).flatMap { report in
                report.replication.linkUp && !report.replication.syncInProgress && !report.loading
                    && report.replication.role == .replica ? (member, report.replication.offset) : nil
            }
        }
        return able.max { a, b in (a.1, b.0.name) < (b.1, a.0.name) }?.0
    }

    // MARK: the operation's own story

    private mutating func step(_ index: Int, _ text: String) {
        guard var operation = decision.record?.operations[index] else { return }
        operation.state = .running
        if operation.steps.last?.text != text {
            if !operation.steps.isEmpty { operation.steps[operation.steps.count - 1].state = .done }
            operation.steps.append(.init(text: text, at: seen.wall, state: .running))
        }
        decision.record?.operations[index] = operation
        wait("restart-node \(operation.node?.text ?? ""): \(text)")
    }

    private func stepAge(_ index: Int) -> Duration {
        guard let at = decision.record?.operations[index].steps.last?.at else { return .zero }
        return .milliseconds(max(0, seen.wall.milliseconds - at.milliseconds))
    }

    private mutating func fail(_ index: Int, _ why: String) {
        decision.record?.operations[index].error = why
        end(index, .failed)
    }

    private mutating func end(_ index: Int, _ state: Operation.State) {
        guard var operation = decision.record?.operations[index] else { return }
        operation.state = state
        operation.endedAt = seen.wall
        if !operation.steps.isEmpty {
            operation.steps[operation.steps.count - 1].state = state == .done ? .done : .failed
        }
        decision.record?.operations[index] = operation
    }
}
