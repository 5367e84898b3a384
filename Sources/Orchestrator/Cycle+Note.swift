import ClusterModel
import Planner

/// Updates the observation with events.
extension Cycle {
    package mutating func note(_ event: Event, at now: Moment, wall: WallTime) {
        arrive(at: now)
        switch event {
        case .ended(let effect, let outcome): ended(effect, outcome, at: now, wall: wall)
        case .exited(let node, let identity, let reason): exited(node, identity, reason, at: now, wall: wall)
        case .intent(let intent): note(intent)
        case .disks(let disks): seen.note(disks, at: now)
        case .host(let facts):
            if facts.asleep - seen.host.asleep > Self.lateLimit { late(by: facts.asleep - seen.host.asleep, at: now) }
            seen.host = facts
        case .explained(let node, let identity, let reason): explained(node, identity, reason)
        case .overdue(let work): seen.overdue = work
        case .configured(let plan):
            configure(plan, at: now)
            seen.configured = now
        case .timelineTrouble(let why): seen.timelineTrouble = why
        }
    }

    package mutating func keptAside(_ path: String) { seen.recordKeptAside = path }

    /// A stop cannot be withdrawn, and a second request does not restart its clock.
    private mutating func note(_ intent: Observation.DaemonIntent) {
        switch (seen.intent, intent) {
        case (.stop(let asked, let kill), .stop(_, let killNow)):
            seen.intent = .stop(asked: asked, kill: kill || killNow)
        case (.stop, _): break
        default: seen.intent = intent
        }
    }

    private mutating func ended(_ effect: Effect, _ outcome: Outcome, at now: Moment, wall: WallTime) {
        if case .ask(let node, let contact) = effect {
            answered(node, contact, outcome, at: now)
            return
        }
        if case .askSettings(let node, let contact, _) = effect {
            noteSettings(effect.key, node, contact.process, outcome, at: now)
            return
        }
        seen.effects[effect.key]?.ended = now
        seen.effects[effect.key]?.failure = outcome.failure
        touch(effect, at: now)
        guard outcome.failure == nil else { return }
        switch (effect, outcome) {
        case (.survey, .surveyed(let survey)):
            if seen.survey.map({ $0.askedAt < survey.askedAt }) ?? true { seen.survey = survey }
            seen.effects[effect.key] = nil
        case (.inspect, .inspected(let inspection)):
            seen.check.inspection = inspection
            seen.effects[effect.key] = nil
        case (.reserve, .reserved(let states)):
            reserved(states, at: now)
            seen.effects[effect.key] = nil
        case (.release(let pairs), _):
            for pair in pairs { seen.ports[pair] = nil }
            seen.effects[effect.key] = nil
        case (.makeReserve, _), (.releaseReserve, _): seen.effects[effect.key] = nil
        case (.measureLogs, .measured(let lengths)): seen.logs = lengths
        case (.measureUsage, .used(let usage)):
            seen.usage = usage
            seen.effects[effect.key] = nil
        case (.rotateLog(let rotation), _):
            seen.logs?.bytes[rotation.node] = 0
            seen.effects[effect.key] = nil
        case (.identify(_, let contact), .answered(let answer)):
            let askedAt = seen.effects[effect.key]?.began ?? now
            seen.identified[contact.process] = NodeReply(
                askedAt: askedAt, answeredAt: now, of: contact.process, outcome: answer)
        case (.inquire(let node, _, _), .inquired(let inquiry)):
            seen.inquiries[node] = inquiry
            seen.effects[effect.key] = nil
        case (.examine(let node, _, _), .examined(let examination)):
            seen.examinations[node] = examination
            seen.effects[effect.key] = nil
        case (.writeFiles(let files), _):
            seen.written[files.node] = RedisConfFacts(fileName: "redis.conf", files.redisConf)
        case (.start(let start), .process(let identity, let startedAt)):
            began(start.node, identity, startedAt, adopted: false, at: now)
            seen.starts[start.node, default: 0] += 1
        case (.adopt(let node, _), .process(let identity, let startedAt)):
            seen.identified[identity] = nil
            began(node, identity, startedAt, adopted: true, at: now)
        default: break
        }
    }

    /// A failed question counts as asked: it is repeated at the usual interval.
    private mutating func noteSettings(
        _ key: EffectKey, _ node: NodeName, _ process: ProcessIdentity, _ outcome: Outcome, at now: Moment
    ) {
        let askedAt = seen.effects.removeValue(forKey: key)?.began ?? now
        guard case .running(let running) = seen.processes[node], running.identity == process else { return }
        var reply = SettingsReply(askedAt: askedAt, of: process, values: [:])
        if case .settings(let values, let login, let script) = outcome {
            (reply.values, reply.loginRefused, reply.scriptRefused) = (values, login, script)
        }
        seen.check.settings[node] = reply
    }

    private mutating func reserved(_ states: [PortPair: Outcome.Taken?], at now: Moment) {
        for (pair, taken) in states {
            guard let taken else {
                seen.ports[pair] = .reserved
                continue
            }
            var busy = Observation.Busy(
                port: taken.port, sentence: taken.sentence, holder: taken.holder, since: now, askedAt: now)
            if case .busy(let before) = seen.ports[pair] {
                busy.since = before.since
                if before.holder == taken.holder { busy.heldSince = before.heldSince }
            }
            seen.ports[pair] = .busy(busy)
        }
    }

