import ClusterModel
import Planner

/// The turns, without a clock or a thread: it notes events, calls `decide`, and returns the record to store and the effects to
/// perform. The daemon's loop and the simulator drive this same value.
package struct Cycle: Sendable {
    package private(set) var spec: ClusterSpec
    /// As last decided; `stored` is the one on disk.
    package private(set) var record: Record?
    package private(set) var stored: Record?
    /// Nodes whose place on disk is uncertain: a record whose write was not confirmed has a different place than `stored`.
    private var uncertain: Set<NodeName> = []
    package private(set) var seen: Observation
    package private(set) var decision: Decision
    private var random: SplitMix64
    /// The latest time of the next turn; nil while one is being prepared.
    private var expected: Moment?
    /// Since when answers that say nothing new wait for a turn.
    private var putOffSince: Moment?
    package var lastExits: [NodeName: NodeProcess.Exited] { seen.lastExits }

    package init(
        spec: ClusterSpec, record: Record?, engine: Engine, bootID: String, now: Moment, wall: WallTime, entropy: UInt64
    ) {
        self.spec = spec
        self.record = record
        stored = record
        random = SplitMix64(seed: entropy)
        seen = Observation(bootID: bootID, wall: wall, entropy: 0, engine: engine, began: now)
        decision = Decision(record: record)
        for member in record?.members ?? [] { seen.failures[member.name] = member.ends?.inARow }
    }

    /// The orders of one turn to the hands: the record first, if there is one to store, then the effects.
    package struct Orders: Sendable {
        package var record: Record?
        package var effects: [Effect]
    }

    package mutating func note(_ event: Event, at now: Moment, wall: WallTime) {
        arrive(at: now)
        if case .configured(let plan) = event { spec = plan.spec }
        seen.note(event, given: record, using: &random, at: now, wall: wall)
    }

    /// Notes what needs no turn: the next one is due as before.
    package mutating func noteRoutine(_ event: Event, at now: Moment, wall: WallTime) {
        seen.note(event, given: record, using: &random, at: now, wall: wall)
    }

    package var isAtRest: Bool { seen.isAtRest(given: record) }

    /// The moment of the turn that decides on what was noted; nil: now, because every node that was asked has answered, or for too long
    /// one has not.
    package mutating func putOff(at now: Moment) -> Moment? {
        let limit = min((putOffSince ?? now) + Observation.patience, decision.wake ?? now + Observation.patience)
        guard !seen.asking.isEmpty, now < limit else { return nil }
        putOffSince = putOffSince ?? now
        expected = limit
        return limit
    }

    package mutating func keptAside(_ path: String) { seen.recordKeptAside = path }

    /// The folders in which the cluster stores anything, or will: the data folder and those of the nodes.
    package var folders: [String] {
        [spec.dataDirectory]
            + (record?.members.map(\.directory) ?? spec.nodesOwnFolders)
    }

    /// Decides, and notes the decision.
    package mutating func turn(at now: Moment, wall: WallTime) -> Orders {
        arrive(at: now)
        putOffSince = nil
        seen.wall = wall
        seen.entropy = random.next()
        decision = withholdingViolations(decide(spec, record, seeing: seen, at: now), given: record, seeing: seen)
        seen.wasReady = decision.assessment.ready
        seen.check.remember(decision.check.conditions, at: now)
        let changed = decision.record != stored ? decision.record : nil
        let (old, new) = (record?.members ?? [], decision.record?.members ?? [])
        if old != new {
            let names = Set(new.map(\.name))
            for member in old where !names.contains(member.name) { seen.forget(member.name) }
        }
        record = decision.record
        expected = min(decision.wake ?? now + .seconds(1), now + .seconds(1))
        return Orders(record: changed, effects: decision.effects)
    }

    /// Invariant: record-first. Begins the effects that need not wait until the record is written: questions to nodes, and
    /// promotions that replace proven dead masters. They run while the disk works.
    package mutating func releaseFirst(_ orders: Orders, at now: Moment) -> [Effect] {
        let effects = orders.effects.filter { $0.attributes.record == .before }
        for effect in effects { seen.begin(effect, at: now) }
        return effects
    }

    /// Begins the remaining effects that are allowed now, after the record was written or the write failed.
    package mutating func release(_ orders: Orders, _ write: RecordWrite, at now: Moment) -> [Effect] {
        if case .refused(let why) = write { seen.recordTrouble = why } else { seen.recordTrouble = nil }
        // The next attempt is in one second, even if the decision asked for an earlier turn.
        if write != .written { expected = now + .seconds(1) }
        if let record = orders.record { note(record, write) }
        let effects = orders.effects.filter { effect in
            effect.attributes.record != .before && (write == .written || mayGoOn(effect))
        }
        for effect in effects { seen.begin(effect, at: now) }
        return effects
    }

    /// A write that is late, or that fails at its last step, may still have put its record on disk. Until a write returns, the disk
    /// holds one of several records.
    private mutating func note(_ record: Record, _ write: RecordWrite) {
        guard write != .written else {
            stored = record
            uncertain = []
            return
        }
        for member in record.members where !hasSamePlace(member, in: stored) { uncertain.insert(member.name) }
    }

    /// How long the loop waits for the write of the record. While it waits, a master that dies is not replaced. Therefore it waits
    /// briefly if no effect of the turn depends on the record, and longer before there is a cluster.
    package func recordLimit(_ orders: Orders) -> Duration {
        guard stored?.stage == .formed else { return .seconds(10) }
        return orders.effects.contains { $0.attributes.record != .before } ? .seconds(1) : .milliseconds(200)
    }

    /// Whether an effect may run although the record cannot be written. Effects that create ids or ports wait. Replacing proven dead
    /// masters, restarting nodes that the record on disk knows, and stopping continue.
    private func mayGoOn(_ effect: Effect) -> Bool {
        let attributes = effect.attributes
        return switch attributes.record {
        case .before, .after: true
        case .ifPlaceIsWritten: attributes.node.map { isStored($0) } ?? false
        case .ifWritten: false
        }
    }

    /// Whether the record on disk has this node with its current folder, ports and data.
    private func isStored(_ node: NodeName) -> Bool {
        guard stored?.stage == .formed, !uncertain.contains(node), let now = record?.member(node) else { return false }
        return hasSamePlace(now, in: stored)
    }

    private func hasSamePlace(_ member: Member, in record: Record?) -> Bool {
        guard let then = record?.member(member.name) else { return false }
        return then.ports == member.ports && then.directory == member.directory && !then.joining
    }
}

extension Cycle {
    /// Called with the first event after a turn: checks whether it is late.
    private mutating func arrive(at now: Moment) {
        guard let due = expected else { return }
        expected = nil
        if now - due > Observation.lateLimit { seen.noteLateness(of: now - due, at: now) }
    }

    /// Takes a record that a request changed. The next turn stores it and acts on it.
    package mutating func admit(_ record: Record) { self.record = record }

    /// The operator requested a check: every node is queried again.
    package mutating func askForCheck(at now: Moment) { seen.check.asked = now }

    /// The operator requested a plan of repairs: keys in slots of other nodes are searched for.
    package mutating func askForKeys(at now: Moment) { seen.check.keysAsked = now }

    /// How a node's last process ended: as observed, or as the record has it, which may have more information by now.
    package func lastEnd(of member: Member) -> NodeEnd? {
        let kept = record?.member(member.name)?.ends?.last
        guard let seen = lastExits[member.name].flatMap({ NodeEnd($0) }) else { return kept }
        return kept?.identity == seen.identity ? kept : seen
    }
}
