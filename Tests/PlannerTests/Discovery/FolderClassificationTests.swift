import ClusterModel
import Planner
import Testing

/// Each state of the data folder that a start may find without a record (invariants: unknown-is-data, no-merge).
@Suite struct FolderClassificationTests {
    /// A settled cluster in which no node runs and that has no record.
    static func found(masters: Int = 3, replicas: Int = 1, _ change: (inout Scene) -> Void = { _ in }) -> Scene {
        var scene = Scene.settled(masters: masters, replicas: replicas)
        scene.processes = [:]
        scene.loseRecord()
        change(&scene)
        scene.look()
        return scene
    }

    /// The folder of a node that knows no other node, as an unfinished `create` leaves it.
    static func standalone(_ name: NodeName, _ id: NodeID? = nil, slots: SlotSet = SlotSet(), keys: Bool = false)
        -> DirectoryFacts
    {
        var entry = NodeEntry(id: id ?? Scene.id("dead\(name)"), host: "127.0.0.1", ports: PortPair(client: port(name)))
        entry.flags = [.myself, .master]
        entry.slots = slots
        var facts = DirectoryFacts(path: Scene.folder(name))
        facts.exists = true
        facts.nodesFileName = "nodes-\(name).conf"
        facts.nodesFile = .parsed(NodesFile(view: NodesView(entries: [entry]), currentEpoch: 0, lastVoteEpoch: 0))
        facts.content = .appendOnly(keys ? .keys : .noKeys)
        return facts
    }
    static func port(_ name: NodeName) -> Int { Int(name.text) ?? 0 }

    static let six: [NodeName] = ["7000", "7001", "7002", "7003", "7004", "7005"]

    // MARK: nothing was formed

    @Test func anEmptyFolderIsANewCluster() {
        #expect(FolderClassification([], inUse: []).verdict == .new(folders: []))
        let emptied = Self.six.map { DirectoryFacts(path: Scene.folder($0)) }
        #expect(FolderClassification(emptied, inUse: []).verdict == .new(folders: []))
    }

    @Test func nodesThatNeverJoinedAreStaleAndReplacedByANewCluster() {
        var scene = Scene.untouched()
        for name in Self.six { scene.disk[Scene.folder(name)] = Self.standalone(name) }
        scene.look()
        let decision = scene.run { $0.assessment.ready }
        #expect(decision?.record?.members.map(\.name) == Self.six)
        for name in Self.six {
            #expect(scene.record?.member(name)?.id != Scene.id("dead\(name)"), "a new cluster has new ids")
        }
    }

    @Test func staleFoldersAreMovedToQuarantineWithANote() throws {
        var scene = Scene.untouched()
        scene.disk[Scene.folder("7004")] = Self.standalone("7004")
        scene.look()
        let decision = try #require(scene.run { !$0.orders("quarantine").isEmpty })
        guard case .quarantine(let move)? = decision.orders("quarantine").first else { return }
        #expect(move.node == "7004")
        #expect(move.files.contains("nodes-7004.conf"))
        #expect(move.note == "nodes-7004.conf was left by an unfinished create")
    }

    @Test(arguments: [DataEvidence.keys, .functions, .unreadable("magic")])
    func keysWithoutAClusterAreRefused(evidence: DataEvidence) {
        var scene = Scene.untouched()
        var folder = Self.standalone("7000")
        folder.content = .appendOnly(evidence)
        scene.disk[folder.path] = folder
        scene.look()
        let refusal = scene.decide().refusal
        #expect(refusal?.reason == .keysWithoutCluster && refusal?.exit == 4)
        #expect(refusal?.message.contains("/data/nodes/7000") == true)
        #expect(scene.decide().deeds == [] && scene.decide().record == nil)
    }

    @Test func keysWithoutANodesFileAreRefused() {
        var folder = Self.standalone("7000", keys: true)
        folder.nodesFile = .absent
        guard case .refused(let refusal) = FolderClassification([folder], inUse: []).verdict else {
            return #expect(Bool(false), "keys without a cluster were treated as stale")
        }
        #expect(refusal.exit == 4)
    }

    // MARK: an existing cluster

    @Test func aFormedClusterWithoutARecordIsAdopted() {
        let before = Scene.settled()
        var scene = Self.found()
        let record = scene.decide().record
        #expect(record?.stage == .formed)
        #expect(record?.shape == .init(masters: 3, replicas: 1))
        #expect(record?.members.map(\.id) == before.record?.members.map(\.id))
        #expect(record?.members.map(\.ports) == before.record?.members.map(\.ports))
        scene.run { $0.assessment.ready }
        #expect(scene.disk.mapValues(\.cluster) == before.disk.mapValues(\.cluster), "each file says the same cluster")
        for (path, folder) in before.disk where folder.parsed?.view.myself?.flags.contains(.master) == true {
            #expect(scene.disk[path]?.nodesFile == folder.nodesFile, "a master's file was not touched")
        }
        #expect(scene.disk.mapValues(\.content) == before.disk.mapValues(\.content))
    }

