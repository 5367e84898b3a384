import ClusterModel
import Orchestrator
import Planner

/// What happens to a cluster in one seed: it forms, things go wrong, they stop going wrong, it must be ready, it is stopped,
/// and started again.
package struct Scenario {
    package struct Report {
        package var seed: UInt64
        package var broken: [String]
        package var story: [String]
        /// Virtual seconds that passed.
        package var seconds: Double
        /// Of the loop: each one decision.
        package var turns: Int
    }

    /// After the last fault everything must be in place again within this time.
    static let convergence = Duration.seconds(60)

    /// For operations, each of which waits with a limit of its own.
    static let patience = Duration.seconds(600)

    private let world: World
    private let seed: UInt64

    package static func run(seed: UInt64, tells: Bool = false) -> Report {
        let (scenario, random) = make(seed: seed, tells: tells)
        return scenario.run(random)
    }

    /// What the timeline has of it, and of which of the daemon's lives.
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
        // Short ones too: a second hand-over waits for 4 of them.
        let timeout = [15000, 500, 2000][Int(seed % 3)]
        spec.directives = [
            .init(name: "appendonly", arguments: ["yes"]),
            .init(name: "cluster-node-timeout", arguments: [String(timeout)]),
        ]
        spec.portWait = .seconds(Int64.random(in: 1...5, using: &random))
        return (Scenario(seed: seed, spec: spec, random: random, tells: tells), random)
    }

    private init(seed: UInt64, spec: ClusterSpec, random: SplitMix64, tells: Bool) {
        self.seed = seed
        world = World(seed: seed, spec: spec, tells: tells)
    }

    private func run(_ generator: SplitMix64) -> Report {
        var random = generator
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            let port = 7000 + Int.random(in: 0..<10, using: &random)
            world.host.foreignPorts.insert(Bool.random(using: &random) ? port : port + 10000)
        }
        // Half of the seeds: nothing dies but clusterd, and then no write may be lost.
        let nodesDie = Bool.random(using: &random)
        if Bool.random(using: &random) { world.killAfterEffects = Int.random(in: 1...80, using: &random) }
        world.queue.add(.write, at: world.now)
        world.startDaemon()
        runUntilReady("forming")
        if world.broken.isEmpty { disturb(&random, nodesDie: nodesDie) }
        if world.broken.isEmpty { settle() }
        if world.broken.isEmpty { checkData(nodesDie: nodesDie) }
        if world.broken.isEmpty { stopAndStartAgain(nodesDie: nodesDie) }
        return Report(
            seed: seed, broken: world.broken, story: world.story, seconds: Double(world.now.nanoseconds) / 1e9,
            turns: world.turns)
    }

    private func disturb(_ random: inout SplitMix64, nodesDie: Bool) {
        let count = Int.random(in: 1...6, using: &random)
        for index in 0..<count {
            let at = world.now + .milliseconds(Int.random(in: 0...4000, using: &random))
            let node = Int.random(in: 0..<world.spec.nodeCount, using: &random)
            let fault: World.Fault
            let request = World.Request.allCases.randomElement(using: &random) ?? .restartNode
            switch Int.random(in: 0..<12, using: &random) {
            case 0...4: fault = .command(request, node, key: "request \(index)")
            case 5...6: fault = .killDaemon
            case 7: fault = nodesDie ? .takePort(node) : .killDaemon
            case 8: fault = nodesDie ? .killAll : .command(request, node, key: "request \(index)")
            default: fault = nodesDie ? .killNode(node) : .command(request, node, key: "request \(index)")
            }
            world.queue.add(.fault(fault), at: at)
        }
        if Bool.random(using: &random) {
            world.killAfterEffects = world.effectsBegun + Int.random(in: 1...30, using: &random)
        }
        let end = world.now + .seconds(5)
        while world.now < end, world.broken.isEmpty { world.step() }
    }

    /// No more faults: what is down comes up, and all of it is ready.
    private func settle() {
        world.killAfterEffects = nil
        world.happen(.freePorts)
        if world.cycle == nil, world.ended == nil { world.startDaemon() }
        world.ask(.resume, 0, "resume")
        awaitOperations()
        if world.broken.isEmpty { checkStopped() }
        for (index, member) in (world.record?.members ?? []).enumerated() where member.wanted == .stopped {
            world.ask(.startNode, index, "start \(member.name)")
        }
        runUntilReady("after the faults")
    }

    /// Every operation comes to an end, whatever stands in its way.
    private func awaitOperations() {
        let limit = world.now + Self.patience
        while world.broken.isEmpty, world.record?.operations.contains(where: \.isOpen) == true {
            if world.now > limit {
                let open =
                    world.record?.operations.filter(\.isOpen).map { "\($0.title): \($0.currentStep ?? "")" } ?? []
                return world.breaks("open after \(Self.patience): \(open.joined(separator: "; "))")
            }
            world.step()
        }
    }

    /// What a person stopped stays so.
    private func checkStopped() {
        for member in world.record?.members ?? []
        where member.wanted == .stopped && world.host.user(of: member.directory) != nil {
            world.breaks("\(member.name) runs, and a person stopped it")
        }
    }

    private func runUntilReady(_ when: String) {
        let limit = world.now + Self.convergence
        while world.broken.isEmpty {
            if let cycle = world.cycle, cycle.decision.assessment.ready,
                cycle.record?.operations.contains(where: \.isOpen) != true
            {
                world.tell("ready")
                return
            }
            if let end = world.ended { return world.breaks("\(when): clusterd ended by itself: \(end)") }
            if world.now > limit {
                let waits = world.cycle?.decision.waits.joined(separator: "; ") ?? "no daemon runs"
                world.tell("findings: \(world.cycle?.decision.findings.map(\.message) ?? [])")
                world.tell("promotions: \(world.cycle?.record?.promotions.map(\.replica) ?? [])")
                return world.breaks("\(when): not ready after \(Self.convergence): \(waits)")
            }
            world.step()
        }
    }

    /// What was acknowledged is there, where no node died by force.
    private func checkData(nodesDie: Bool) {
        guard !nodesDie, let record = world.record else { return }
        for (index, slots) in SlotSet.evenly(among: record.shape.masters).enumerated() {
            let owner = world.host.engines.values.first { $0.isMaster && !$0.slots.intersection(slots).isEmpty }
            if let owner, owner.data < world.acknowledged[index] {
                world.breaks("shard \(index): \(world.acknowledged[index] - owner.data) acknowledged writes are lost")
            }
        }
    }

    private func stopAndStartAgain(nodesDie: Bool) {
        world.happen(.stop)
        let limit = world.now + .seconds(30)
        while world.ended == nil, world.broken.isEmpty {
            if world.now > limit {
                world.breaks("not stopped after 30 s: \(world.cycle?.decision.waits.joined(separator: "; ") ?? "")")
            }
            world.step()
        }
        if !world.host.engines.isEmpty { world.breaks("\(world.host.engines.count) nodes run after a stop") }
        guard world.broken.isEmpty else { return }
        world.startDaemon()
        runUntilReady("the second start")
        if world.broken.isEmpty { checkData(nodesDie: nodesDie) }
    }
}

extension World {
    func happen(_ fault: Fault) {
        switch fault {
        case .killNode(let index):
            let pids = host.engines.keys.sorted()
            guard !pids.isEmpty else { return }
            deaths += 1
            exit(pids[index % pids.count], code: nil, signal: 9)
        case .killAll:
            tell("every process is killed")
            deaths += 1
            killDaemon()
            for pid in host.engines.keys.sorted() { exit(pid, code: nil, signal: 9) }
            after(10...500, .fault(.startDaemon))
        case .killDaemon:
            guard cycle != nil else { return }
            killDaemon()
            after(10...500, .fault(.startDaemon))
        case .startDaemon:
            if cycle == nil, ended == nil { startDaemon() }
        case .command(let request, let index, let key): ask(request, index, key)
        case .stop: post(.wish(.stop(asked: now, kill: false)))
        case .takePort(let index):
            guard let record, !record.members.isEmpty else { return }
            let member = record.members[index % record.members.count]
            // Only what nobody uses can be taken.
            guard host.user(of: member.directory) == nil, cycle == nil else { return }
            tell("somebody takes \(member.ports.client)")
            host.foreignPorts.insert(member.ports.client)
        case .freePorts: host.foreignPorts = []
        }
    }
}
