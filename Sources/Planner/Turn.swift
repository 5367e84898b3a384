import ClusterModel

/// One call of `decide` in progress: the facts, which nothing changes, and the plan, which only the methods in this file change. The
/// policies are extensions of it, in the neighbouring folders; what one decides for another is in their signatures.
struct Turn {
    /// Behind one pointer, because each closure of a policy copies the turn.
    private final class Facts {
        let spec: ClusterSpec
        let seen: Observation
        /// Nodes with an effect in progress.
        let busy: Set<NodeName>
        /// The kinds of all effects that are remembered.
        let kinds: Set<EffectKey.Kind>
        let nodes: [NodeName: NodeFacts]
        /// The places of the members in the record, as the turn began.
        let places: [NodeName: Int]
        let placesOfIDs: [NodeID: Int]
        /// The places in the survey of the processes that use a folder, by their pids.
        let users: [Int32: Int]
        /// The settings of conf.d for every node.
        let sharedSettings: [ConfiguredSetting]

        init(_ spec: ClusterSpec, _ record: Record?, _ seen: Observation) {
            self.spec = spec
            self.seen = seen
            let members = record?.members ?? []
            places = Dictionary(members.indices.map { (members[$0].name, $0) }) { first, _ in first }
            placesOfIDs = Dictionary(members.indices.map { (members[$0].id, $0) }) { first, _ in first }
            sharedSettings = Turn.configuredSettings(spec)
            var busy = Set<NodeName>()
            var kinds = Set<EffectKey.Kind>()
            for (key, history) in seen.effects {
                kinds.insert(key.kind)
                if history.isUnderWay, let node = history.node { busy.insert(node) }
            }
            (self.busy, self.kinds) = (busy, kinds)
            var nodes: [NodeName: NodeFacts] = [:]
            nodes.reserveCapacity(seen.processes.count)
            for (name, process) in seen.processes { nodes[name] = NodeFacts(name, process, seen) }
            self.nodes = nodes
            let found = seen.survey?.users ?? []
            users = Dictionary(found.indices.map { (found[$0].identity.pid, $0) }) { first, _ in first }
        }
    }

    /// What is known of one node's process, looked up once a turn: the policies ask for it again and again.
    final class NodeFacts {
        let process: NodeProcess.Running?
        let exit: NodeProcess.Exited?
        /// Of the running process, like the others below.
        let reply: NodeReply?
        /// From that reply.
        let report: NodeReport?
        /// Whether the report was requested after everything that could have made it untrue.
        let isFresh: Bool
        let vitals: Vitals?
        let settings: SettingsReply?

        fileprivate init(_ name: NodeName, _ process: NodeProcess, _ seen: Observation) {
            switch process {
            case .running(let running): (self.process, exit) = (running, nil)
            case .exited(let exited): (self.process, exit) = (nil, exited)
            }
            let identity = self.process?.identity
            reply = seen.replies[name].flatMap { $0.of == identity ? $0 : nil }
            if case .report(let report) = reply?.outcome { self.report = report } else { report = nil }
            isFresh = seen.report(name) != nil
            vitals = seen.vitals[name].flatMap { $0.of == identity ? $0 : nil }
            settings = seen.check.settings[name].flatMap { $0.of == identity ? $0 : nil }
        }
    }

    private let facts: Facts
    let now: Moment
    private(set) var decision: Decision
    var random: SplitMix64
    /// How often a node is queried while something changes, and at rest.
    static let pollInTransition = Duration.milliseconds(25)
    static let pollAtRest = Duration.seconds(1)
    static let pollWhileKeysMove = Duration.milliseconds(250)
    /// After this long without a change, a cluster that is not ready is queried less often.
    static let transitionLimit = Duration.seconds(15)
    static let pollUnready = Duration.milliseconds(250)

    init(_ spec: ClusterSpec, _ record: Record?, seeing seen: Observation, at now: Moment) {
        facts = Facts(spec, record, seen)
        self.now = now
        decision = Decision(record: record)
        random = SplitMix64(seed: seen.entropy)
    }

    var spec: ClusterSpec { _read { yield facts.spec } }
    var seen: Observation { _read { yield facts.seen } }
    var sharedSettings: [ConfiguredSetting] { facts.sharedSettings }

    // MARK: reporting

    mutating func emit(_ finding: Finding) { decision.findings.append(finding) }
    mutating func wait(_ reason: WaitReason) {
        // Updated with what is shown of it now.
        if let known = decision.waits.firstIndex(of: reason) {
            decision.waits[known] = reason
        } else {
            decision.waits.append(reason)
        }
    }
    mutating func wake(at moment: Moment) { decision.wake = min(decision.wake ?? moment, moment) }
    mutating func wake(after delay: Duration) { wake(at: now + delay) }

    // MARK: the plan

    /// Changes the record. The policies that follow in the same turn read the changed record.
    mutating func set<Value>(_ path: WritableKeyPath<Record, Value>, _ value: Value) {
        decision.record?[keyPath: path] = value
    }