    @Test func runningNodesOfAClusterWithoutARecordAreAdoptedAndNotStarted() {
        var scene = Scene.settled()
        scene.loseRecord()
        let decision = scene.run { $0.assessment.ready }
        #expect(decision?.assessment.ready == true)
        #expect(scene.starts.values.allSatisfy { $0 == 1 })
    }

    @Test func anUnreadableRecordIsReported() {
        var scene = Self.found { $0.seen.recordKeptAside = "/data/state.json.unreadable-1" }
        let decision = scene.decide()
        #expect(decision.finding(.recordUnreadable)?.message.contains("/data/state.json.unreadable-1") == true)
        let later = scene.run { $0.assessment.ready }
        #expect(later?.finding(.recordUnreadable) != nil)
    }

    /// Four of six had joined when `create` was interrupted.
    static func partial(_ change: (inout Scene) -> Void = { _ in }) -> Scene {
        found { scene in
            let joined = Set(six.prefix(4).map(Scene.id))
            for name in six.prefix(4) {
                guard case .parsed(var file)? = scene.disk[Scene.folder(name)]?.nodesFile else { continue }
                file.view.entries.removeAll { !joined.contains($0.id) }
                scene.disk[Scene.folder(name)]?.nodesFile = .parsed(file)
            }
            for name in six.suffix(2) { scene.disk[Scene.folder(name)] = standalone(name) }
            change(&scene)
        }
    }

    @Test func loneNodesWithoutKeysJoinTheClusterOfTheOthers() {
        var scene = Self.partial()
        let before = scene.disk
        let decision = scene.run { $0.assessment.ready }
        #expect(decision?.record?.members.map(\.name) == Self.six)
        #expect(decision?.assessment.shards.map(\.replicas.count) == [1, 1, 1], "each where a replica was missing")
        for name in Self.six.prefix(4) {
            #expect(scene.disk[Scene.folder(name)]?.content == before[Scene.folder(name)]?.content)
        }
    }

    @Test func aLoneNodeWithKeysIsReportedAndLeftUnchanged() {
        var scene = Self.partial { $0.disk[Scene.folder("7005")] = Self.standalone("7005", keys: true) }
        let before = scene.disk[Scene.folder("7005")]
        #expect(scene.decide().finding(.standaloneWithKeys)?.node == "7005")
        let decision = scene.run { $0.assessment.serving && $0.assessment.node("7004")?.linkUp == true }
        #expect(decision?.record?.member("7005") == nil)
        #expect(scene.disk[Scene.folder("7005")] == before)
    }

    /// 7005 lost its nodes.conf, was started alone by hand, and took writes: the other nodes still list its old ID.
    @Test(arguments: [true, false])
    func aLoneNodeWithKeysInAMembersFolderIsLeftUnchanged(recordIsThere: Bool) {
        var scene = Scene.settled()
        scene.processes = [:]
        scene.replaceDaemon()
        if !recordIsThere { scene.record = nil }
        scene.disk[Scene.folder("7005")] = Self.standalone("7005", keys: true)
        scene.look()
        let before = scene.disk[Scene.folder("7005")]
        var isReported = false
        let decision = scene.run { decision in
            isReported = isReported || decision.finding(.standaloneWithKeys)?.node == "7005"
            return decision.assessment.serving && decision.assessment.node("7004")?.linkUp == true
        }
        #expect(isReported)
        #expect(decision?.assessment.ready == false)
        #expect(scene.processes["7005"] == nil)
        #expect(scene.disk[Scene.folder("7005")] == before)
    }

    @Test func aSurplusLoneNodeIsLeftUnchanged() {
        var scene = Self.found { $0.disk[Scene.folder("7006")] = Self.standalone("7006") }
        #expect(scene.decide().finding(.nodeStandalone)?.node == "7006")
        let decision = scene.run { $0.assessment.ready }
        #expect(decision?.record?.members.map(\.name) == Self.six)
        #expect(scene.disk[Scene.folder("7006")] == Self.standalone("7006"))
    }
}

extension DirectoryFacts {
    /// The role of each node by its nodes.conf, without epochs.
    fileprivate var cluster: [String] {
        (parsed?.view.entries ?? []).map { "\($0.id) \($0.ports) \($0.flags) \($0.masterID?.text ?? "-") \($0.slots)" }
            .sorted()
    }
}
