import ClusterModel
import ControlAPI
import Planner

/// Builds the `status` document from the last turn.
struct StatusBoard {
    let cycle: Cycle
    let identity: DaemonIdentity

    init(_ cycle: Cycle, _ identity: DaemonIdentity) {
        self.cycle = cycle
        self.identity = identity
    }

    private var assessment: Assessment { cycle.decision.assessment }

    var document: StatusDocument {
        var cluster = StatusDocument.Cluster(
            name: cycle.record?.cluster ?? cycle.spec.name,
            state: .init(rawValue: assessment.state.rawValue) ?? .down,
            phase: .init(rawValue: assessment.phase.rawValue) ?? .starting, dir: cycle.spec.dataDirectory,
            daemon: .init(pid: identity.pid, version: identity.version, startedAt: Timestamp(identity.startedAt)))
        cluster.ready = assessment.ready
        cluster.serving = assessment.serving
        cluster.slotsCovered = assessment.slotsCovered
        cluster.masters = assessment.nodes.count { $0.role == .master }
        cluster.replicas = assessment.nodes.count { $0.role == .replica }
        cluster.engine = cycle.seen.engine.description
        cluster.paused = cycle.record?.pause != nil
        var document = StatusDocument(cluster: cluster)
        document.nodes = (cycle.record?.members ?? []).map(node)
        document.shards = assessment.shards.map {
            ShardDocument(
                master: $0.master, replicas: $0.replicas, slots: $0.slots.texts, canFailOver: $0.canFailOver,
                why: $0.why?.words)
        }
        document.findings = cycle.decision.findings.map(FindingDocument.init)
        document.operations = (cycle.record?.operations ?? []).map(OperationDocument.init)
        return document
    }

    private func node(_ member: Member) -> NodeDocument {
        let known = assessment.node(member.name)
        var node = NodeDocument(
            name: member.name, host: cycle.spec.announcedHost, port: member.ports.client, busPort: member.ports.bus,
            process: process(member, known), wanted: member.wanted == .running ? .running : .stopped,
            health: known.flatMap { .init(rawValue: $0.health.rawValue) } ?? .down)
        node.id = member.id
        node.directory = member.directory
        node.role = known?.role
        node.replicaOf = known?.role == .replica ? known?.replicaOf : nil
        node.slots = known?.slots.texts ?? []
        node.link = known?.role == .replica ? known?.linkUp.map { $0 ? .up : .down } : nil
        node.lagBytes = known?.role == .replica ? known?.lagBytes : nil
        node.pendingRestart = known?.pendingRestart ?? []
        if let report = known?.report {
            node.keys = report.load.keys
            node.memoryBytes = report.load.memoryBytes
            node.maxMemoryBytes = report.load.maxMemoryBytes
            node.clients = report.load.clients
            node.opsPerSecond = report.load.operationsPerSecond
            node.engine = .init(name: report.engine.name.rawValue, version: report.engine.version.description)
        }
        switch cycle.seen.processes[member.name] {
        case .running(let process):
            node.pid = process.identity.pid
            node.startedAt = Timestamp(process.startedAt)
            take(cycle.seen.usage?.nodes[member.name], of: process.identity, into: &node)
        case .exited, nil: break
        }
        node.restarts = member.ends?.restarts ?? 0
        node.lastExit = cycle.lastEnd(of: member).map { .init($0) }
        node.log = LogPolicy.path(member)
        return node
    }

    private func take(_ usage: NodeUsage?, of process: ProcessIdentity, into node: inout NodeDocument) {
        guard let usage, usage.of == process else { return }
        node.residentBytes = usage.residentBytes
        node.memoryLimitBytes = usage.memory?.limit
        node.cpuSeconds = Double(usage.cpu.inMilliseconds) / 1000
        node.cgroup = usage.cgroup
    }

    private func process(_ member: Member, _ known: Assessment.Node?) -> NodeDocument.Process {
        switch cycle.seen.processes[member.name] {
        case .running(let running):
            if assessment.phase == .stopping || isUnderWay(.shutdown, member) { return .stopping }
            let wasHeard = cycle.seen.lastReports[member.name]?.processID == running.identity.pid
            return known?.report == nil && known?.health == .unreachable && !wasHeard ? .starting : .running
        case .exited(let exit):
            if member.wanted == .stopped || assessment.phase == .stopping { return .stopped }
            if isUnderWay(.start, member) { return .starting }
            let isLeft =
                cycle.record?.pause != nil || RestartPolicy.staysDown(exit, cycle.spec.supervision.restart) != nil
            return isLeft ? .crashed : .backoff
        case nil: return isUnderWay(.start, member) ? .starting : .stopped
        }
    }

    private func isUnderWay(_ kind: EffectKey.Kind, _ member: Member) -> Bool {
        cycle.seen.isUnderWay(kind, of: member.name)
    }
}

extension FindingDocument {
    package init(_ finding: Finding) {
        self.init(
            code: finding.code.rawValue, severity: .init(rawValue: finding.severity.rawValue) ?? .info,
            node: finding.node,
            shard: finding.shard, message: finding.message, hint: finding.hint,
            details: finding.details.isEmpty ? nil : finding.details)
    }
}

extension NodeDocument.ExitDocument {
    init(_ end: NodeEnd) {
        self.init(at: Timestamp(end.at), cause: end.cause, signal: end.exit.signal, code: end.exit.code)
        kind = end.kind
        pid = end.identity.pid
        let isKnown = end.exit.code != nil || end.exit.signal != nil
        isStatusKnown = isKnown
        coreDumped = isKnown ? end.exit.coreDumped : nil
        outOfMemory = end.outOfMemory
        uptimeMilliseconds = end.uptimeMilliseconds
        memoryBytes = end.memoryBytes
        log = end.log
    }
}

extension OperationDocument {
    init(_ operation: Operation) {
        self.init(
            id: String(operation.id), kind: operation.name, node: operation.node,
            state: .init(rawValue: operation.state.rawValue) ?? .running, step: operation.currentStep?.words,
            steps: operation.steps.map {
                .init(text: $0.step.words, at: Timestamp($0.at), state: .init(rawValue: $0.state.rawValue) ?? .running)
            },
            startedAt: Timestamp(operation.startedAt), endedAt: operation.endedAt.map { Timestamp($0) },
            error: operation.error,
            moves: operation.isMoveOfSlots
                ? operation.slotMoves.map {
                    .init(from: $0.from, to: $0.to, slots: $0.slots.texts, count: $0.slots.count)
                } : nil)
        if case .change(let change) = operation.kind {
            parts = change.parts.map { .init(id: $0.id, text: $0.words) }
        }
    }

    /// One that was not begun: the parts say how much they would move.
    init(planned operation: Operation, _ record: Record, _ assessment: Assessment) {
        self.init(operation)
        guard case .change(let change) = operation.kind else { return }
        parts = change.parts.map { part in
            guard let amount = AmountToMove(part, of: change, record, assessment) else {
                return .init(id: part.id, text: part.words)
            }
            var found = Part(id: part.id, text: "\(part.words): \(amount.words)")
            (found.slots, found.keys, found.bytes) = (amount.slots, amount.keys, amount.bytes)
            return found
        }
    }
}
