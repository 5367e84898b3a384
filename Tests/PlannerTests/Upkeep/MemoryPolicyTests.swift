import ClusterModel
import Planner
import Testing

/// `memory-max`: how much of the host's memory nodes may use, and the findings if that cannot be enforced.
@Suite struct MemoryPolicyTests {
    private static let limit: Int64 = 512 << 20

    /// Each node in its own cgroup, without a limit.
    private func settled(_ held: Int64? = nil, memoryMax: Int64? = MemoryPolicyTests.limit) -> Scene {
        var scene = Scene.settled()
        scene.spec.memoryMax = memoryMax
        scene.delegation = .withMemory
        for (name, process) in scene.processes {
            scene.usage[name] = NodeUsage(
                of: process, cpu: .seconds(1), residentBytes: 10 << 20, cgroup: "/c/node-\(name)",
                memory: .init(limit: held))
        }
        return scene
    }

    /// Every limit that a sequence of turns sets.
    private func orders(_ scene: inout Scene, turns: Int = 100) -> [NodeName: [Int64?]] {
        var set: [NodeName: [Int64?]] = [:]
        for _ in 0..<turns {
            for case .limitMemory(let node, _, let bytes) in scene.turn().effects {
                set[node, default: []].append(bytes)
            }
        }
        return set
    }

    @Test func theConfiguredLimitIsSetOnceOnEachNode() {
        var scene = settled()
        scene.spec.overrides["7001"] = .init(memoryMax: 1 << 30)
        scene.spec.overrides["7002"] = .init(memoryMax: 0)
        let set = orders(&scene)
        #expect(set["7000"] == [Self.limit] && set["7001"] == [1 << 30])
        #expect(set["7002"] == nil && set.count == 5)
        #expect(scene.decide().finding(.memoryMaxNotHeld) == nil)
    }

    /// The wanted limit, the actual limit, and whether they are equal.
    private static let comparisons: [(Int64?, Int64?, Bool)] = [
        (nil, nil, true), (limit, limit, true), (nil, limit, false), (limit, nil, false), (limit, limit - 4096, true),
        (limit, limit - 65_536, false), (limit, limit + 4096, false),
    ]

    @Test(arguments: comparisons) func aLimitThatTheKernelRoundedCountsAsSet(
        wanted: Int64?, live: Int64?, isHeld: Bool
    ) {
        var scene = settled(live, memoryMax: wanted)
        #expect(orders(&scene).isEmpty == isHeld)
    }

    @Test func aRemovedLimitIsSetAgain() {
        var scene = settled(Self.limit)
        #expect(orders(&scene).isEmpty)
        scene.usage["7000"]?.memory?.limit = nil
        #expect(orders(&scene)["7000"] == [Self.limit])
        scene.usage["7000"]?.memory?.limit = nil
        #expect(orders(&scene)["7000"] == [Self.limit])
    }

    @Test func aNodeIsStartedWithItsLimit() {
        var scene = settled(Self.limit)
        scene.pass(.milliseconds(1))
        scene.die("7004")
        let decision = scene.come { !$0.orders("start").isEmpty }
        guard case .start(let start)? = decision.orders("start").first else { return }
        #expect(start.node == "7004" && start.memoryMax == Self.limit)
    }

    /// The kernel would kill the node at once.
    @Test func aLimitBelowTheCurrentUsageIsNotSet() {
        var scene = settled()
        scene.usage["7000"]?.residentBytes = 600 << 20
        #expect(orders(&scene)["7000"] == nil)
        #expect(scene.decide().finding(.memoryMaxExceeded)?.node == "7000")
    }

    @Test func withoutACgroupOneFindingNamesTheCommand() throws {
        var scene = Scene.settled()
        _ = orders(&scene)
        #expect(scene.decide().finding(.memoryMaxNotHeld) == nil)
        scene.spec.memoryMax = Self.limit
        let found = try #require(scene.decide().finding(.memoryMaxNotHeld))
        #expect(found.message.hasSuffix("nobody gave one away") && found.message.contains("7000 7001"))
        #expect(found.hint?.contains("Delegate=memory") == true)
        #expect(orders(&scene).isEmpty)
    }