    private mutating func began(
        _ node: NodeName, _ identity: ProcessIdentity, _ startedAt: WallTime, adopted: Bool, at now: Moment
    ) {
        seen.vitals[node] = Vitals(of: identity)
        seen.processes[node] = .running(
            .init(identity: identity, since: now, startedAt: startedAt, adopted: adopted))
        seen.replies[node] = nil
        // Its data are now those of its files.
        seen.lastInSync[node] = nil
        seen.changed[node] = now
        // Effects on its earlier processes and files no longer count.
        for (key, history) in seen.effects where history.node == node && !history.isUnderWay {
            seen.effects[key] = nil
        }
        if let early = earlyExits.removeValue(forKey: identity) {
            exited(node, identity, early, at: now, wall: startedAt)
        }
    }

    private mutating func exited(
        _ node: NodeName, _ identity: ProcessIdentity, _ reason: ExitReason, at now: Moment, wall: WallTime
    ) {
        guard case .running(let process) = seen.processes[node], process.identity == identity else {
            // It exited before the event of its start arrived.
            earlyExits[identity] = reason
            return
        }
        let reason = record?.kills.first { $0.process == identity }.map { reason.killed(by: $0) } ?? reason
        var ran = now - process.since
        if process.adopted { ran = max(ran, .milliseconds(wall.milliseconds - process.startedAt.milliseconds)) }
        let count = ran >= RestartPolicy.stableTime ? 0 : failures[node] ?? 0
        let wasAsked = seen.wasAsked(node, identity, reason)
        failures[node] = wasAsked ? count : count + 1
        let last = lastReports[node].flatMap { $0.processID == identity.pid ? $0 : nil }
        var exit = NodeProcess.Exited(
            identity: identity, at: now, wall: wall, reason: reason, failures: failures[node] ?? 0,
            jitter: random.next(), lastReport: last)
        exit.ran = ran
        exit.wasAsked = wasAsked
        exit.memoryKillsBefore = seen.host.memoryKills
        if let before = lastExits[node], before.reason.kind == reason.kind { exit.repeats = before.repeats + 1 }
        seen.processes[node] = .exited(exit)
        seen.lastExits[node] = exit
        seen.asking[node] = nil
        seen.replies[node] = nil
        seen.vitals[node] = nil
        seen.changed[node] = now
        // Another process holds the port: it must be reserved again.
        if case .portTaken = reason.kind, let pair = record?.member(node)?.ports { seen.ports[pair] = nil }
    }

    /// Completes an exit that was reported before its log could be read, because the disk was slow.
    private mutating func explained(_ node: NodeName, _ identity: ProcessIdentity, _ reason: ExitReason) {
        guard earlyExits[identity] == nil else {
            earlyExits[identity] = reason
            return
        }
        guard var exit = seen.lastExits[node], exit.identity == identity else { return }
        exit.reason = record?.kills.first { $0.process == identity }.map { reason.killed(by: $0) } ?? reason
        seen.lastExits[node] = exit
        if case .exited(let last) = seen.processes[node], last.identity == identity {
            seen.processes[node] = .exited(exit)
        }
        if case .portTaken = reason.kind, let pair = record?.member(node)?.ports { seen.ports[pair] = nil }
    }

    private mutating func answered(_ node: NodeName, _ contact: Effect.Contact, _ outcome: Outcome, at now: Moment) {
        guard let askedAt = seen.asking.removeValue(forKey: node) else { return }
        guard case .running(let process) = seen.processes[node], process.identity == contact.process else { return }
        let answer: NodeReply.Outcome
        var activity: ProcessActivity?
        switch outcome {
        case .answered(let words): answer = words
        case .heard(let words, let seen): (answer, activity) = (words, seen)
        case .failed(let why): answer = .answered(why)
        default: return
        }
        if case .report(let report) = answer {
            lastReports[node] = report
            seen.note(report, of: node, askedAt: askedAt)
            compare(report, node, process.identity, now)
        }
        let reply = NodeReply(askedAt: askedAt, answeredAt: now, of: process.identity, outcome: answer)
        seen.replies[node] = reply
        seen.vitals[node, default: Vitals(of: process.identity)].note(reply, activity, listening: seen.listening)
    }

    /// Invariant: fresh-facts. After a role or an epoch changed, earlier answers of any node no longer count as evidence about
    /// roles.
    private mutating func compare(
        _ report: NodeReport, _ node: NodeName, _ identity: ProcessIdentity, _ now: Moment
    ) {
        guard let before = seen.replies[node], before.of == identity, case .report(let old) = before.outcome else {
            return
        }
        if old.view == report.view, old.currentEpoch == report.currentEpoch,
            old.replication.role == report.replication.role
        {
            return
        }
        if RoleFacts(old) != RoleFacts(report) { seen.rolesChanged = now }
    }
}

/// A node's view of all roles, without ping times and the like.
private struct RoleFacts: Equatable {
    var role: Role
    var epoch: UInt64
    var nodes: [NodeID: Fact]

    struct Fact: Equatable {
        var flags: NodeEntry.Flags
        var masterID: NodeID?
        var epoch: UInt64
    }

    init(_ report: NodeReport) {
        role = report.replication.role
        epoch = report.currentEpoch
        nodes = [:]
        for entry in report.view.entries {
            nodes[entry.id] = Fact(
                flags: entry.flags.intersection([.master, .replica]), masterID: entry.masterID, epoch: entry.configEpoch
            )
        }
    }
}
