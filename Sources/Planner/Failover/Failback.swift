import ClusterModel

/// Roles go back to where they were formed, if that is configured: the first node of each shard becomes master again, by a planned failover
/// that is an operation like one of the operator. One shard at a time, and seldom: roles that move back and forth cost more than roles that
/// stay.
enum Failback {
    /// Between two of one shard; doubled for each further one within a day, so that a node that takes its role back and loses it again does
    /// so less and less often.
    static let spacing = Duration.seconds(600)
    static let day = Duration.seconds(86_400)
    static let doublings = 8
    /// `when-idle`: both nodes process fewer commands a second (`instantaneous_ops_per_sec`, which includes those of clusterd), for this long.
    static let idleOperations: Int64 = 50
    static let idleTime = Duration.seconds(60)

    /// How long a cluster must be steady; nil: roles stay.
    static func steadyTime(_ failback: ClusterSpec.Supervision.Failback) -> Duration? {
        switch failback {
        case .never: nil
        case .whenIdle: idleTime
        case .after(let time): time
        }
    }

    /// Whether the last failbacks of this node are long enough ago. A time in the future, after the clock was set back, counts as now.
    static func isSpaced(_ node: NodeName, _ operations: [Operation], at wall: WallTime) -> Bool {
        let last = operations.filter { operation in
            guard case .failover(let failover) = operation.kind else { return false }
            return failover.isFailback == true && failover.replica == node && operation.startedAt + day > wall
        }
        guard let latest = last.map(\.startedAt).max() else { return true }
        return latest + spacing * (1 << min(last.count - 1, doublings)) <= wall
    }
}

extension Turn {
    /// Queues the next failback.
    mutating func failBack(_ topology: Topology) {
        guard let steady = Failback.steadyTime(spec.supervision.failback), let record = decision.record else { return }
        guard case .run = seen.intent, assessment.ready, !isPaused, !record.operations.contains(where: \.isOpen) else {
            return
        }
        var shards = Set<Int>()
        for member in record.members where shards.insert(member.shard).inserted {
            guard let master = standIn(for: member, topology), mayFailBack(to: member, from: master, record) else {
                continue
            }
            let finding = Finding(
                .failbackPending, .info, node: member.name,
                "\(member.name) becomes master again in place of \(master.name) "
                    + (spec.supervision.failback == .whenIdle
                        ? "when both are idle" : "once the cluster was steady for \(steady.configured)"),
                hint: "to keep the roles: supervision.failback: never, then: clusterd reload")
            let condition = Condition(code: finding.code, node: finding.node, shard: nil, about: nil)
            check.conditions.append(condition)
            emit(finding)
            let due = (seen.check.since[condition] ?? now) + steady
            guard now >= due else {
                wake(at: due)
                continue
            }
            return queueFailback(to: member, from: master, topology, record)
        }
    }

    /// The master of the shard of a node that was formed as its master; nil: that is the node itself, or no node of its shard.
    private func standIn(for member: Member, _ topology: Topology) -> Member? {
        guard let id = topology.master(of: member.id), id != member.id, topology.owns(id),
            let master = find(id: id), master.shard == member.shard
        else { return nil }
        return master
    }

    private func mayFailBack(to member: Member, from master: Member, _ record: Record) -> Bool {
        guard member.wanted == .running, let own = lastHeard(member), let other = lastHeard(master), isInSync(own),
            member.ends?.inARow ?? 0 == 0, Failback.isSpaced(member.name, record.operations, at: seen.wall)
        else { return false }
        if spec.supervision.failback == .whenIdle {
            return own.load.operationsPerSecond < Failback.idleOperations
                && other.load.operationsPerSecond < Failback.idleOperations
        }
        return true
    }

    /// Not later than the next turn it begins; the record has it first.
    private mutating func queueFailback(
        to member: Member, from master: Member, _ topology: Topology, _ record: Record
    ) {
        var failover = Operation.Failover(
            master: master.name, epoch: masterTerm(of: master, topology).epoch, replica: member.name, force: false,
            replaces: running(master.name)?.identity)
        failover.isFailback = true
        let operation = Operation(
            id: record.nextOperation, kind: .failover(failover), startedAt: seen.wall, idempotencyKey: nil)
        var operations = record.operations + [operation]
        if operations.count(where: { !$0.isOpen }) > Admission.operationsKept,
            let oldest = operations.firstIndex(where: { !$0.isOpen })
        {
            operations.remove(at: oldest)
        }
        set(\.operations, operations)
        set(\.nextOperation, record.nextOperation + 1)
        wake(at: now)
    }
}
