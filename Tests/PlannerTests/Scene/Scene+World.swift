import ClusterModel
import Planner
import Testing

/// A host that carries out every effect at once: for tests of where a sequence of decisions leads. Gossip, elections
/// and delays belong to the simulator.
extension Scene {
    /// One turn: the record is stored, then all effects are carried out, then time passes.
    @discardableResult
    mutating func turn(sourceLocation: SourceLocation = #_sourceLocation) -> Decision {
        let decision = decide(sourceLocation: sourceLocation)
        take(decision)
        for effect in decision.effects { perform(effect) }
        rest(after: decision)
        return decision
    }

    /// The record is stored.
    mutating func take(_ decision: Decision) {
        record = decision.record
        seen.wasReady = decision.assessment.ready
        seen.check.remember(decision.check.conditions, at: now)
        seen.entropy += 1
    }

    /// Advances to the moment at which the decision wants to be made again.
    mutating func rest(after decision: Decision) {
        let wake = decision.effects.isEmpty ? decision.wake ?? now + .seconds(1) : now
        pass(max(wake - now, .milliseconds(1)))
    }

    /// Runs turns until the condition holds; nil if it never does.
    @discardableResult
    mutating func run(
        until isDone: (Decision) -> Bool, sourceLocation: SourceLocation = #_sourceLocation
    ) -> Decision? {
        for _ in 0..<2000 {
            let decision = turn(sourceLocation: sourceLocation)
            if isDone(decision) { return decision }
        }
        Issue.record(
            "it never came to that; waits: \(decide().waits.map(\.words)), findings: \(decide().findings.map(\.message))",
            sourceLocation: sourceLocation)
        return nil
    }

    /// Like `run`, but leaves the matching decision to the test: nothing of it is stored or carried out.
    mutating func come(
        to isIt: (Decision) -> Bool, sourceLocation: SourceLocation = #_sourceLocation
    ) -> Decision {
        for _ in 0..<2000 {
            let decision = decide(sourceLocation: sourceLocation)
            if isIt(decision) { return decision }
            turn(sourceLocation: sourceLocation)
        }
        Issue.record("it never came to that; waits: \(decide().waits.map(\.words))", sourceLocation: sourceLocation)
        return decide()
    }

    /// clusterd exits and another one starts: it has the record, and has observed nothing.
    mutating func replaceDaemon() {
        pass(.seconds(1))
        var blank = Observation(
            bootID: Self.bootID, wall: seen.wall, entropy: seen.entropy + 1000, engine: seen.engine, began: now)
        blank.note(seen.disks, at: now)
        seen = blank
    }

    /// The record is lost as well.
    mutating func loseRecord() {
        replaceDaemon()
        record = nil
    }

    // MARK: effects

    /// The effect is carried out at once, and its outcome is noted as in the daemon.
    mutating func perform(_ effect: Effect) {
        if case .ask(let node, let contact) = effect {
            if let ports = listening[node], !ports.contains(contact.port) { return refuse(node) }
            return answer(node)
        }
        begin(effect)
        let result = outcome(of: effect)
        end(effect, result)
    }

