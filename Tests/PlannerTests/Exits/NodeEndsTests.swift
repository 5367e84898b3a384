import ClusterModel
import Planner
import Testing

/// What is recorded of a node's exits, and what follows from it.
@Suite struct NodeEndsTests {
    private func noted(_ scene: inout Scene, _ node: NodeName = "7004") throws -> NodeEnd {
        scene.run { decision in decision.record?.member(node)?.ends?.last?.isComplete == true }
        return try #require(scene.record?.member(node)?.ends?.last)
    }

    @Test func anObservedExitIsRecordedOnce() throws {
        var scene = Scene.settled()
        scene.hear()
        scene.pass(.milliseconds(1))
        scene.die("7004", log: ["7004:S 01 Jan 2026 00:00:00.000 # the last words"])
        // The turns that replace a master write as little as possible.
        #expect(scene.decide().record?.member("7004")?.ends == nil)
        let end = try noted(&scene)
        #expect(end.cause == "killed by SIGKILL" && end.exit.signal == 9 && end.outOfMemory == false)
        #expect(end.memoryBytes == 1 << 20 && end.log.count == 1)
        let restarted = scene.run { $0.assessment.ready }
        #expect(restarted?.record?.member("7004")?.ends?.restarts == 1)
        let before = scene.record
        scene.turn()
        #expect(scene.record == before)
    }

    /// Routine log lines of the engine do not explain a kill, and are not kept.
    @Test func anObservedExitIsNeverReportedAsUnobserved() throws {
        var scene = Scene.settled()
        scene.hear()
        scene.pass(.milliseconds(1))
        scene.die("7004")
        let identity = try #require(scene.seen.lastExits["7004"]?.identity)
        scene.seen.inquiries["7004"] = .init(
            of: identity, namedByKernel: nil, memoryKills: nil,
            log: ["7004:S 01 Jan 2026 00:00:00.000 * MASTER <-> REPLICA sync: Finished with success"])
        #expect(try noted(&scene).cause == "killed by SIGKILL")
    }

    @Test func aKillInTheKernelLogIsReportedAsOutOfMemory() throws {
        var scene = Scene.settled()
        scene.pass(.milliseconds(1))
        scene.die("7004")
        let identity = try #require(scene.seen.lastExits["7004"]?.identity)
        scene.seen.inquiries["7004"] = .init(of: identity, namedByKernel: true, memoryKills: nil, log: [])
        let end = try noted(&scene)
        #expect(end.kind == "out-of-memory" && end.cause == "was killed by the kernel: out of memory")
        #expect(end.outOfMemory == true)
    }

    @Test(arguments: [(3, true), (2, false)]) func theKernelsKillCounterDecidesWhereItsLogCannotBeRead(
        after: Int, isLikely: Bool
    ) throws {
        var scene = Scene.settled()
        scene.pass(.milliseconds(1))
        scene.die("7004")
        scene.seen.lastExits["7004"]?.memoryKillsBefore = 2
        let identity = try #require(scene.seen.lastExits["7004"]?.identity)
        scene.seen.inquiries["7004"] = .init(of: identity, namedByKernel: nil, memoryKills: after, log: [])
        let end = try noted(&scene)
        #expect(end.outOfMemory == isLikely)
        #expect(end.cause.contains("most likely by the kernel") == isLikely)
    }

    /// 7004 has exited, and the current clusterd did not observe it.
    private static func endedUnseen() throws -> (scene: Scene, process: ProcessIdentity) {
        var scene = Scene.settled()
        scene.replaceDaemon()
        let identity = try #require(scene.processes["7004"])
        scene.processes["7004"] = nil
        scene.look()
        return (scene, identity)
    }

    @Test func anUnobservedExitIsReportedWithTheLinesOfTheLog() throws {
        let lost = try Self.endedUnseen()
        var scene = lost.scene
        scene.seen.inquiries["7004"] = .init(
            of: lost.process, namedByKernel: nil, memoryKills: nil,
            log: ["7004:S 01 Jan 2026 00:00:00.000 # Redis is now ready to exit, bye bye..."])
        let end = try noted(&scene)
        #expect(end.identity == lost.process && end.kind == "clean" && end.exit == ProcessExit())
        #expect(end.cause.hasSuffix("while clusterd was not running") && end.log.count == 1)
    }

    /// The daemon's program was replaced, and its child processes are still its children.
    @Test func theExitOfAChildDuringAnUpgradeInPlaceIsKnown() throws {
        let lost = try Self.endedUnseen()
        var scene = lost.scene
        scene.seen.inquiries["7004"] = .init(
            of: lost.process, namedByKernel: false, memoryKills: nil, exit: ProcessExit(signal: 9),
            log: ["7004:S 01 Jan 2026 00:00:00.000 # the last words"])
        let end = try noted(&scene)
        #expect(end.kind == "killed" && end.cause == "killed by SIGKILL" && end.exit == ProcessExit(signal: 9))
        #expect(end.outOfMemory == false && end.log.count == 1)
    }

    @Test func aHostRebootIsADistinctExitKind() throws {
        var scene = Scene.settled()
        scene.replaceDaemon()
        scene.processes = [:]
        scene.seen.bootID = "another boot"
        scene.look()
        scene.run { $0.record?.member("7004")?.ends?.last != nil }
        #expect(scene.record?.member("7004")?.ends?.last?.cause == "ended when the host rebooted")
    }

