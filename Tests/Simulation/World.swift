import ClusterModel
import Orchestrator
import Planner

/// Everything outside clusterd's loop, and the loop itself, under one clock and one seed.
final class World {
    enum Action {
        /// An effect ends, for the daemon of that generation.
        case effect(Effect, generation: Int)
        case tick(pid: Int32)
        case handOver(candidate: Int32)
        case exit(pid: Int32, code: Int32?, signal: Int32?, log: [String])
        /// A stopped process continues.
        case thaw(pid: Int32)
        /// An order reaches its node after clusterd has given up waiting for the reply.
        case late(Effect)
        case unanswered(Effect, generation: Int)
        case write
        /// The loop handles the events since its last turn.
        case turn
        case wake(at: Moment)
        case fault(Fault)
        /// The next command of a migration of slots.
        case migrate(Migration)
        /// A node tells another one which slots it owns.
        case pong(from: Int32, to: Int32)
    }

    var now = Moment.seconds(1)
    var queue = EventQueue<Action>()
    var random: SplitMix64
    var clock: SimulatedClock
    var host = SimulatedHost()
    var cycle: Cycle?
    var generation = 0
    var record: Record?
    /// Bound by the running daemon; released with it.
    var reservations = Set<PortPair>()
    var watched: [Int32: (node: NodeName, generation: Int)] = [:]
    var spec: ClusterSpec
    var story: [String] = []
    /// Its timeline; recorded only while the story is.
    var events: [(generation: Int, event: TimelineEvent)] = []
    private var detector: EventDetector?
    var tells: Bool
    var broken: [String] = []
    /// Processes that clusterd has continued, and those that are stopped again each time, until then.
    var continued = Set<Int32>()
    var keepsStopping: [Int32: Moment] = [:]
    var writes = Writes()
    var slots: TrackedSlots
    /// Won by the engine's own elections: the epoch, and the time.
    var elections: [UInt64: Moment] = [:]
    /// When each master last handed over to an elected replica.
    var handOvers: [NodeID: Moment] = [:]
    /// Shards whose writes are currently rejected by `min-replicas-to-write`, and since when.
    var refusesSince: [Int: Moment] = [:]
    var refusedWrites = 0
    var longestRefusal = Duration.zero
    /// Orders on slow connections, and to nodes that do not serve their sockets.
    var isSlow = false
    /// Whether disk space matters in this seed.
    var disksMatter = false
    var ended: Decision.End?
    /// The daemon is killed after it has begun this many effects.
    var killAfterEffects: Int?
    var effectsBegun = 0
    /// Events that the loop has not handled yet.
    private var inbox: [Event] = []
    private var turnIsDue = false
    /// How long the loop takes for a turn: events that happen meanwhile are handled together.
    private let turnTakes: Duration
    private var timer = Moment.seconds(0)
    private(set) var turns = 0
    private var turnsNow = 0
    private var lastTurn = Moment.seconds(0)

    init(seed: UInt64, spec: ClusterSpec, tells: Bool) {
        random = SplitMix64(seed: seed)
        clock = SimulatedClock(seed: seed)
        slots = TrackedSlots(seed: seed)
        turnTakes = [.microseconds(300), .milliseconds(1), .milliseconds(2), .milliseconds(3)][Int(seed / 3 % 4)]
        self.spec = spec
        self.tells = tells
    }

    func tell(_ words: @autoclosure () -> String) {
        guard tells else { return }
        let milliseconds = now.nanoseconds / 1_000_000
        story.append("\(milliseconds / 1000).\(String(1000 + milliseconds % 1000).dropFirst())  \(words())")
    }

    func breaks(_ rule: String) {
        tell("BROKEN: \(rule)")
        if !broken.contains(rule) { broken.append(rule) }
    }

    func milliseconds(_ range: ClosedRange<Int>) -> Duration {
        .microseconds(Int.random(in: range.lowerBound * 1000...range.upperBound * 1000, using: &random))
    }

    func after(_ range: ClosedRange<Int>, _ action: Action) { queue.add(action, at: now + milliseconds(range)) }

    // MARK: the daemon

    func startDaemon() {
        generation += 1
        reservations = []
        detector = tells ? EventDetector(began: now) : nil
        ended = nil
        tell("clusterd starts (\(generation))")
        cycle = Cycle(
            spec: spec, record: record, engine: writes.contents.engine,
            bootID: host.bootID, now: now, wall: wall, entropy: random.next())
        turn()
    }

    /// Effects in progress happen or do not; their results reach no daemon.
    func killDaemon() {
        guard cycle != nil else { return }
        tell("clusterd is killed")
        cycle = nil
        inbox = []
        let open = queue.remove { action in
            if case .effect = action { true } else { false }
        }
        for case .effect(let effect, _) in open where Bool.random(using: &random) { arrive(effect) }
    }

    func post(_ event: Event) {
        guard cycle != nil else { return }
        inbox.append(event)
        if now >= lastTurn + turnTakes { return turn() }
        if turnIsDue { return }
        turnIsDue = true
        queue.add(.turn, at: lastTurn + turnTakes)
    }

