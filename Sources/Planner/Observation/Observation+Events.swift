import ClusterModel

/// How events become observations. No policy runs here: `decide` reads the result. The loop, the simulator and the table tests share
/// these methods.
extension Observation {
    /// - Parameters:
    ///   - record: As last decided.
    ///   - random: An exit gets its jitter from it.
    package mutating func note(
        _ event: Event, given record: Record?, using random: inout SplitMix64, at now: Moment, wall: WallTime
    ) {
        switch event {
        case .ended(let effect, let outcome):
            noteEnd(of: effect, outcome, given: record, using: &random, at: now)
        case .exited(let node, let identity, let reason):
            noteExit(of: node, identity, reason, given: record, using: &random, at: now, wall: wall)
        case .intent(let intent): note(intent)
        case .disks(let disks): note(disks, at: now)
        case .host(let facts):
            if facts.asleep - host.asleep > Self.lateLimit { noteLateness(of: facts.asleep - host.asleep, at: now) }
            host = facts
        case .explained(let node, let identity, let reason): noteExplanation(of: node, identity, reason, given: record)
        case .overdue(let work): overdue = work
        case .configured(let plan):
            reload = ReloadFacts(plan, after: reload, at: now)
            configured = now
            if let engine = plan.engine {
                self.engine = engine
                check.inspection?.engine = engine
            }
        case .timelineTrouble(let why): timelineTrouble = why
        }
    }

    // MARK: the daemon and its host

    /// A turn that is later than this was delayed: this process did not run, or got too little CPU time.
    package static let lateLimit = Duration.milliseconds(250)

    /// Earlier questions are no evidence of silence: their answers may be unread in the sockets.
    package mutating func noteLateness(of delay: Duration, at now: Moment) {
        listening = now
        lateness = Lateness(at: now, by: delay)
        for node in vitals.keys { vitals[node]?.startAnew() }
    }

    /// A stop cannot be withdrawn, and a second request does not restart its clock.
    private mutating func note(_ new: DaemonIntent) {
        switch (intent, new) {
        case (.stop(let asked, let kill), .stop(_, let killNow)): intent = .stop(asked: asked, kill: kill || killNow)
        case (.stop, _): break
        default: intent = new
        }
    }

    package mutating func note(_ disks: [Disk], at moment: Moment) {
        self.disks = disks
        for folder in disks.filter(\.isFull).flatMap(\.folders) { filledAt[folder] = moment }
    }

    // MARK: effects

    package mutating func begin(_ effect: Effect, at now: Moment) {
        if case .ask(let node, _) = effect {
            asking[node] = now
            return
        }
        let key = effect.key
        let attempts = (effects[key]?.attempts ?? 0) + 1
        effects[key] = EffectHistory(node: effect.node, began: now, attempts: attempts)
        touch(effect, at: now)
    }

    /// Invariant: fresh-facts. An answer to a question from before an effect is no evidence after it.
    private mutating func touch(_ effect: Effect, at now: Moment) {
        if let node = effect.node { changed[node] = now }
        if effect.attributes.changesRoles { rolesChanged = now }
    }

