import ClusterModel
import Planner
import Testing

/// The states of the data folder in which a folder is foreign, copied, or broken.
/// Invariants: no-merge, slots-kept, idle-folder.
@Suite struct FolderTroubleTests {
    private static let six = FolderClassificationTests.six

    // MARK: foreign

    @Test func twoClustersAreNeverMerged() {
        let scene = FolderClassificationTests.found { scene in
            for name: NodeName in ["7100", "7101"] {
                var other = FolderClassificationTests.standalone(name, slots: SlotSet(0...100), keys: true)
                var peer = NodeEntry(
                    id: Scene.id(name == "7100" ? "dead7101" : "dead7100"), host: "127.0.0.1",
                    ports: PortPair(client: name == "7100" ? 7101 : 7100))
                peer.flags = .master
                guard case .parsed(var file) = other.nodesFile else { continue }
                if name == "7101" { file.view.entries[0].slots = SlotSet(101...16383) }
                file.view.entries.append(peer)
                other.nodesFile = .parsed(file)
                scene.disk[other.path] = other
            }
        }
        let decision = scene.decide()
        #expect(decision.refusal?.reason == .twoClusters && decision.refusal?.exit == 4)
        #expect(decision.refusal?.message.hasSuffix("7000 7001 7002 7003 7004 7005 and 7100 7101") == true)
        #expect(decision.deeds == [] && decision.record == nil)
    }

    @Test func twoWholeClustersOfOneMasterAreRefused() {
        var scene = Scene.untouched(masters: 1, replicas: 0)
        for name: NodeName in ["7000", "7100"] {
            scene.disk[Scene.folder(name)] = FolderClassificationTests.standalone(name, slots: .all, keys: true)
        }
        scene.look()
        #expect(scene.decide().refusal?.exit == 4)
        #expect(scene.decide().deeds == [])
    }

    @Test func aClusterOfOneMasterIsComplete() {
        var scene = FolderClassificationTests.found(masters: 1, replicas: 0)
        scene.run { $0.assessment.ready }
        #expect(scene.record?.members.map(\.id) == [Scene.id("7000")])
    }

    // MARK: copied

    @Test(arguments: ["6999", "7006"])
    func aCopyIsReportedAndTheFolderWithTheMatchingPortIsTheNode(copy: NodeName) {
        var scene = FolderClassificationTests.found { scene in
            var facts = scene.disk[Scene.folder("7000")]
            facts?.path = Scene.folder(copy)
            scene.disk[Scene.folder(copy)] = facts
        }
        let before = scene.disk[Scene.folder(copy)]
        let decision = scene.decide()
        #expect(decision.finding(.directoryCopied)?.node == copy)
        #expect(decision.record?.member(id: Scene.id("7000"))?.directory == Scene.folder("7000"))
        scene.run { $0.assessment.ready }
        #expect(scene.processes[copy] == nil)
        #expect(scene.disk[Scene.folder(copy)] == before)
    }

    @Test(arguments: ["/data/nodes/old", "/data/nodes/7001"])
    func aCopyWithKeysOutsideAClusterIsRefused(path: String) {
        var scene = Scene.untouched()
        scene.disk[Scene.folder("7000")] = FolderClassificationTests.standalone("7000")
        var copy = FolderClassificationTests.standalone("7000", keys: true)
        copy.path = path
        scene.disk[path] = copy
        scene.look()
        let decision = scene.decide()
        #expect(decision.refusal?.exit == 4)
        #expect(decision.refusal?.message.contains(path) == true)
        #expect(decision.deeds == [])
    }

    // MARK: broken files

    static let broken = [NodesFileState.empty, .torn, .corrupt("line 2 has 3 fields of at least 8"), .absent]

    @Test(arguments: broken, [true, false])
    func aLostNodesFileOfAMemberIsRebuilt(state: NodesFileState, recordIsThere: Bool) throws {
        for name: NodeName in ["7001", "7004"] {
            var scene = Scene.settled()
            scene.processes = [:]
            scene.replaceDaemon()
            if !recordIsThere { scene.record = nil }
            let content = scene.disk[Scene.folder(name)]?.content
            scene.disk[Scene.folder(name)]?.nodesFile = state
            if state == .absent { scene.disk[Scene.folder(name)]?.nodesFileName = nil }
            scene.look()
            var moved: [String] = []
            let decision = scene.run { decision in
                for case .quarantine(let move) in decision.effects { moved += move.files }
                return decision.assessment.ready
            }
            #expect(moved == (state == .absent ? [] : ["nodes-\(name).conf"]), "no file with keys is moved")
            let node = decision?.assessment.node(name)
            #expect(node?.report?.id == Scene.id(name), "its id survives")
            #expect(node?.slots == (name == "7001" ? SlotSet(5461...10922) : SlotSet()))
            #expect(scene.disk[Scene.folder(name)]?.content == content)
        }
    }

