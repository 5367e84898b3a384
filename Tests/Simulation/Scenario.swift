import ClusterModel
import Orchestrator
import Planner

/// The life of a cluster in one seed: it forms, faults occur, the faults end, it must become ready, it is stopped, and
/// started again.
package struct Scenario {
    package struct Report {
        package var seed: UInt64
        package var broken: [String]
        package var story: [String]
        /// The elapsed virtual seconds.
        package var seconds: Double
        /// Turns of the loop, with one decision each.
        package var turns: Int
    }

    /// Invariants: ready-is-true, bounded-wait. After the last fault the cluster must be ready within this time.
    static let convergence = Duration.seconds(60)

    /// Invariant: bounded-wait. For operations, each of which has waits with limits of their own.
    static let patience = Duration.seconds(600)

    private let world: World
    let seed: UInt64

    package static func run(seed: UInt64, tells: Bool = false) -> Report {
        let (scenario, random) = make(seed: seed, tells: tells)
        return scenario.run(random)
    }

    /// Its timeline, and the daemon's life of each event.
    static func timeline(seed: UInt64) -> [(generation: Int, event: TimelineEvent)] {
        let (scenario, random) = make(seed: seed, tells: true)
        _ = scenario.run(random)
        return scenario.world.events
    }

    private static func make(seed: UInt64, tells: Bool) -> (Scenario, SplitMix64) {
        var random = SplitMix64(seed: seed &* 0x9E37_79B9)
        var spec = ClusterSpec(name: "sim", dataDirectory: "/data")
        spec.masters = [1, 3, 3, 3, 4].randomElement(using: &random) ?? 3
        spec.replicas = [0, 1, 1, 1, 2].randomElement(using: &random) ?? 1
        if seed % 5 == 1 { spec.replicas = 2 }
        // Short timeouts too: a second hand-over waits for 4 of them.
        let timeout = [15000, 500, 2000][Int(seed % 3)]
        spec.directives = [.init(name: "cluster-node-timeout", arguments: [String(timeout)])]
        var fsync = ["everysec", "everysec", "always", "no", nil].randomElement(using: &random) ?? "everysec"
        if movesSlots(seed) {
            // What a cluster that saves nothing loses while slots move is documented (docs/resharding.md).
            fsync = fsync ?? "everysec"
            spec.masters = max(3, spec.masters)
        }
        spec.directives.append(.init(name: "appendonly", arguments: [fsync == nil ? "no" : "yes"]))
        if let fsync { spec.directives.append(.init(name: "appendfsync", arguments: [fsync])) }
        // As configured by clusterd with an append-only file, and as the engine does by default.
        if seed % 3 > 0 { spec.directives.append(.init(name: "repl-diskless-sync", arguments: ["no"])) }
        spec.supervision.failover = [.fast, .fast, .durable, .off].randomElement(using: &random) ?? .fast
        spec.supervision.failoverMaxLag = [nil, 1 << 20, 1 << 20, 500].randomElement(using: &random) ?? nil
        spec.portWait = .seconds(Int64.random(in: 1...5, using: &random))
        // If the replicas can satisfy it.
        if seed % 8 == 5, spec.replicas > 0 {
            spec.directives.append(.init(name: "min-replicas-to-write", arguments: ["1"]))
        }
        return (Scenario(seed: seed, spec: spec, random: random, tells: tells), random)
    }

    private init(seed: UInt64, spec: ClusterSpec, random: SplitMix64, tells: Bool) {
        self.seed = seed
        world = World(seed: seed, spec: spec, tells: tells)
        let guises = SimulatedHost.Guise.allCases
        world.host.guise = guises[Int(seed / 7) % guises.count]
        world.writes.contents = Contents.allCases[Int(seed / 11) % Contents.allCases.count]
        // Slots with keys of other databases are not moved.
        if Self.movesSlots(seed) { world.writes.contents = .firstDatabase }
    }

    private func run(_ generator: SplitMix64) -> Report {
        var random = generator
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            let port = 7000 + Int.random(in: 0..<10, using: &random)
            world.host.foreignPorts.insert(Bool.random(using: &random) ? port : port + 10000)
        }
        var hardship = [Hardship.none, .deaths, .pauses, .disks, .all].randomElement(using: &random) ?? .none
        // From a separate random stream, so that no other seed changes.
        if seed % 5 == 0 { hardship = .room }
        if seed % 5 == 1 { hardship = .lag }
        world.disksMatter = hardship == .room
        if Bool.random(using: &random) { world.killAfterEffects = Int.random(in: 1...80, using: &random) }
        world.queue.add(.write, at: world.now)
        world.startDaemon()
        runUntilReady("forming")
        if world.broken.isEmpty { disturb(&random, hardship) }
        if world.broken.isEmpty { settle() }
        if world.broken.isEmpty { checkData(hardship) }
        if world.broken.isEmpty { stopAndStartAgain(hardship) }
        return Report(
            seed: seed, broken: world.broken, story: world.story, seconds: Double(world.now.nanoseconds) / 1e9,
            turns: world.turns)
    }

    private func disturb(_ random: inout SplitMix64, _ hardship: Hardship) {
        let count = Int.random(in: 1...6, using: &random)
        world.isSlow = hardship == .pauses || hardship == .all
        // At most one node loses data: all other data must be found.
        let victim = Int.random(in: 0..<world.spec.nodeCount, using: &random)
        if hardship == .room { crowd(&random, victim) }
        planClockSteps(world)
        planSlotMoves(world, hardship)
        if hardship == .lag {
            let time = Duration.milliseconds(Int.random(in: 500...3000, using: &random))
            world.queue.add(.fault(.slowLink(victim, time)), at: world.now)
        }
        for index in 0..<count {
            let at = world.now + .milliseconds(Int.random(in: 0...4000, using: &random))
            let request = World.Request.allCases.randomElement(using: &random) ?? .restartNode
            let node = Int.random(in: 0..<world.spec.nodeCount, using: &random)
            let harm = harm(&random, hardship, node, victim)
            let fault: World.Fault
            switch Int.random(in: 0..<12, using: &random) {
            case 0...4 where ![.room, .lag].contains(hardship) || index % 2 == 0:
                fault = .command(request, node, key: "request \(index)")
            case 5...6: fault = .killDaemon
            default: fault = harm ?? .command(request, node, key: "request \(index)")
            }
            world.queue.add(.fault(fault), at: at)
        }
        if Bool.random(using: &random) {
            world.killAfterEffects = world.effectsBegun + Int.random(in: 1...30, using: &random)
        }
        let end = world.now + .seconds([.pauses, .all, .room, .lag].contains(hardship) ? 12 : 5)
        while world.now < end, world.broken.isEmpty { world.step() }
    }

    private func harm(
        _ random: inout SplitMix64, _ hardship: Hardship, _ node: Int, _ victim: Int
    ) -> World.Fault? {
        var kind = hardship
        if kind == .all { kind = [.deaths, .pauses, .disks].randomElement(using: &random) ?? .deaths }
        let time = Duration.milliseconds(Int.random(in: 20...9000, using: &random))
        switch kind {
        case .none, .all: return nil
        case .deaths:
            switch Int.random(in: 0..<5, using: &random) {
            case 0: return .takePort(node)
            case 1: return .killAll(crash: false, [])
            default: return .killNode(node, nil)
            }
        case .pauses:
            switch Int.random(in: 0..<5, using: &random) {
            case 0...1: return .killNode(node, nil)
            case 2: return .busyNode(node, time / 10)
            default: return .stopNode(node, time)
            }
        case .disks:
            let what = World.Tampering.allCases.randomElement(using: &random) ?? .deleted
            // If no other node has the data, they cannot be found.
            let harms = world.spec.replicas > 0 ? [(victim, what)] : []
            switch Int.random(in: 0..<4, using: &random) {
            case 0: return .killAll(crash: true, [])
            case 1: return .killAll(crash: Bool.random(using: &random), harms)
            case 2 where world.spec.replicas > 0: return .killNode(victim, what)
            default: return .killNode(node, nil)
            }
        case .lag: return Bool.random(using: &random) ? .slowLink(node, time / 3) : .killNode(node, nil)
        case .room:
            return Int.random(in: 0..<4, using: &random) == 0 ? .killAll(crash: false, []) : .killNode(node, nil)
        }
    }

    /// Fills a disk, the shared one or that of one node, and possibly again.
    private func crowd(_ random: inout SplitMix64, _ victim: Int) {
        if Bool.random(using: &random), let members = world.record?.members, !members.isEmpty {
            world.host.disks.append(SimulatedDisk(folder: members[victim % members.count].directory))
        }
        for _ in 0..<Int.random(in: 1...2, using: &random) {
            let left = [0, 0, 300 << 10, 2 << 20, 40 << 20].randomElement(using: &random) ?? 0
            let fault = World.Fault.fillDisk(
                of: Bool.random(using: &random) ? victim : nil, leaving: Int64(left),
                isGreedy: Bool.random(using: &random),
                .milliseconds(Int.random(in: 1000...9000, using: &random)))
            world.queue.add(.fault(fault), at: world.now + .milliseconds(Int.random(in: 0...3000, using: &random)))
        }
    }

    /// Ends all faults: nodes that are down return, and the cluster becomes ready.
    private func settle() {
        world.killAfterEffects = nil
        world.slots.cuts = [:]
        world.happen(.freePorts)
        world.happen(.emptyDisks)
        if world.cycle == nil, world.ended == nil { world.startDaemon() }
        world.ask(.resume, 0, "resume")
        awaitOperations()
        if world.broken.isEmpty { checkStopped() }
        for (index, member) in (world.record?.members ?? []).enumerated() where member.wanted == .stopped {
            world.ask(.startNode, index, "start \(member.name)")
        }
        runUntilReady("after the faults")
        for _ in 0..<Self.finishes {
            guard world.broken.isEmpty, world.finishOpenSlots() else { return }
            awaitOperations()
            runUntilReady("after an open slot was finished")
        }
    }

    /// How many slots the operator finishes at most: a failed operation leaves those of one group half moved.
    private static let finishes = 50

    /// Every operation ends, regardless of the conditions.
    private func awaitOperations() {
        let limit = world.now + Self.patience
        while world.broken.isEmpty, world.record?.operations.contains(where: \.isOpen) == true {
            if world.now > limit {
                let open =
                    world.record?.operations.filter(\.isOpen).map { "\($0.title): \($0.currentStep?.words ?? "")" }
                    ?? []
                return world.breaks("open after \(Self.patience): \(open.joined(separator: "; "))")
            }
            world.step()
        }
    }

    /// Invariant: no-unrequested-stop. A node stopped by the operator stays stopped.
    private func checkStopped() {
        for member in world.record?.members ?? []
        where member.wanted == .stopped && world.host.user(of: member.directory) != nil {
            world.breaks("\(member.name) runs, and a person stopped it")
        }
    }

    private func runUntilReady(_ when: String) {
        var limit = world.now + Self.convergence
        var needsPerson = true
        while world.broken.isEmpty {
            if let cycle = world.cycle, cycle.decision.assessment.ready,
                cycle.record?.operations.contains(where: \.isOpen) != true
            {
                world.tell("ready")
                return checkGhosts()
            }
            if let end = world.ended { return world.breaks("\(when): clusterd ended by itself: \(end)") }
            // Cases that only the operator may decide: the only copy ends in the middle of a command, or clusterd may
            // not inspect a process.
            if world.now > limit, needsPerson, world.acceptRepairs() || world.showProcesses() {
                needsPerson = false
                limit = world.now + Self.convergence
                continue
            }
            if world.now > limit {
                let waits = world.cycle?.decision.waits.map(\.words).joined(separator: "; ") ?? "no daemon runs"
                world.tell("findings: \(world.cycle?.decision.findings.map(\.message) ?? [])")
                world.tell("promotions: \(world.cycle?.record?.promotions.map(\.replica) ?? [])")
                return world.breaks("\(when): not ready after \(Self.convergence): \(waits)")
            }
            world.step()
        }
    }

    /// Invariant: ready-is-true. No node of a ready cluster knows a ghost, or gossip would bring it back.
    private func checkGhosts() {
        let ghosts = Set(world.record?.members.map(\.id.ghost) ?? [])
        for engine in world.host.engines.values where !ghosts.isDisjoint(with: engine.entries.ids) {
            world.breaks("the cluster is ready, and \(engine.ports.client) knows a ghost")
        }
    }

    /// Acknowledged writes must be present if no node died by force, and if each write was on disk before the death.
    private func checkData(_ hardship: Hardship) {
        let fsync = world.spec.directives.last { $0.name == "appendfsync" }?.arguments
        let isDurable = world.spec.supervision.failover == .durable && fsync == ["always"]
        world.checkSlots()
        if hardship == .none || ([.deaths, .lag].contains(hardship) && isDurable) { world.checkNothingIsLost() }
    }

    private func stopAndStartAgain(_ hardship: Hardship) {
        world.happen(.stop)
        let limit = world.now + .seconds(30)
        while world.ended == nil, world.broken.isEmpty {
            if world.now > limit {
                world.breaks(
                    "not stopped after 30 s: \(world.cycle?.decision.waits.map(\.words).joined(separator: "; ") ?? "")")
            }
            world.step()
        }
        if !world.host.engines.isEmpty { world.breaks("\(world.host.engines.count) nodes run after a stop") }
        guard world.broken.isEmpty else { return }
        stepClockBetweenLives(world)
        world.startDaemon()
        runUntilReady("the second start")
        if world.broken.isEmpty { checkData(hardship) }
    }
}