    /// Changes the facts.
    private mutating func outcome(of effect: Effect) -> Outcome {
        switch effect {
        case .survey:
            look()
            return seen.survey.map(Outcome.surveyed) ?? .done
        case .reserve(let pairs, _):
            var states: [PortPair: Outcome.Taken?] = [:]
            for pair in pairs { states.updateValue(taken(pair), forKey: pair) }
            return .reserved(states)
        case .makeDirectory(_, let path):
            if disk[path] == nil { disk[path] = DirectoryFacts(path: path) }
            disk[path]?.exists = true
            disk[path]?.writable = true
        case .quarantine(let move): quarantine(move)
        case .writeFiles(let files):
            if let file = files.nodesFile {
                disk[files.directory]?.nodesFile = .parsed(file)
                disk[files.directory]?.nodesFileName = files.nodesFileName
            }
            disk[files.directory]?.redisConf = RedisConfFacts(fileName: "redis.conf", files.redisConf)
        case .start(let start):
            starts[start.node, default: 0] += 1
            // Its files hold no stream; a replica joins its master's.
            streams[start.node] = "stream \(starts[start.node] ?? 1) of \(start.node)"
            let identity = Self.identity(start.node, life: starts[start.node] ?? 1)
            processes[start.node] = identity
            return .process(identity, startedAt: seen.wall)
        case .inquire(_, let identity, _):
            return .inquired(.init(of: identity, namedByKernel: false, memoryKills: nil, log: []))
        case .identify(_, let contact):
            let listener = processes.keys.sorted().first { member($0).ports.client == contact.port }
            return .answered(listener.flatMap(report).map(NodeReply.Outcome.report) ?? .refused)
        case .adopt(let node, let identity):
            return processes[node] == identity
                ? .process(identity, startedAt: seen.wall) : .failed("no such process")
        case .signal(let node, _, let signal):
            die(node, signal == .kill ? ProcessExit(signal: 9) : ProcessExit(code: 0))
        case .killHung(let node, _, _): die(node)
        case .continueStopped(let node, _, _, _): answer(node)
        case .shutdown(let node, _, _): die(node, ProcessExit(code: 0))
        case .handOver(let candidate, _, _): takeOver(candidate)
        case .promote(let promotion, _): takeOver(promotion.replica)
        case .takeOver(let birth, _): takeOverFromGhost(birth.replica)
        case .migrateSlots(let migration, _, _):
            // What was heard in the same instant does not count as heard after it.
            pass(.milliseconds(10))
            let open = openSlots(of: migration.source).union(openSlots(of: migration.target))
            let slots = migration.isEnding ? migration.slots.intersection(open) : migration.slots
            if !slots.isEmpty { give(slots, to: migration.target) }
            return .migrated(
                MigratedKeys(
                    keys: Int64(slots.count), time: .milliseconds(10), keysPerCall: 10, whole: migration.part))
        case .returnKeys(let migration, _, _):
            pass(.milliseconds(10))
            close(migration.slots, at: migration.source)
        case .countKeys(let node, _, let slots):
            return .counted((keysBySlot[node] ?? [:]).filter { slots.contains($0.key) })
        case .forget(let node, _, let ids):
            editFile(of: node) { file in file.view.entries.removeAll { ids.contains($0.id) } }
        case .askSettings(let node, _, _): return .settings(settings[node] ?? [:])
        case .inspect:
            return .inspected(
                HostInspection(askedAt: now, engine: seen.engine, quarantineBytes: 0, quarantineFolders: 0))
        case .measureLogs(let logs):
            let bytes = Dictionary(uniqueKeysWithValues: logs.map { ($0.node, logBytes[$0.node] ?? 0) })
            return .measured(LogLengths(askedAt: now, bytes: bytes))
        case .measureUsage(let processes): return .used(measured(processes))
        case .limitMemory(let node, _, let bytes): usage[node]?.memory?.limit = bytes
        case .rotateLog(let rotation): logBytes[rotation.node] = 0
        case .makeReserve(let folder): resizeReserve(in: folder, by: Reserve.bytes)
        case .releaseReserve(let folder): resizeReserve(in: folder, by: -Reserve.bytes)
        case .configure(let node, _, "port", let port):
            settings[node]?["port"] = port
            listening[node] = listening[node].map { _ in Int(port).map { [$0, $0 + 10000] } ?? [] }
        case .examine(_, let process, let path):
            return .examined(.init(of: process, path: path, bytes: 100, goodBytes: 78))
        case .writeManifest(let write):
            disk[write.directory]?.content.appendOnly?.trouble = nil
            disk[write.directory]?.content.appendOnly?.lacksManifest = false
        case .copyDump:
            return .copied(DumpCopy(bytes: 100, checksum: "0123456789abcdef", header: RDBHeader(formatVersion: 10)))
        case .prepareBackup, .openDump, .finishBackup, .discardBackup, .pruneBackups: break
        case .ask, .announce, .release, .discardCopy, .preserve, .replicate, .meet, .configure, .repairAppendOnly,
            .closeSlot, .addSlots, .save, .unpause, .loadCertificates, .acceptPassword:
            break
        }
        return .done
    }

    /// Resource usage as set for these nodes; the other nodes use nothing and are in no cgroup.
    private func measured(_ processes: [NodeName: ProcessIdentity]) -> HostUsage {
        var nodes: [NodeName: NodeUsage] = [:]
        for (node, process) in processes {
            nodes[node] = usage[node] ?? NodeUsage(of: process, cpu: .zero, residentBytes: 0)
            nodes[node]?.of = process
        }
        return HostUsage(askedAt: now, nodes: nodes, delegation: delegation)
    }

