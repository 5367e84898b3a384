import ClusterModel

/// What a person asks for, looked at before anything is done: an operation, or a refusal in words.
package struct RestartRequest: Sendable, Equatable {
    /// As it was typed: a name, a port, host:port, or the beginning of an id.
    package var node: String
    package var noFailover: Bool
    package var restoreRoles: Bool
    package var force: Bool
    package var idempotencyKey: String?

    package init(
        node: String, noFailover: Bool = false, restoreRoles: Bool = false, force: Bool = false,
        idempotencyKey: String? = nil
    ) {
        self.node = node
        self.noFailover = noFailover
        self.restoreRoles = restoreRoles
        self.force = force
        self.idempotencyKey = idempotencyKey
    }
}

package enum Admission {
    /// How many ended operations are kept for those who ask what became of them.
    package static let operationsKept = 50

    /// Puts a restart into the record, or gives the one that was asked for with the same key.
    package static func restart(
        _ request: RestartRequest, _ record: inout Record, _ assessment: Assessment, seeing seen: Observation
    ) throws(Refusal) -> Operation {
        if let key = request.idempotencyKey, let same = record.operations.last(where: { $0.idempotencyKey == key }) {
            return same
        }
        let member = try member(request.node, record)
        guard assessment.phase != .stopping else {
            throw Refusal("stopping", "the cluster is being stopped", exit: 1)
        }
        guard record.stage == .formed, record.everReady else {
            throw Refusal(
                "not-formed", "the cluster is still being formed", hint: "clusterd wait ready", exit: 1)
        }
        if let other = record.operations.first(where: \.isOpen) {
            throw Refusal(
                "operation-under-way",
                "operation \(other.id) (\(other.name) \(other.node?.text ?? "")) is under way: "
                    + "\(other.currentStep ?? "it is about to begin"); one at a time",
                hint: "clusterd status shows when it is done", exit: 1)
        }
        let node = assessment.node(member.name)
        let slots = node?.slots ?? SlotSet()
        let isOwner = !slots.isEmpty
        if isOwner, !request.force, !request.noFailover {
            let shard = assessment.shards.first { $0.master == member.name }
            if shard?.canFailOver != true {
                throw Refusal(
                    "no-replica",
                    "\(member.name) is master of slots \(slots), and no replica can take over "
                        + "(\(shard?.why ?? "no replica")): a restart would take these slots down until it is back",
                    hint: "to restart it all the same: clusterd restart-node \(member.name) --force", exit: 4)
            }
        }
        var running: ProcessIdentity?
        switch seen.processes[member.name] {
        case .running(let process): running = process.identity
        case .exited(let exit): running = exit.identity
        case nil: break
        }
        let operation = Operation(
            id: record.nextOperation,
            kind: .restartNode(
                .init(
                    node: member.name, replaces: running, noFailover: request.noFailover,
                    restoreRoles: request.restoreRoles, force: request.force, wasMaster: isOwner)),
            startedAt: seen.wall, idempotencyKey: request.idempotencyKey)
        record.nextOperation += 1
        record.operations.append(operation)
        if record.operations.count > operationsKept { record.operations.removeFirst() }
        return operation
    }

    /// NODE as people write it: its name, then host:port or port, then the beginning of a Redis node id (4 hex digits or
    /// more with a letter among them, or 8).
    package static func member(_ text: String, _ record: Record) throws(Refusal) -> Member {
        if let named = record.members.first(where: { $0.name.text == text }) { return named }
        let port = text.split(separator: ":").last.flatMap { Int($0) }
        if let port, let found = record.members.first(where: { $0.ports.client == port }) { return found }
        let lower = text.lowercased()
        let isHex = lower.allSatisfy(\.isHexDigit)
        if isHex, lower.count >= 8 || (lower.count >= 4 && lower.contains(where: \.isLetter)) {
            let found = record.members.filter { $0.id.text.hasPrefix(lower) }
            if found.count == 1 { return found[0] }
            if found.count > 1 {
                throw Refusal(
                    "ambiguous-node",
                    "'\(text)' begins the ids of \(found.map { "\($0.name) (\($0.id.short))" }.joined(separator: ", "))",
                    hint: "give the name", exit: 64)
            }
        }
        throw Refusal(
            "unknown-node",
            "there is no node '\(text)'; the nodes are \(record.members.map(\.name.text).joined(separator: " "))",
            exit: 64)
    }

    /// `up` with another shape than what lies in the folder. An omitted number means "as formed".
    package static func checkShape(_ record: Record, masters: Int?, replicas: Int?) throws(Refusal) {
        let shape = record.shape
        guard masters ?? shape.masters == shape.masters, replicas ?? shape.replicas == shape.replicas else {
            throw Refusal(
                "shape-differs",
                "here is a cluster of \(shape.masters) \(shape.masters == 1 ? "master" : "masters") with \(shape.replicas) "
                    + "\(shape.replicas == 1 ? "replica" : "replicas") each (nodes "
                    + "\(record.members.map(\.name.text).joined(separator: " "))), and its shape is not changed by starting it",
                hint: "leave out --masters and --replicas, or give another folder with --dir", exit: 64)
        }
    }
}