    // MARK: loops

    @Test func aCrashLoopIsReportedUntilTheNodeHasRunForAMinute() {
        var scene = Scene.settled()
        scene.pass(.milliseconds(1))
        scene.die("7004", ProcessExit(signal: 11), log: ["a", "b"], failures: 6)
        #expect(scene.decide().finding(.crashLoop)?.details == ["a", "b"])
        scene.run { $0.nodes("start") == ["7004"] }
        scene.run { $0.assessment.ready }
        #expect(scene.decide().finding(.crashLoop)?.severity == .error)
        scene.pass(.seconds(60))
        scene.hear()
        scene.turn()
        #expect(scene.decide().finding(.crashLoop) == nil)
        #expect(scene.record?.member("7004")?.ends?.inARow == 0)
    }

    // MARK: files that the engine refuses

    private static let refusal = "1:M 24 Nov 2026 21:31:38.224 # Unrecoverable error: corrupted cluster config file."

    @Test func aNodesFileThatTheEngineRejectsIsKeptAndRewritten() {
        var scene = Scene.settled()
        scene.pass(.milliseconds(1))
        scene.die("7004", ProcessExit(code: 1), log: [Self.refusal])
        var kinds: [String] = []
        scene.run { decision in
            kinds += decision.deeds.filter { $0.contains(" 7004 ") }.map { String($0.prefix { $0 != " " }) }
            return decision.nodes("start") == ["7004"]
        }
        // Only this file is moved: it shows that the node was not a master, so its master has all of its keys.
        #expect(kinds == ["preserve", "write", "start"])
    }

    @Test func aNodesFileThatIsRejectedRepeatedlyIsNotRewrittenForever() {
        var scene = Scene.settled()
        scene.pass(.milliseconds(1))
        scene.die("7004", ProcessExit(code: 1), log: [Self.refusal])
        scene.repeatExit("7004", 3)
        scene.pass(.seconds(60))
        scene.look()
        let decision = scene.decide()
        #expect(decision.finding(.nodeDown)?.message.contains("clusterd itself wrote the file") == true)
        #expect(decision.deeds == [])
    }

    private static let badData =
        "1:M 24 Nov 2026 21:31:18.237 # Bad file format reading the append only file appendonly.aof.1.incr.aof: make a backup"

    @Test func aReplicaWithUnloadableDataKeepsThemAndSyncsFromItsMaster() {
        var scene = Scene.settled()
        scene.pass(.milliseconds(1))
        scene.die("7004", ProcessExit(code: 1), log: [Self.badData])
        var moved: [String] = []
        scene.run { decision in
            for case .quarantine(let move) in decision.effects { moved += move.files }
            return decision.nodes("start") == ["7004"]
        }
        #expect(moved == ["appendonlydir"])
    }

    @Test func aMasterWithUnloadableDataStaysDownAndTheFindingNamesTheRepair() {
        var scene = Scene.settled(replicas: 0)
        scene.pass(.milliseconds(1))
        scene.die("7001", ProcessExit(code: 1), log: [Self.badData])
        for _ in 0..<5 { scene.turn() }
        scene.pass(.seconds(120))
        scene.hear()
        let decision = scene.decide()
        #expect(decision.nodes("start") == [] && decision.orders("quarantine").isEmpty)
        #expect(decision.finding(.nodeDown)?.hint == "clusterd fix")
        // The operator decides on data that the engine's tool does not truncate.
        scene.seen.examinations["7001"]?.goodBytes = 100
        let hint = scene.decide().finding(.nodeDown)?.hint ?? ""
        #expect(hint.contains("redis-check-aof --fix /data/nodes/7001/appendonlydir/appendonly.aof.manifest"))
        #expect(hint.hasPrefix("cp -a /data/nodes/7001 "))
        scene.record?.members[1].directory = "/my data/7001"
        let quoted = scene.decide().finding(.nodeDown)?.hint ?? ""
        #expect(quoted.hasPrefix("cp -a '/my data/7001' '/my data/7001.copy' && "), "\(quoted)")
        scene.record?.members[1].directory = "/data/nodes/7001"
        // The configuration was read again: the engine may be another one.
        scene.seen.configured = scene.now
        #expect(scene.run { $0.nodes("start") == ["7001"] } != nil)
    }

    @Test func theDataOfAReplicaAreNotMovedWhileNoMasterResponds() {
        var scene = Scene.settled()
        scene.pass(.milliseconds(1))
        scene.die("7004", ProcessExit(code: 1), log: [Self.badData])
        scene.seen.replies["7001"]?.outcome = .silent
        scene.seen.processes["7001"] = scene.seen.processes["7001"]
        for _ in 0..<3 {
            let decision = scene.decide()
            #expect(decision.orders("quarantine").isEmpty && decision.nodes("start") == [])
            scene.take(decision)
            scene.look()
            scene.pass(.milliseconds(300))
            scene.seen.replies["7001"]?.askedAt = scene.now
        }
    }
}

extension Scene {
    /// The same exit, for the given number of times in a row.
    mutating func repeatExit(_ node: NodeName, _ count: Int) {
        guard case .exited(var exit) = seen.processes[node] else { return }
        exit.repeats = count
        seen.processes[node] = .exited(exit)
        seen.lastExits[node] = exit
    }
}
