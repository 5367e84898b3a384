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

    mutating func perform(_ effect: Effect) {
        if case .ask(let node, let contact) = effect {
            if let ports = listening[node], !ports.contains(contact.port) { return refuse(node) }
            return answer(node)
        }
        if case .askSettings(let node, let contact, _) = effect {
            seen.check.settings[node] = SettingsReply(askedAt: now, of: contact.process, values: settings[node] ?? [:])
            return
        }
        if case .inspect = effect {
            seen.check.inspection = HostInspection(
                askedAt: now, engine: seen.engine, quarantineBytes: 0, quarantineFolders: 0)
            return
        }
        note(effect, failure: nil)
        switch effect {
        case .survey:
            look()
            seen.effects[effect.key] = nil
        case .reserve(let pairs, _):
            for pair in pairs { reserve(pair) }
            seen.effects[effect.key] = nil
        case .release(let pairs): for pair in pairs { seen.ports[pair] = nil }
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
            seen.written[files.node] = disk[files.directory]?.redisConf
        case .start(let start):
            starts[start.node, default: 0] += 1
            // Its files hold no stream; a replica joins its master's.
            streams[start.node] = "stream \(starts[start.node] ?? 1) of \(start.node)"
            seen.starts[start.node, default: 0] += 1
            began(start.node, Self.identity(start.node, life: starts[start.node] ?? 1), adopted: false)
        case .inquire(let node, let identity, _):
            seen.inquiries[node] = .init(of: identity, namedByKernel: false, memoryKills: nil, log: [])
            seen.effects[effect.key] = nil
        case .identify(_, let contact):
            let listener = processes.keys.sorted().first { member($0).ports.client == contact.port }
            let answer = listener.flatMap(report).map(NodeReply.Outcome.report) ?? .refused
            seen.identified[contact.process] = NodeReply(
                askedAt: now, answeredAt: now, of: contact.process, outcome: answer)
        case .adopt(let node, let identity):
            if processes[node] == identity {
                began(node, identity, adopted: true)
            } else {
                seen.effects[effect.key]?.failure = "no such process"
            }
        case .signal(let node, _, let signal):
            die(node, signal == .kill ? ProcessExit(signal: 9) : ProcessExit(code: 0))
        case .killHung(let node, _, _): die(node)
        case .continueStopped(let node, _, _, _): answer(node)
        case .shutdown(let node, _, _): die(node, ProcessExit(code: 0))
        case .handOver(let candidate, _, _): takeOver(candidate)
        case .promote(let promotion, _): takeOver(promotion.replica)
        case .measureLogs(let logs):
            seen.logs = LogLengths(
                askedAt: now, bytes: Dictionary(uniqueKeysWithValues: logs.map { ($0.node, logBytes[$0.node] ?? 0) }))
        case .measureUsage(let processes):
            measure(processes)
            seen.effects[effect.key] = nil
        case .limitMemory(let node, _, let bytes): usage[node]?.memory?.limit = bytes
        case .rotateLog(let rotation):
            logBytes[rotation.node] = 0
            seen.logs?.bytes[rotation.node] = 0
            seen.effects[effect.key] = nil
        case .discardCopy: break
        case .makeReserve(let folder):
            resizeReserve(in: folder, by: Reserve.bytes)
            seen.effects[effect.key] = nil
        case .releaseReserve(let folder):
            resizeReserve(in: folder, by: -Reserve.bytes)
            seen.effects[effect.key] = nil
        case .configure(let node, _, "port", let port):
            settings[node]?["port"] = port
            listening[node] = listening[node].map { _ in Int(port).map { [$0, $0 + 10000] } ?? [] }
        case .preserve, .replicate, .meet, .configure, .ask, .askSettings, .inspect: break
        case .examine(let node, let process, let path):
            seen.examinations[node] = .init(of: process, path: path, bytes: 100, goodBytes: 78)
            seen.effects[effect.key] = nil
        case .writeManifest(let write):
            disk[write.directory]?.content.appendOnly?.trouble = nil
            disk[write.directory]?.content.appendOnly?.lacksManifest = false
        case .repairAppendOnly, .forget, .closeSlot, .addSlots, .save, .unpause, .loadCertificates, .acceptPassword:
            break
        }
    }

    /// Resource usage as set for these nodes; the other nodes use nothing and are in no cgroup.
    private mutating func measure(_ processes: [NodeName: ProcessIdentity]) {
        var nodes: [NodeName: NodeUsage] = [:]
        for (node, process) in processes {
            nodes[node] = usage[node] ?? NodeUsage(of: process, cpu: .zero, residentBytes: 0)
            nodes[node]?.of = process
        }
        seen.usage = HostUsage(askedAt: now, nodes: nodes, delegation: delegation)
    }

    /// The effect succeeded, or failed, now.
    mutating func note(_ effect: Effect, failure: String?) {
        begin(effect)
        seen.effects[effect.key]?.ended = now
        seen.effects[effect.key]?.failure = failure
    }

    /// The effect is in progress.
    mutating func begin(_ effect: Effect) {
        let attempts = (seen.effects[effect.key]?.attempts ?? 0) + 1
        seen.effects[effect.key] = EffectHistory(node: effect.node, began: now, attempts: attempts)
        if let node = effect.node { seen.changed[node] = now }
        if effect.attributes.changesRoles { seen.rolesChanged = now }
    }

    private mutating func reserve(_ pair: PortPair) {
        guard let port = [pair.client, pair.bus].first(where: { busyPorts[$0] != nil }) else {
            return seen.ports[pair] = .reserved
        }
        var since = now
        if case .busy(let before) = seen.ports[pair] { since = before.since }
        let sentence = "\(port) is in use by \(busyPorts[port] ?? "")"
        seen.ports[pair] = .busy(.init(port: port, sentence: sentence, since: since, askedAt: now))
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

    private mutating func began(_ node: NodeName, _ identity: ProcessIdentity, adopted: Bool) {
        processes[node] = identity
        seen.vitals[node] = nil
        seen.identified[identity] = nil
        seen.processes[node] = .running(
            .init(identity: identity, since: now, startedAt: seen.wall, adopted: adopted))
        seen.replies[node] = nil
        seen.lastInSync[node] = nil
        seen.changed[node] = now
        for (key, history) in seen.effects where history.node == node && !history.isUnderWay {
            seen.effects[key] = nil
        }
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
        seen.processes[node] = .exited(ended)
        seen.lastExits[node] = ended
        seen.replies[node] = nil
        seen.changed[node] = now
        if case .portTaken = reason.kind { seen.ports[member(node).ports] = nil }
    }

    /// A replica becomes master; running nodes learn it at once, and save it.
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
