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
        spec.directives = [.init(name: "appendonly", arguments: ["yes"])]
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
        let count = Int.random(in: 1...5, using: &random)
        for index in 0..<count {
            let at = world.now + .milliseconds(Int.random(in: 0...4000, using: &random))
            let node = Int.random(in: 0..<world.spec.nodeCount, using: &random)
            let fault: World.Fault
            switch Int.random(in: 0..<10, using: &random) {
            case 0...2: fault = .restartNode(node, key: "request \(index)")
            case 3...4: fault = .killDaemon
            case 5: fault = nodesDie ? .takePort(node) : .killDaemon
            case 6: fault = nodesDie ? .killAll : .restartNode(node, key: "request \(index)")
            default: fault = nodesDie ? .killNode(node) : .restartNode(node, key: "request \(index)")
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
        runUntilReady("after the faults")
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
        case .restartNode(let index, let key):
            guard var current = cycle, var record = current.record, !record.members.isEmpty else { return }
            let name = record.members[index % record.members.count].name
            do {
                _ = try Admission.restart(
                    RestartRequest(
                        node: name.text, restoreRoles: index % 2 == 0, force: index % 3 == 0, idempotencyKey: key),
                    &record, current.decision.assessment, seeing: current.seen)
                tell("restart-node \(name)")
                current.admit(record)
                cycle = current
                turn()
            } catch {
                tell("restart-node \(name) is refused: \(error.message)")
            }
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
