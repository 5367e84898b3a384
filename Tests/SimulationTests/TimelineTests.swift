import ClusterModel
import Orchestrator
import Planner
import Testing

@testable import Simulation

/// The timeline of whole incidents, in simulated time.
@Suite struct TimelineTests {
    private func world(masters: Int = 3, replicas: Int = 1) -> World {
        var spec = ClusterSpec(name: "sim", dataDirectory: "/data")
        spec.masters = masters
        spec.replicas = replicas
        spec.directives = [
            .init(name: "appendonly", arguments: ["yes"]), .init(name: "repl-diskless-sync", arguments: ["no"]),
        ]
        let world = World(seed: 8, spec: spec, tells: true)
        world.startDaemon()
        settle(world)
        return world
    }

    private func settle(_ world: World) {
        let limit = world.now + .seconds(60)
        while world.cycle?.decision.assessment.ready != true, world.now < limit { world.step() }
        // Events of a turn are written at its end; one more turn at rest.
        let rest = world.now + .seconds(2)
        while world.now < rest { world.step() }
    }

    private func process(_ name: NodeName, _ world: World) -> Int32 {
        guard case .running(let process) = world.cycle?.seen.processes[name] else { return 0 }
        return process.identity.pid
    }

    @Test func theTimelineOfAFormingClusterRunsFromTheFirstPortToReady() {
        let world = world()
        let codes = world.events.map(\.event.code)
        #expect(codes.first == .formed && codes.last == .ready)
        #expect(codes.count { $0 == .nodeStarted } == 6 && codes.count { $0 == .inSync } == 3)
        #expect(Set(codes) == [.formed, .nodeStarted, .inSync, .ready])
    }