    /// The effect succeeded, or failed, now.
    mutating func note(_ effect: Effect, failure: String?) {
        begin(effect)
        end(effect, failure.map(Outcome.failed) ?? .done)
    }

    /// The effect is in progress.
    mutating func begin(_ effect: Effect) { seen.begin(effect, at: now) }

    private mutating func end(_ effect: Effect, _ outcome: Outcome) {
        seen.note(.ended(effect, outcome), given: record, using: &random, at: now, wall: seen.wall)
    }

    /// The holder of these ports; nil: clusterd reserves them.
    private func taken(_ pair: PortPair) -> Outcome.Taken? {
        guard let port = [pair.client, pair.bus].first(where: { busyPorts[$0] != nil }) else { return nil }
        return Outcome.Taken(port: port, sentence: "\(port) is in use by \(busyPorts[port] ?? "")")
    }

    private mutating func resizeReserve(in folder: String, by bytes: Int64) {
        guard let index = seen.disks.firstIndex(where: { $0.folder == folder }) else { return }
        seen.disks[index].reserve += bytes
        seen.disks[index].free -= bytes
    }

    private mutating func quarantine(_ move: Effect.Quarantine) {
        for file in move.files { disk["\(move.directory)/\(file)"] = nil }
        guard var facts = disk[move.directory] else { return }
        if let name = facts.nodesFileName, move.files.contains(name) {
            facts.nodesFile = .absent
            facts.nodesFileName = nil
        }
        if let conf = facts.redisConf, move.files.contains(conf.fileName) { facts.redisConf = nil }
        facts.content.dumps.removeAll { move.files.contains($0.name) }
        if let folder = facts.content.appendOnly?.directoryName, move.files.contains(folder) {
            facts.content.appendOnly = nil
        }
        disk[move.directory] = facts
    }

    // MARK: processes

    /// The node is queried on a port on which it does not listen.
    mutating func refuse(_ node: NodeName) {
        guard case .running(let process) = seen.processes[node] else { return }
        seen.replies[node] = NodeReply(askedAt: now, answeredAt: now, of: process.identity, outcome: .refused)
    }

    /// A process ends, and clusterd reaps it.
    mutating func die(
        _ node: NodeName, _ exit: ProcessExit = ProcessExit(signal: 9), log: [String] = [], failures: Int = 1
    ) {
        var last = lastReports[node]
        if case .report(let report)? = seen.replies[node]?.outcome { last = report }
        if last?.processID != processes[node]?.pid { last = nil }
        let reason = ExitReason(exit: exit, log: log)
        let ended = NodeProcess.Exited(
            identity: processes.removeValue(forKey: node), at: now, wall: seen.wall, reason: reason,
            failures: reason.kind == .clean ? 0 : failures, jitter: 0, lastReport: last)
        deaths[node] = now
        seen.note(ended, of: node, given: record)
    }

    /// A replica becomes master; running nodes learn it at once, and save it.
    /// Every node hears of it at once; one that does not run, when it starts.
    private mutating func takeOverFromGhost(_ node: NodeName) {
        let id = member(node).id
        let epoch = processes.keys.compactMap { report($0)?.currentEpoch }.max() ?? 0
        for name in record?.members.map(\.name) ?? [] {
            editFile(of: name) { file in
                guard let mine = file.view.entries.firstIndex(where: { $0.id == id }) else { return }
                file.currentEpoch = epoch + 1
                guard let ghost = file.view.entries.firstIndex(where: { $0.id == id.ghost }) else { return }
                file.view.entries[mine].slots = file.view.entries[ghost].slots
                file.view.entries[ghost].slots = SlotSet()
                file.view.entries[mine].flags.remove(.replica)
                file.view.entries[mine].flags.insert(.master)
                file.view.entries[mine].masterID = nil
                file.view.entries[mine].configEpoch = epoch + 1
            }
        }
    }

    private mutating func editFile(of node: NodeName, _ change: (inout NodesFile) -> Void) {
        guard case .parsed(var file)? = disk[member(node).directory]?.nodesFile else { return }
        change(&file)
        disk[member(node).directory]?.nodesFile = .parsed(file)
    }

    mutating func takeOver(_ candidate: NodeName) {
        let shard = member(candidate).shard
        masters[shard] = candidate
        epochs[shard] = (epochs.max() ?? 0) + 1
        for name in processes.keys {
            let file = file(name)
            disk[member(name).directory]?.nodesFile = .parsed(file)
        }
        seen.rolesChanged = now
    }
}