    func turn() {
        guard var cycle else { return }
        // Moved out while it changes: otherwise each of its parts would be copied.
        self.cycle = nil
        for event in inbox { cycle.note(event, at: now, wall: wall) }
        inbox = []
        if disksMatter { cycle.note(.disks(host.facts(of: cycle.folders)), at: now, wall: wall) }
        turnsNow = lastTurn == now ? turnsNow + 1 : 0
        lastTurn = now
        turns += 1
        if turnsNow > 2000 {
            self.cycle = cycle
            return breaks("the loop spins: \(cycle.decision.waits.first?.words ?? "nothing is waited for")")
        }
        let orders = cycle.turn(at: now, wall: wall)
        for rule in cycle.decision.withheld { breaks(rule) }
        let first = cycle.releaseFirst(orders, at: now)
        let write: RecordWrite =
            orders.record != nil && host.isFull(spec.dataDirectory) ? .refused(Self.noSpace) : .written
        if let new = orders.record, write == .written { record = new }
        let effects = first + cycle.release(orders, write, at: now)
        self.cycle = cycle
        for event in detector?.events(cycle, at: now) ?? [] {
            tell("* \(event.code.rawValue): \(event.message)")
            events.append((generation, event))
        }
        for effect in effects { begin(effect) }
        if let end = cycle.decision.end {
            tell("clusterd ends: \(end)")
            ended = end
            self.cycle = nil
            return
        }
        let wake = min(cycle.decision.wake ?? now + .seconds(1), now + .seconds(1))
        // Like a timer that each turn resets.
        timer = max(wake, now + .microseconds(100))
        queue.add(.wake(at: timer), at: timer)
        if let limit = killAfterEffects, effectsBegun >= limit {
            killAfterEffects = nil
            killDaemon()
            after(10...300, .fault(.startDaemon))
        }
    }

    private func begin(_ effect: Effect) {
        if case .ask = effect {
            after(0...2, .effect(effect, generation: generation))
            return
        }
        // A survey on which nothing depends takes no random number from a seed, as it would change its story.
        if case .measureUsage = effect {
            return queue.add(.effect(effect, generation: generation), at: now + .milliseconds(1))
        }
        tell("\(effect.key)")
        effectsBegun += 1
        if case .migrateSlots(let order, let from, let to) = effect {
            return beginMigration(effect, order, from: from, to: to)
        }
        stepClockSoon(after: effect)
        let isLate = isSlow && effect.isOrderToNode && Int.random(in: 0..<8, using: &random) == 0
        after(isLate ? 100...3000 : 0...20, .effect(effect, generation: generation))
    }

    /// An order reaches a node whether or not the daemon still waits for the reply: at once, or when the node serves
    /// its sockets.
    private func arrive(_ effect: Effect) {
        if let sleeper = sleeper(for: effect) { return queue.add(.late(effect), at: sleeper) }
        _ = carryOut(effect)
    }

    /// When the node handles an order; nil: at once, or never.
    private func sleeper(for effect: Effect) -> Moment? {
        guard effect.isOrderToNode, let node = effect.node, let port = record?.member(node)?.ports.client else {
            return nil
        }
        let engine = host.pids.compactMap { host.engines[$0] }.first { $0.ports.client == port && $0.listens(now) }
        guard let engine, !engine.isAwake(now) else { return nil }
        return max(engine.stoppedUntil ?? now, engine.busyUntil) + .microseconds(10)
    }

    private static let answerLimit = Duration.seconds(2)

    // MARK: time

    func step() {
        guard let (at, action) = queue.pop() else { return }
        now = max(now, at)
        switch action {
        case .effect(let effect, let generation):
            guard generation == self.generation, cycle != nil else { return }
            guard let due = sleeper(for: effect) else { return post(.ended(effect, carryOut(effect))) }
            // The order is in the node's socket; clusterd waits for the reply, with a limit.
            if due - now <= Self.answerLimit {
                queue.add(.effect(effect, generation: generation), at: due)
            } else {
                queue.add(.late(effect), at: due)
                queue.add(.unanswered(effect, generation: generation), at: now + Self.answerLimit)
            }
        case .unanswered(let effect, let generation):
            guard generation == self.generation, cycle != nil else { return }
            post(.ended(effect, .failed("it did not answer within 2 s")))
        case .late(let effect):
            tell("comes late: \(effect.key)")
            arrive(effect)
        case .thaw(let pid): thaw(pid)
        case .tick(let pid): tick(pid)
        case .handOver(let candidate): handOver(candidate)
        case .exit(let pid, let code, let signal, let log): exit(pid, code: code, signal: signal, log: log)
        case .write:
            for place in host.disks.indices { host.disks[place].shrink() }
            write()
            writeKeys()
            checkWriters()
            queue.add(.write, at: now + .milliseconds(23))
        case .turn:
            turnIsDue = false
            if !inbox.isEmpty { turn() }
        case .wake(let moment):
            if moment == timer { turn() }
        case .fault(let fault): happen(fault)
        case .migrate(let run): migrate(run)
        case .pong(let from, let to): pong(from: from, to: to)
        }
    }

    func exit(_ pid: Int32, code: Int32?, signal: Int32?, log: [String] = []) {
        if code == 0, let engine = host.engines[pid] { saveAtEnd(engine) }
        guard let engine = host.bury(pid) else { return }
        tell("\(engine.ports.client) (pid \(pid)) ends: \(signal.map { "signal \($0)" } ?? "code \(code ?? 0)")")
        guard let watcher = watched.removeValue(forKey: pid), watcher.generation == generation else { return }
        post(
            .exited(
                watcher.node, engine.identity, ExitReason(exit: ProcessExit(code: code, signal: signal), log: log)))
    }
}
