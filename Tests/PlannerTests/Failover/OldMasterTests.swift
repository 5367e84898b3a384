import ClusterModel
import Planner
import Testing

/// The return of a replaced master, and a death that no daemon observed. Invariants: last-copy, adopt-first.
@Suite struct OldMasterTests {
    // MARK: the old master

    @Test func theOldMasterReturnsAsReplicaAndItsDataAreKept() throws {
        var scene = Scene.bereaved()
        var story: [String] = []
        let decision = scene.run { decision in
            story += decision.deeds.filter { $0.contains(" 7000 ") || $0.hasPrefix("promote") }
            for case .preserve(let copies) in decision.effects {
                #expect(copies.files == ["appendonlydir"])
                #expect(copies.note.contains("7000 was master and starts as replica of 7003"))
            }
            return decision.assessment.ready
        }
        let kinds = story.map { String($0.prefix { $0 != " " }) }
        #expect(kinds == ["promote", "preserve", "write", "start"])
        let file = try #require(scene.disk[Scene.folder("7000")]?.parsed)
        #expect(file.view.myself?.flags == [.myself, .replica] && file.view.myself?.masterID == Scene.id("7003"))
        #expect(file.currentEpoch == 4 && file.lastVoteEpoch == 4)
        #expect(decision?.assessment.node("7000")?.replicaOf == "7003")
        #expect(scene.record?.promotions == [])
    }

    @Test func theOldMasterIsNotStartedBeforeItsDataAreCopied() {
        var scene = Scene.bereaved()
        let decision = scene.come { !$0.orders("preserve").isEmpty }
        scene.note(decision.orders("preserve")[0], failure: "no space left on device")
        let later = scene.decide()
        #expect(later.finding(.quarantineFailed)?.node == "7000")
        #expect(later.nodes("write") == [] && later.nodes("start") == [])
    }

    @Test func aDeadReplicaIsRestartedWithoutACopy() {
        var scene = Scene.settled()
        scene.pass(.milliseconds(10))
        scene.die("7003")
        scene.run { decision in
            #expect(decision.orders("preserve").isEmpty && decision.orders("promote").isEmpty)
            return decision.assessment.ready
        }
    }

    // MARK: deaths while no daemon ran

    @Test func aMasterThatDiedUnobservedIsReplacedOnceItsReplicasRespond() {
        var scene = Scene.settled()
        scene.processes["7000"] = nil
        scene.deaths["7000"] = scene.now
        scene.replaceDaemon()
        let decision = scene.come { $0.promotion != nil }
        #expect(decision.promotion?.replica == "7003")
        let end = scene.run { $0.assessment.ready }
        #expect(end?.assessment.node("7000")?.replicaOf == "7003")
    }

    @Test func anElectionWonWhileNoDaemonRanStands() {
        var scene = Scene.settled()
        scene.processes["7000"] = nil
        scene.takeOver("7003")
        scene.replaceDaemon()
        let end = scene.run { decision in
            #expect(decision.orders("promote").isEmpty)
            return decision.assessment.ready
        }
        #expect(end?.assessment.node("7000")?.replicaOf == "7003")
        #expect(scene.epochs == [4, 2, 3])
    }

    @Test func aMasterWithAProcessInItsFolderIsNotDead() {
        var scene = Scene.settled()
        scene.processes["7000"] = nil
        scene.disk[Scene.folder("7000")]?.nodesFile = .absent
        scene.replaceDaemon()
        scene.strangers = [
            .init(directory: Scene.folder("7000"), identity: Scene.identity("9000"), command: "redis-server *:9000")
        ]
        let decision = scene.run { decision in
            #expect(decision.orders("promote").isEmpty)
            return decision.finding(.directoryInUse)?.node == "7000"
        }
        #expect(decision?.assessment.node("7003")?.report != nil)
    }
}