    /// - Parameter index: the member's place in the record.
    mutating func set<Value>(_ path: WritableKeyPath<Member, Value>, _ value: Value, at index: Int) {
        decision.record?.members[index][keyPath: path] = value
    }

    mutating func setRecord(_ record: Record) { decision.record = record }

    mutating func give(_ verdict: Verdict) { decision.verdicts.append(verdict) }

    mutating func finish(_ end: Decision.End) { decision.end = end }
    mutating func refuse(_ refusal: Failure) { finish(.refused(refusal)) }

    /// While the cluster is being stopped, clusterd waits only for its end.
    mutating func forgetWaits() { decision.waits = [] }

    /// The state of the cluster, and the results of the checks: shown, and read by no order.
    var assessment: Assessment {
        get { decision.assessment }
        set { decision.assessment = newValue }
    }

    var check: CheckOutcome {
        get { decision.check }
        set { decision.check = newValue }
    }

    // MARK: effects

    enum Progress: Equatable {
        case underWay(since: Moment)
        case done(at: Moment)
        case failed(String, attempts: Int)
    }

    /// Orders an effect unless it was done, is under way, or failed too recently. The pause between attempts doubles from `retryAfter` to
    /// 32 times it. Some effects do not last: those are repeated `repeatAfter` they were done.
    @discardableResult
    mutating func ensure(
        _ effect: Effect, retryAfter: Duration = .milliseconds(200), repeatAfter: Duration? = nil
    ) -> Progress {
        guard let history = seen.effects[effect.key] else {
            order(effect)
            return .underWay(since: now)
        }
        guard let ended = history.ended else { return .underWay(since: history.began) }
        guard let failure = history.failure else {
            if let repeatAfter {
                if now >= ended + repeatAfter { order(effect) } else { wake(at: ended + repeatAfter) }
            }
            return .done(at: ended)
        }
        let due = ended + retryAfter * (1 << min(history.attempts - 1, 5))
        if now >= due { order(effect) } else { wake(at: due) }
        return .failed(failure, attempts: history.attempts)
    }

    /// Regardless of its history; `ensure` is the rule.
    mutating func order(_ effect: Effect) {
        if !decision.effects.contains(effect) { decision.effects.append(effect) }
    }

    /// An effect on this node is in progress: nothing else is ordered until it ended.
    func isBusy(_ node: NodeName) -> Bool { facts.busy.contains(node) || isOrdered(node) }

    /// Something is ordered in this turn: a second effect would execute in undefined order.
    func isOrdered(_ node: NodeName) -> Bool {
        decision.effects.contains { effect in
            if case .ask = effect { return false }
            return effect.node == node
        }
    }

    // MARK: facts

    var members: [Member] { decision.record?.members ?? [] }

    func find(_ name: NodeName) -> Member? { place(of: name).map { members[$0] } }

    func find(id: NodeID) -> Member? {
        guard let record = decision.record else { return nil }
        if let place = facts.placesOfIDs[id], place < record.members.count, record.members[place].id == id {
            return record.members[place]
        }
        return record.member(id: id)
    }

    /// In the record.
    func place(of name: NodeName) -> Int? {
        guard let record = decision.record else { return nil }
        if let place = facts.places[name], place < record.members.count, record.members[place].name == name {
            return place
        }
        return record.index(name)
    }

    func running(_ node: NodeName) -> NodeProcess.Running? { facts.nodes[node]?.process }
    func exited(_ node: NodeName) -> NodeProcess.Exited? { facts.nodes[node]?.exit }
    /// nil: no process of this node is known, whether it runs or not.
    func nodeFacts(_ node: NodeName) -> NodeFacts? { facts.nodes[node] }

    /// The answer of the running process to its last question.
    func lastReply(_ member: Member) -> NodeReply? { facts.nodes[member.name]?.reply }

    /// The report of a node if it is really that node that answers.
    func freshReply(from member: Member, since moment: Moment? = nil) -> NodeReport? {
        guard let node = facts.nodes[member.name], node.isFresh, let reply = node.reply, let report = node.report,
            report.processID == reply.of.pid, report.id == member.id, moment.map({ reply.askedAt >= $0 }) ?? true
        else { return nil }
        return report
    }

    /// What was done of this kind to this node, by key.
    func effects(_ kind: EffectKey.Kind, of node: NodeName) -> [EffectKey: EffectHistory] {
        remembers(kind) ? seen.effects(kind, of: node) : [:]
    }

    /// Whether an effect of this kind was ordered, and is remembered.
    func remembers(_ kind: EffectKey.Kind) -> Bool { facts.kinds.contains(kind) }

    /// The process, if it was seen to work in a folder of the cluster.
    func user(_ process: ProcessIdentity) -> Observation.DirectoryUser? {
        guard let users = seen.survey?.users, let place = facts.users[process.pid] else { return nil }
        return users[place].identity == process ? users[place] : users.first { $0.identity == process }
    }

    func contact(_ member: Member) -> Effect.Contact? {
        running(member.name).map {
            Effect.Contact(
                host: spec.connectHost, port: listeningPort(of: member, $0.identity), process: $0.identity)
        }
    }
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014): small, and the same on every machine.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
