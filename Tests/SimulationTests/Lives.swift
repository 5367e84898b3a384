import ClusterModel
import Orchestrator
import Planner

@testable import Simulation

/// Forms clusters, and applies a sequence of actions to them.
extension World {
    static func formed(
        replicas: Int = 1, _ directives: [String: String] = ["appendonly": "yes"],
        contents: Contents = .firstDatabase, guise: SimulatedHost.Guise = .plain
    ) -> World {
        var spec = ClusterSpec(name: "sim", dataDirectory: "/data")
        spec.replicas = replicas
        let directives = directives.merging(["repl-diskless-sync": "no"]) { given, _ in given }
        spec.directives = directives.sorted { $0.key < $1.key }.map { .init(name: $0.key, arguments: [$0.value]) }
        let world = World(seed: 8, spec: spec, tells: true)
        world.writes.contents = contents
        world.host.guise = guise
        world.queue.add(.write, at: world.now)
        world.startDaemon()
        world.settle()
        return world
    }

    /// Three shards whose tracked keys have been written, and a request to move the highest slots of the first one to the second.
    /// - Parameters:
    ///   - cuts: what goes wrong before which of the commands that move the slots.
    ///   - bug: planted in the simulated driver.
    static func moving(
        _ count: Int = 60, replicas: Int = 1, cuts: [Int: TrackedSlots.Cut] = [:], bug: Migration.Bug? = nil
    ) -> World {
        let world = World.formed(replicas: replicas)
        world.trackSlots()
        world.run(until: { world.slots.acknowledged.count == world.slots.keys.count })
        world.slots.cuts = cuts
        world.slots.bug = bug
        world.ask(.reshard(from: 0, to: 1, count: count), "move")
        return world
    }

    /// Until the request to move slots has ended, the cluster is ready, and the rules were checked.
    func endMoving() {
        run(until: { self.isReady }, atMost: .seconds(180))
        run(for: .seconds(1))
        run(until: { self.isReady })
        if broken.isEmpty { checkSlots() }
    }

    var isReady: Bool {
        cycle?.decision.assessment.ready == true && record?.operations.contains(where: \.isOpen) != true
    }

    /// Runs until the cluster is ready, or 60 s have passed.
    func settle() { run(until: { self.isReady }) }

    func run(for time: Duration) {
        let limit = now + time
        while now < limit { step() }
    }

    func run(until isSo: () -> Bool, atMost time: Duration = .seconds(60)) {
        let limit = now + time
        while !isSo(), broken.isEmpty, now < limit { step() }
    }

    func engine(of name: NodeName) -> SimulatedEngine? {
        record?.member(name).flatMap { host.user(of: $0.directory) }
    }

    func kill(_ name: NodeName) {
        if let engine = engine(of: name) { exit(engine.identity.pid, code: nil, signal: 9) }
    }

    /// SIGSTOP, and SIGCONT after this time.
    func pause(_ name: NodeName, for time: Duration) {
        guard let pid = engine(of: name)?.identity.pid, let place = host.pids.firstIndex(of: pid) else { return }
        happen(.stopNode(place, time))
    }

    /// A replica is stopped, its master dies, and the master's dump is newer than the replica's, but older than the
    /// replica's memory.
    func killMasterOfStopped(_ replica: NodeName, _ master: NodeName) {
        func saved(_ name: NodeName) -> Int64 {
            let directory = record?.member(name)?.directory ?? ""
            return host.folders[directory]?.dump?.savedAt.milliseconds ?? 0
        }
        run(until: { saved(master) > saved(replica) + 200 })
        run(for: .milliseconds(300))
        pause(replica, for: .seconds(4))
        kill(master)
        settle()
        checkNothingIsLost()
    }

    func isOrdered(_ kind: String) -> Bool { story.contains { $0.contains("  \(kind) ") } }

    /// The broken rules, and the story before them.
    var account: String { (broken + story.suffix(40)).joined(separator: "\n") }
}