    private mutating func noteEnd(
        of effect: Effect, _ outcome: Outcome, given record: Record?, using random: inout SplitMix64, at now: Moment
    ) {
        if case .ask(let node, let contact) = effect {
            noteAnswer(of: node, contact, outcome, at: now)
            return
        }
        let key = effect.key
        if case .askSettings(let node, let contact, _) = effect {
            noteSettings(key, node, contact.process, outcome, at: now)
            return
        }
        effects[key]?.ended = now
        effects[key]?.failure = outcome.failure
        touch(effect, at: now)
        guard outcome.failure == nil else { return }
        switch (effect, outcome) {
        case (.survey, .surveyed(let new)):
            if survey.map({ $0.askedAt < new.askedAt }) ?? true { survey = new }
            effects[key] = nil
        case (.inspect, .inspected(let inspection)):
            check.inspection = inspection
            effects[key] = nil
        case (.reserve, .reserved(let states)):
            noteReserved(states, at: now)
            effects[key] = nil
        case (.release(let pairs), _):
            for pair in pairs { ports[pair] = nil }
            effects[key] = nil
        case (.makeReserve, _), (.releaseReserve, _): effects[key] = nil
        case (.measureLogs, .measured(let lengths)): logs = lengths
        case (.measureUsage, .used(let new)):
            usage = new
            effects[key] = nil
        case (.rotateLog(let rotation), _):
            logs?.bytes[rotation.node] = 0
            effects[key] = nil
        case (.identify(_, let contact), .answered(let answer)):
            let askedAt = effects[key]?.began ?? now
            identified[contact.process] = NodeReply(
                askedAt: askedAt, answeredAt: now, of: contact.process, outcome: answer)
        case (.inquire(let node, _, _), .inquired(let inquiry)):
            inquiries[node] = inquiry
            effects[key] = nil
        case (.examine(let node, _, _), .examined(let examination)):
            examinations[node] = examination
            effects[key] = nil
        case (.prepareBackup, _): forgetBackups(before: key)
        case (.copyDump(_, let order), .copied(let copy)): dumpCopies[order.file] = copy
        case (.migrateSlots(let migration, _, _), .migrated(let keys)),
            (.returnKeys(let migration, _, _), .migrated(let keys)):
            migrated[migration.operation, default: MigratedKeys(keys: 0, time: .zero, keysPerCall: 1)].add(keys)
            effects[key] = nil
        case (.countKeys(let node, let contact, let slots), .counted(let keys)):
            keyCounts[node] = KeyCount(
                askedAt: effects[key]?.began ?? now, of: contact.process, slots: slots, keys: keys)
            effects[key] = nil
        case (.writeFiles(let files), _):
            written[files.node] = RedisConfFacts(fileName: "redis.conf", files.redisConf)
        case (.start(let start), .process(let identity, let startedAt)):
            noteStart(of: start.node, identity, startedAt, adopted: false, given: record, using: &random, at: now)
            starts[start.node, default: 0] += 1
        case (.adopt(let node, _), .process(let identity, let startedAt)):
            identified[identity] = nil
            noteStart(of: node, identity, startedAt, adopted: true, given: record, using: &random, at: now)
        default: break
        }
    }

    /// One backup at a time is made: what is known of earlier ones serves nothing.
    private mutating func forgetBackups(before key: EffectKey) {
        dumpCopies = [:]
        let kinds: Set<EffectKey.Kind> = [
            .prepareBackup, .openDump, .copyDump, .finishBackup, .discardBackup, .pruneBackups,
        ]
        effects = effects.filter { $0.key == key || $0.value.isUnderWay || !kinds.contains($0.key.kind) }
    }

    /// A failed question counts as asked: it is repeated at the usual interval.
    private mutating func noteSettings(
        _ key: EffectKey, _ node: NodeName, _ process: ProcessIdentity, _ outcome: Outcome, at now: Moment
    ) {
        let askedAt = effects.removeValue(forKey: key)?.began ?? now
        guard case .running(let running) = processes[node], running.identity == process else { return }
        var reply = SettingsReply(askedAt: askedAt, of: process, values: [:])
        if case .settings(let values, let login, let script) = outcome {
            (reply.values, reply.loginRefused, reply.scriptRefused) = (values, login, script)
        }
        check.settings[node] = reply
    }

    private mutating func noteReserved(_ states: [PortPair: Outcome.Taken?], at now: Moment) {
        for (pair, taken) in states {
            guard let taken else {
                ports[pair] = .reserved
                continue
            }
            var busy = Busy(
                port: taken.port, sentence: taken.sentence, holder: taken.holder, since: now, askedAt: now)
            if case .busy(let before) = ports[pair] {
                busy.since = before.since
                if before.holder == taken.holder { busy.heldSince = before.heldSince }
            }
            ports[pair] = .busy(busy)
        }
    }
}
