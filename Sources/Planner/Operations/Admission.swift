import ClusterModel

/// Checks a request of the operator before anything is done: the result is an operation in the record, or a refusal. Repeating a request
/// that is already fulfilled or under way is harmless and does not fail.
package struct Admission {
    package let spec: ClusterSpec
    package let assessment: Assessment
    package let seen: Observation
    package internal(set) var record: Record
    /// What `fix` can do about the current findings.
    package var offered: [Repair] = []

    package init(_ record: Record, _ spec: ClusterSpec, _ assessment: Assessment, seeing seen: Observation) {
        self.record = record
        self.spec = spec
        self.assessment = assessment
        self.seen = seen
    }

    /// How many ended operations are kept for later queries.
    package static let operationsKept = 50
    /// How many may be open at once.
    package static let operationsOpen = 20

    /// Adds the operation to `record`, or returns the one that was requested with the same key.
    package mutating func admit(_ command: Command, key: String? = nil) throws(Failure) -> Operation {
        if let key, let same = record.operations.last(where: { $0.idempotencyKey == key }) { return same }
        guard assessment.phase != .stopping else {
            throw Failure(.stopping, "the cluster is being stopped")
        }
        switch command {
        case .pause(let duration): return pause(duration, key)
        case .resume: return resume(key)
        case .cancel(let id): return try cancel(id)
        case .fix(let ids): return try fix(ids, key)
        default: break
        }
        guard record.stage == .formed, record.everReady else { throw Self.notFormed }
        switch command {
        case .restartNode(let node, let noFailover, let restoreRoles, let force):
            return try restart(node, noFailover: noFailover, restoreRoles: restoreRoles, force: force, key)
        case .startNode(let node): return try start(node, key)
        case .stopNode(let node, let noFailover, let force):
            return try stop(node, noFailover: noFailover, force: force, key)
        case .failover(let node, let force): return try failOver(to: node, force: force, key)
        case .failoverFrom(let node, let force): return try failOver(from: node, force: force, key)
        case .rollingRestart(let pending, let restoreRoles, let force, let canary):
            return try roll(pending: pending, restoreRoles: restoreRoles, force: force, canary: canary, key)
        case .backup(let directory, let keep): return try backUp(into: directory, keep: keep, key)
        case .reshard(let request): return try reshard(request, key)
        case .rebalance(let request): return try rebalance(request, key)
        case .addNode(let request): return try addNode(request, key)
        case .removeNode(let request): return try removeNode(request, key)
        case .apply(let request): return try apply(request, key)
        case .pause, .resume, .cancel, .fix: preconditionFailure("these were carried out above")
        }
    }

    package static let notFormed = Failure(
        .notFormed, "the cluster is still being formed", hint: "clusterd wait ready")

    // MARK: the record

    /// A new operation, unless the same one is open: then that one. A different one for the same node is refused.
    mutating func add(_ kind: Operation.Kind, _ key: String?) throws(Failure) -> Operation {
        let operation = new(kind, key)
        for other in record.operations where other.isOpen {
            if other.isSameRequest(as: operation) { return other }
            guard let node = operation.node, other.touches(node) else { continue }
            throw underWay(other)
        }
        let open = record.operations.count(where: \.isOpen)
        guard open < Self.operationsOpen else {
            throw Failure(
                .tooManyOperations, "\(open) operations are open already", hint: "clusterd operations")
        }
        keep(operation)
        return operation
    }

    func underWay(_ other: Operation) -> Failure {
        Failure(
            .operationUnderWay,
            "operation \(other.id) (\(other.title)) is under way: \(other.currentStep?.words ?? "it is about to start")",
            hint: "wait for it (clusterd operations \(other.id) --follow), or cancel it (clusterd cancel \(other.id))")
    }

    /// The requested state already exists: an operation that ended as it began, kept for queries.
    mutating func addEnded(_ kind: Operation.Kind, _ result: OperationResult, _ key: String?) -> Operation {
        var operation = new(kind, key)
        operation.steps = [.init(.result(result), at: seen.wall, state: .done)]
        operation.end(.done, at: seen.wall)
        keep(operation)
        return operation
    }

    private func new(_ kind: Operation.Kind, _ key: String?) -> Operation {
        Operation(id: record.nextOperation, kind: kind, startedAt: seen.wall, idempotencyKey: key)
    }

    private mutating func keep(_ operation: Operation) {
        record.nextOperation += 1
        record.operations.append(operation)
        let ended = record.operations.indices.filter { !record.operations[$0].isOpen }
        if ended.count > Self.operationsKept { record.operations.remove(at: ended[0]) }
    }

    // MARK: what is known

    func process(of node: NodeName) -> ProcessIdentity? {
        switch seen.processes[node] {
        case .running(let process): process.identity
        case .exited(let exit): exit.identity
        case nil: nil
        }
    }

    func isRunning(_ node: NodeName) -> Bool {
        if case .running = seen.processes[node] { true } else { false }
    }

    func slots(of node: NodeName) -> SlotSet { assessment.node(node)?.slots ?? SlotSet() }

    func shard(of node: NodeName) -> Assessment.Shard? {
        assessment.shards.first { $0.master == node || $0.replicas.contains(node) }
    }

    /// Why a second node of its shard would be down with this one; nil: it would be the only one.
    func siblingTrouble(of node: NodeName) -> ShardGap? {
        guard let shard = shard(of: node) else { return nil }
        for sibling in [shard.master].compactMap({ $0 }) + shard.replicas where sibling != node {
            if record.member(sibling)?.wanted == .stopped { return .stopped(sibling) }
            guard isRunning(sibling) else { return .down(sibling) }
            let health = assessment.node(sibling)?.health ?? .down
            if health != .ok { return .shown(sibling, health) }
        }
        return nil
    }

    /// Rejects what would take down slots, or a second node of a shard. A queued operation is checked when its turn comes: the state may
    /// have changed by then.
    func checkTakingDown(
        _ node: NodeName, _ what: String, orAdd flag: String, secondNode: String, force: String
    ) throws(Failure) {
        if record.operations.contains(where: { $0.isOpen && $0.isExclusive }) { return }
        if !slots(of: node).isEmpty, shard(of: node)?.replicasInSync.isEmpty != false {
            throw Failure(
                .noReplica,
                "\(node) is master of slots \(slots(of: node)), and no replica can take over "
                    + "(\(shard(of: node)?.why?.words ?? "no replica")): \(what)",
                hint: flag)
        }
        if let trouble = siblingTrouble(of: node) {
            throw Failure(
                .secondNode, "\(trouble.words); without \(node), a second node of the shard would be down",
                hint: secondNode)
        }
        try checkWrites(without: node, add: force)
    }

    /// A cluster that was created for one command ends with that command, and not before it.
    package static func mayEnd(_ spec: ClusterSpec) throws(Failure) {
        guard spec.isTemporary else { return }
        throw Failure(
            .madeForACommand, "clusterd exec created this cluster for one command; the cluster ends with that command",
            hint: "end that command")
    }

    package static func mayReplace(_ assessment: Assessment) throws(Failure) {
        guard assessment.phase != .stopping else {
            throw Failure(
                .stopping, "clusterd is stopping every node and then exits", hint: "clusterd status")
        }
    }

    /// The nodes that a command of the operator is for. If none is named, roles count as far as they are known now.
    package static func members(
        _ names: [String]?, role: Role?, _ record: Record?, _ assessment: Assessment
    ) throws(Failure) -> [Member] {
        guard let record else {
            throw Failure(.notFormed, "the cluster is still being formed", hint: "clusterd wait ready")
        }
        if let names {
            var found: [Member] = []
            for name in names {
                let member = try member(name, record)
                if !found.contains(where: { $0.name == member.name }) { found.append(member) }
            }
            return found
        }
        return record.members.filter { role == nil || assessment.node($0.name)?.role == role }
    }

    /// The member that the operator means by `text`.
    package static func member(_ text: String, _ record: Record) throws(Failure) -> Member {
        let members = record.members
        let nodes = members.map { NodeChoice.Candidate(name: $0.name, port: $0.ports.client, id: $0.id) }
        return members[try NodeChoice.position(of: text, among: nodes)]
    }

    /// `up` with another shape than the cluster in the folder. An omitted number means "as formed".
    package static func checkShape(_ record: Record, masters: Int?, replicas: Int?) throws(Failure) {
        let shape = record.shape
        guard masters ?? shape.masters == shape.masters, replicas ?? shape.replicas == shape.replicas else {
            throw Failure(
                .shapeDiffers,
                "this folder holds a cluster of \(shape.words) (nodes "
                    + "\(record.members.map(\.name.text).joined(separator: " "))); a start does not change its shape",
                hint:
                    "omit --masters and --replicas (clusterd add-node adds a node), or choose another folder with --dir"
            )
        }
    }
}