    @Test(arguments: [
        (CgroupDelegation.none("why"), "Delegate=memory in the unit (systemctl edit)"),
        (.withoutMemory("why"), "Delegate=memory in the unit, on a host"),
        (.occupied("why"), "clusterd rolling-restart"),
    ])
    func theHintMatchesTheDelegation(delegation: CgroupDelegation, hint: String) {
        var scene = Scene.settled()
        scene.delegation = delegation
        scene.spec.memoryMax = Self.limit
        _ = orders(&scene)
        let found = scene.decide().finding(.memoryMaxNotHeld)
        #expect(found?.message.hasSuffix(": why") == true && found?.hint?.hasPrefix(hint) == true)
    }

    @Test func aNodeOfAPreviousClusterdGetsItsLimitAtItsNextStart() {
        var scene = settled(Self.limit)
        scene.usage["7003"] = nil
        _ = orders(&scene)
        #expect(scene.decide().finding(.memoryMaxNotHeld)?.hint == "clusterd restart-node 7003")
    }

    @Test func aLimitThatCannotBeSetIsRetriedAndReported() {
        var scene = settled()
        let decision = scene.come { !$0.orders("limit").isEmpty }
        scene.take(decision)
        for effect in decision.orders("limit") { scene.note(effect, failure: "memory.max cannot be set: No such file") }
        scene.pass(.milliseconds(1))
        #expect(scene.decide().finding(.memoryMaxNotHeld)?.message.hasSuffix("No such file") == true)
        #expect(orders(&scene).count == 6)
    }

    @Test func aReloadNamesTheChangedLimits() {
        var old = ClusterSpec(name: "test", dataDirectory: "/data")
        var new = old
        new.memoryMax = 1 << 30
        old.overrides["7001"] = .init(memoryMax: 1 << 30)
        #expect(ReloadPlan(from: old, to: new).applied == ["cluster.memory-max", "nodes.7001.memory-max"])
    }

    // MARK: the exit of a node

    private func witness(killed: Int64, exhausted: Int64, limit: Int64? = MemoryPolicyTests.limit) -> MemoryWitness {
        MemoryWitness(
            before: .init(exhausted: 2, killed: 3), after: .init(exhausted: 2 + exhausted, killed: 3 + killed),
            limit: limit)
    }

    private static let limitReached = "killed by the kernel at its memory-max of 512 MB"
    private static let limitNotReached = "killed by the kernel: out of memory, below its own memory-max"
    private static let ends: [(ProcessExit, Int64, Int64, String, Bool?)] = [
        (ProcessExit(signal: 9), 1, 1, limitReached, true), (ProcessExit(signal: 9), 1, 0, limitNotReached, true),
        (ProcessExit(signal: 9), 0, 0, "killed by SIGKILL", false), (ProcessExit(), 1, 1, limitReached, true),
        (ProcessExit(signal: 11), 1, 1, "killed by SIGSEGV", nil), (ProcessExit(code: 0), 1, 1, "ended cleanly", nil),
    ]

    @Test(arguments: ends)
    func theNodesCgroupProvesWhyItDied(
        exit: ProcessExit, killed: Int64, exhausted: Int64, cause: String, isWant: Bool?
    ) {
        let reason = ExitReason(exit: exit, log: [], memory: witness(killed: killed, exhausted: exhausted))
        #expect(reason.cause == cause && reason.outOfMemory == isWant)
        #expect((reason.kind == .outOfMemory) == (isWant == true))
    }

    @Test func theKernelLogIsNotReadIfTheCgroupProvesTheCause() throws {
        var scene = Scene.settled()
        scene.pass(.milliseconds(1))
        scene.die("7004")
        let reason = ExitReason(exit: ProcessExit(signal: 9), log: [], memory: witness(killed: 1, exhausted: 1))
        guard case .exited(var exit)? = scene.seen.processes["7004"] else { return }
        exit.reason = reason
        scene.seen.processes["7004"] = .exited(exit)
        scene.seen.lastExits["7004"] = exit
        scene.run { $0.record?.member("7004")?.ends?.last != nil }
        let end = try #require(scene.record?.member("7004")?.ends?.last)
        #expect(end.isComplete && end.outOfMemory == true && end.kind == "out-of-memory")
        #expect(ExitReason.past(end.cause).hasPrefix("was killed by the kernel at its memory-max"))
    }
}
