import ClusterModel
import Planner
import Testing

@Suite struct RestartOperationTests {
    private func ordered(_ request: RestartRequest, _ change: (inout Scene) -> Void = { _ in }) throws -> Scene {
        var scene = Scene.settled()
        change(&scene)
        var record = try #require(scene.record)
        _ = try Admission.restart(request, &record, scene.decide().assessment, seeing: scene.seen)
        scene.record = record
        scene.pass(.milliseconds(25))
        scene.hear()
        return scene
    }

    private func steps(_ scene: Scene) -> [String] { scene.record?.operations.last?.steps.map(\.text) ?? [] }

    /// What is ordered until the operation has ended.
    private func carryOut(_ scene: inout Scene) -> [String] {
        var orders: [String] = []
        scene.run { decision in
            let kinds = ["hand over", "shutdown", "kill", "preserve", "start", "promote"]
            for effect in decision.effects {
                guard let kind = kinds.first(where: { effect.key.text.hasPrefix($0 + " ") }), let node = effect.node
                else { continue }
                orders.append("\(kind) \(node)")
            }
            return decision.record?.operations.contains(where: \.isOpen) == false
        }
        return orders
    }

    // MARK: the whole of it

    @Test func aReplicaIsRestartedInPlace() throws {
        var scene = try ordered(.init(node: "7004"))
        #expect(carryOut(&scene) == ["shutdown 7004", "start 7004"])
        #expect(scene.record?.operations.last?.state == .done)
        #expect(
            steps(scene) == [
                "stopping 7004", "starting 7004", "waiting for 7004 to load its data", "7004 is replica and in sync",
            ])
        #expect(scene.masters == ["7000", "7001", "7002"])
    }

    @Test func aMasterHandsOverFirstAndComesBackAsReplica() throws {
        var scene = try ordered(.init(node: "7001"))
        #expect(carryOut(&scene) == ["hand over 7004", "shutdown 7001", "start 7001"])
        #expect(scene.masters == ["7000", "7004", "7002"])
        #expect(scene.record?.operations.last?.state == .done)
        #expect(steps(scene).first == "handing over to 7004")
        #expect(steps(scene).last == "7001 is replica and in sync")
        #expect(Set(steps(scene)).count == steps(scene).count, "each step once: \(steps(scene))")
        #expect(scene.record?.operations.last?.steps.allSatisfy { $0.state == .done } == true)
    }

    @Test func rolesAreRestoredWhereThatIsAskedFor() throws {
        var scene = try ordered(.init(node: "7001", restoreRoles: true))
        #expect(carryOut(&scene) == ["hand over 7004", "shutdown 7001", "start 7001", "hand over 7001"])
        #expect(scene.masters == ["7000", "7001", "7002"])
        #expect(steps(scene).suffix(2) == ["handing back from 7004", "7001 is master and in sync"])
        #expect(Set(steps(scene)).count == steps(scene).count, "each step once: \(steps(scene))")
    }

    @Test func withoutFailoverTheMasterIsRestartedInPlace() throws {
        var scene = try ordered(.init(node: "7001", noFailover: true))
        #expect(carryOut(&scene) == ["shutdown 7001", "start 7001"])
        #expect(scene.masters == ["7000", "7001", "7002"])
    }

    @Test func forceHandsOverAllTheSameWhereAReplicaIsInSync() throws {
        var scene = try ordered(.init(node: "7001", force: true))
        #expect(carryOut(&scene) == ["hand over 7004", "shutdown 7001", "start 7001"])
        #expect(Set(steps(scene)).count == steps(scene).count, "each step once: \(steps(scene))")
    }

    @Test func forceRestartsAMasterThatNobodyCanReplace() throws {
        var scene = try ordered(.init(node: "7001", force: true)) { scene in
            scene.record?.members[4].wanted = .stopped
            scene.die("7004", ProcessExit(code: 0))
            scene.look()
        }
        #expect(carryOut(&scene) == ["shutdown 7001", "start 7001"])
    }

    // MARK: the hand-over

    /// The hand-over was ordered; the roles are as they were, and nobody was asked since.
    private func handingOver(_ request: RestartRequest = .init(node: "7001")) throws -> Scene {
        var scene = try ordered(request)
        let decision = scene.decide()
        #expect(decision.orders("hand over") == [.handOver("7004", scene.contact("7004"), from: Scene.id("7001"))])
        scene.take(decision)
        scene.pass(.milliseconds(1))
        scene.note(decision.orders("hand over")[0], failure: nil)
        scene.pass(.milliseconds(5))
        return scene
    }

    @Test(arguments: [false, true])
    func itIsOrderedOnceAndWaitedFor(force: Bool) throws {
        var scene = try handingOver(.init(node: "7001", force: force))
        for _ in 0..<3 {
            let stale = scene.decide()
            scene.take(stale)
            #expect(stale.orders("hand over") == [] && stale.orders("shutdown") == [])
            scene.pass(.milliseconds(25))
            scene.hear()
            let fresh = scene.decide()
            scene.take(fresh)
            #expect(fresh.orders("hand over") == [] && fresh.orders("shutdown") == [])
        }
        #expect(steps(scene) == ["handing over to 7004"])
    }

    @Test func theMasterIsStoppedOnceAllAgreeAndItFollows() throws {
        var scene = try handingOver()
        scene.takeOver("7004")
        scene.pass(.milliseconds(5))
        scene.hear()
        scene.answer("7001") { $0.replication.linkUp = false }
        #expect(scene.decide().orders("shutdown") == [])
        #expect(
            scene.decide().record?.operations.last?.currentStep == "waiting for all nodes to agree that 7004 is master")
        scene.answer("7001")
        scene.answer("7002") { report in
            report.view.entries[1].flags = .master
            report.view.entries[4].flags = .replica
        }
        #expect(scene.decide().orders("shutdown") == [])
        scene.answer("7002")
        #expect(scene.decide().nodes("shutdown") == ["7001"])
    }

    @Test func aHandOverThatDoesNotHappenFailsInWords() throws {
        var scene = try handingOver()
        scene.pass(.seconds(31))
        scene.hear()
        let operation = scene.decide().record?.operations.last
        #expect(operation?.state == .failed)
        #expect(operation?.error == "7004 did not take over within 30 s")
        #expect(operation?.steps.last?.state == .failed)
        #expect(scene.decide().orders("shutdown") == [] && scene.processes["7001"] != nil)
    }

    @Test func whyItWasRefusedIsSaid() throws {
        var scene = try ordered(.init(node: "7001"))
        let decision = scene.decide()
        scene.take(decision)
        scene.note(decision.orders("hand over")[0], failure: "ERR no")
        scene.pass(.seconds(31))
        scene.hear()
        #expect(
            scene.decide().record?.operations.last?.error == "7004 could not take over: ERR no; nothing was restarted")
    }

    @Test func whereNoReplicaComesIntoSyncNothingIsRestarted() throws {
        var scene = try ordered(.init(node: "7001"))
        for _ in 0...31 {
            scene.answer("7004") { $0.replication.linkUp = false }
            scene.take(scene.decide())
            scene.pass(.seconds(1))
        }
        let operation = scene.record?.operations.last
        #expect(operation?.state == .failed)
        #expect(operation?.error == "no replica of 7001 came into sync; nothing was restarted")
        #expect(steps(scene) == ["waiting for a replica of 7001 to be in sync"])
        #expect(scene.processes["7001"] == Scene.identity("7001"))
    }

    // MARK: the start

    @Test func aNodeThatDoesNotComeUpFailsInWords() throws {
        var scene = try ordered(.init(node: "7004"))
        scene.run { !$0.nodes("start").isEmpty }
        scene.die(
            "7004", ProcessExit(code: 1), log: ["*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***", "Bad directive"])
        scene.look()
        let operation = scene.decide().record?.operations.last
        #expect(operation?.state == .failed)
        #expect(operation?.error?.hasPrefix("7004 refused its configuration: Bad directive") == true)
    }

    @Test func itIsNotDoneBeforeTheNodeIsInSync() throws {
        var scene = try ordered(.init(node: "7004"))
        scene.run { !$0.nodes("start").isEmpty }
        scene.answer("7004") { $0.replication.syncInProgress = true }
        let decision = scene.decide()
        #expect(decision.record?.operations.last?.isOpen == true)
        #expect(decision.record?.operations.last?.currentStep == "waiting for 7004 to be in sync")
    }

    @Test func afterTenMinutesItHasFailed() throws {
        var scene = try ordered(.init(node: "7004"))
        scene.run { !$0.nodes("start").isEmpty }
        scene.answer("7004") { $0.loading = true }
        scene.take(scene.decide())
        scene.pass(.seconds(601))
        scene.answer("7004") { $0.loading = true }
        let error = scene.decide().record?.operations.last?.error
        #expect(error == "not done after 600 s; waiting for 7004 to load its data")
    }

    // MARK: interruptions

    /// clusterd is killed after each turn of it; the next one sees what is, and ends it.
    @Test(arguments: [
        RestartRequest(node: "7001"), RestartRequest(node: "7001", restoreRoles: true), RestartRequest(node: "7004"),
    ])
    func itGoesOnWhereItStoodUnderAnotherDaemon(request: RestartRequest) throws {
        for turns in 0..<40 {
            var scene = try ordered(request)
            for _ in 0..<turns { scene.turn() }
            scene.replaceDaemon()
            let decision = scene.run { $0.record?.operations.contains(where: \.isOpen) == false && $0.assessment.ready }
            let operation = decision?.record?.operations.last
            #expect(operation?.state == .done, "after \(turns) turns: \(operation?.error ?? "")")
            #expect(scene.starts[scene.member(NodeName(request.node)).name] == 2, "after \(turns) turns")
            #expect(scene.processes.count == 6)
        }
    }

    @Test func aMasterThatIsKilledMeanwhileIsReplacedAndTheOperationEnds() throws {
        var scene = try handingOver()
        scene.die("7001")
        #expect(carryOut(&scene) == ["promote 7004", "preserve 7001", "start 7001"])
        #expect(scene.record?.operations.last?.state == .done)
    }
}