    @Test func theTimelineOfADeadMasterIsInCausalOrder() throws {
        let world = world()
        let before = world.events.count
        world.exit(process("7001", world), code: nil, signal: 9)
        settle(world)
        let told = world.events.dropFirst(before).map(\.event)
        #expect(
            told.map(\.code) == [
                .nodeExited, .servingLost, .stateChanged, .promotionOrdered, .promoted, .servingRegained, .stateChanged,
                .nodeStarted, .inSync, .stateChanged, .ready,
            ], "\(told.map(\.message))")
        let exit = try #require(told.first)
        #expect(exit.severity == .error && exit.node == "7001" && exit.shard == "7001")
        #expect(exit.message.contains("master of slots 5461-10922") && exit.message.contains("was killed by SIGKILL"))
        #expect(exit.data["signal"] == .integer(9) && exit.data["asked"] == .bool(false))
        let choice = try #require(told.first { $0.code == .promotionOrdered })
        guard case .array(let candidates)? = choice.data["candidates"] else { return #expect(Bool(false)) }
        #expect(candidates.count == 1 && choice.node == "7004" && choice.shard == "7001")
        let promoted = try #require(told.first { $0.code == .promoted })
        #expect(promoted.data["cause"] == .string("promotion") && promoted.data["from"] == .string("7001"))
        let regained = try #require(told.first { $0.code == .servingRegained })
        guard case .integer(let refused)? = regained.data["refusedMs"] else { return #expect(Bool(false)) }
        // From the exit of one process to the first reply of the other, and not from the last query a second before.
        #expect(regained.shard == "7004" && abs(refused - (regained.at.milliseconds - exit.at.milliseconds)) <= 1)
        #expect(zip(told, told.dropFirst()).allSatisfy { $0.at <= $1.at })
    }

    @Test func aDeathWhileNoDaemonRunsIsFoundAndTheMasterReplaced() throws {
        let world = world()
        let pid = process("7000", world)
        world.killDaemon()
        let before = world.events.count
        world.exit(pid, code: nil, signal: 9)
        world.startDaemon()
        settle(world)
        let told = world.events.dropFirst(before).map(\.event)
        let gone = try #require(told.first { $0.code == .nodeGone })
        #expect(gone.node == "7000" && gone.data["pid"] == .integer(Int64(pid)))
        #expect(told.count { $0.code == .nodeAdopted } == 5)
        let lost = try #require(told.first { $0.code == .servingLost })
        #expect(lost.data["since"] == .null)
        let regained = try #require(told.first { $0.code == .servingRegained })
        #expect(regained.data["refusedMs"] == .null && regained.message.contains("since before clusterd started"))
        #expect(told.last?.code == .ready)
    }

    /// It adopts them one after the other, and none of them is missing until then.
    @Test func aDaemonThatAdoptsRunningNodesReportsNoLoss() {
        let world = world()
        world.killDaemon()
        let before = world.events.count
        world.startDaemon()
        settle(world)
        let told = world.events.dropFirst(before).map(\.event)
        #expect(told.count { $0.code == .nodeAdopted } == 6)
        #expect(!told.contains { $0.code == .servingLost }, "\(told.map(\.message))")
    }

    @Test func aRequestedRestartIsNoIncident() throws {
        let world = world()
        let before = world.events.count
        world.happen(.command(.restartNode, 2, key: "one"))
        let limit = world.now + .seconds(60)
        while world.cycle?.record?.operations.contains(where: \.isOpen) != false, world.now < limit { world.step() }
        settle(world)
        let told = world.events.dropFirst(before).map(\.event)
        #expect(told.first?.code == .operationStarted)
        let exit = try #require(told.first { $0.code == .nodeExited })
        #expect(exit.severity == .info && exit.data["asked"] == .bool(true), "\(exit)")
        #expect(!told.contains { $0.code == .findingAppeared || $0.node == "7002" && $0.code == .servingLost })
        let stopping = try #require(told.first { $0.code == .nodeStopping })
        #expect(stopping.message.contains("operation 1, restart-node"))
        let ended = try #require(told.first { $0.code == .operationEnded })
        #expect(ended.data["state"] == .string("done") && ended.severity == .info)
        let promoted = told.filter { $0.code == .promoted }
        #expect(promoted.allSatisfy { $0.data["cause"] == .string("hand-over") && $0.severity == .info })
    }

    @Test func aStopIsNoIncident() {
        let world = world()
        let before = world.events.count
        world.happen(.stop)
        while world.ended == nil { world.step() }
        let told = world.events.dropFirst(before).map(\.event)
        #expect(told.allSatisfy { $0.severity == .info }, "\(told.map(\.message))")
        #expect(told.count { $0.code == .nodeStopping } == 6 && told.count { $0.code == .nodeExited } == 6)
    }

    /// In every seed, each loss is followed by a recovery before the cluster is ready, and nothing ends that never
    /// began.
    @Test func everyTimelineIsComplete() {
        for seed in UInt64(0)..<4 {
            let events = Scenario.timeline(seed: seed)
            var (lost, running, generation) = (Set<NodeName>(), [NodeName: Int64](), 0)
            for (life, event) in events {
                if life != generation { (lost, generation) = ([], life) }
                guard let node = event.node else {
                    if event.code == .ready { #expect(lost.isEmpty, "seed \(seed): ready while \(lost) are lost") }
                    continue
                }
                switch event.code {
                case .nodeStarted, .nodeAdopted:
                    if case .integer(let pid)? = event.data["pid"] { running[node] = pid }
                case .nodeExited:
                    #expect(event.data["pid"] == .integer(running[node] ?? 0), "seed \(seed): \(event.message)")
                case .servingLost: lost.insert(node)
                case .servingRegained:
                    guard case .string(let owner)? = event.data["before"] else { continue }
                    #expect(lost.remove(NodeName(owner)) != nil, "seed \(seed): \(event.message)")
                    if case .integer(let refused)? = event.data["refusedMs"] { #expect(refused >= 0) }
                default: break
                }
            }
            #expect(!events.isEmpty)
        }
    }
}