    /// Its former role is unknown: it may have been a master, and may have taken writes.
    @Test(arguments: broken)
    func theKeysOfAReplicaWithoutNodesFileAreKeptBeforeItFollows(state: NodesFileState) throws {
        var scene = Scene.settled()
        scene.processes = [:]
        scene.replaceDaemon()
        scene.disk[Scene.folder("7004")]?.nodesFile = state
        scene.look()
        var kept: [String] = []
        scene.run { decision in
            if kept.isEmpty { #expect(!decision.nodes("start").contains("7004")) }
            for case .preserve(let copies) in decision.effects { kept += copies.files }
            return decision.assessment.ready
        }
        #expect(kept == ["appendonlydir"])
    }

    @Test func aFileTruncatedInItsSlotListDoesNotOverrideTheOthers() {
        var scene = FolderClassificationTests.found { scene in
            guard case .parsed(var file)? = scene.disk[Scene.folder("7000")]?.nodesFile else { return }
            file.view.entries[0].slots = SlotSet(0...54)
            file.view.entries[1].slots = SlotSet()
            scene.disk[Scene.folder("7000")]?.nodesFile = .parsed(file)
        }
        let decision = scene.run { $0.assessment.ready }
        #expect(decision?.assessment.node("7000")?.slots == SlotSet(0...5460))
    }

    @Test func aMissingFolderIsRecreatedForTheNodeThatTheOthersList() {
        var scene = FolderClassificationTests.found { $0.disk[Scene.folder("7005")] = nil }
        #expect(scene.decide().record?.member(id: Scene.id("7005"))?.joining == true)
        let decision = scene.run { $0.assessment.ready }
        #expect(decision?.assessment.node("7005")?.report?.id == Scene.id("7005"))
        #expect(decision?.assessment.node("7005")?.replicaOf == "7002")
    }

    // MARK: used

    private func user(_ name: NodeName, _ command: String) -> Observation.DirectoryUser {
        .init(
            directory: Scene.folder(name), identity: ProcessIdentity(bootID: Scene.bootID, pid: 77, startTime: 5),
            command: command)
    }

    @Test(arguments: [true, false])
    func noClusterIsFormedInAFolderThatAnEngineUses(isEmpty: Bool) {
        var scene = Scene.untouched()
        scene.disk[Scene.folder("7002")] =
            isEmpty ? DirectoryFacts(path: Scene.folder("7002")) : FolderClassificationTests.standalone("7002")
        scene.disk[Scene.folder("7002")]?.exists = true
        scene.strangers = [user("7002", "redis-server *:9000")]
        scene.look()
        let decision = scene.decide()
        #expect(decision.refusal?.reason == .directoryInUse && decision.refusal?.exit == 1)
        #expect(decision.deeds == [] && decision.record == nil)
    }

    @Test(arguments: ["-bash", "vim redis.conf"])
    func aShellInAFolderDoesNotBlockIt(command: String) {
        var scene = Scene.untouched()
        scene.disk[Scene.folder("7002")] = FolderClassificationTests.standalone("7002")
        scene.strangers = [user("7002", command)]
        scene.look()
        #expect(scene.decide().refusal == nil)
        let decision = scene.run { $0.assessment.ready }
        #expect(decision?.record?.members.map(\.name) == Self.six)
    }

    @Test func aRunningLoneNodeIsLeftUnchanged() {
        var scene = FolderClassificationTests.partial { $0.strangers = [user("7005", "redis-server 127.0.0.1:7005")] }
        let before = scene.disk[Scene.folder("7005")]
        #expect(scene.decide().finding(.directoryInUse)?.node == "7005")
        scene.run { $0.assessment.serving && $0.assessment.node("7004")?.linkUp == true }
        #expect(scene.record?.member("7005") == nil)
        #expect(scene.disk[Scene.folder("7005")] == before)
    }
}
