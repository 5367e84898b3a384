import ClusterModel
import Planner
import Testing

/// Folders of a cluster whose layout is not clusterd's own.
@Suite struct FoundNodesTests {
    /// Folders with these paths that form one cluster; each node has the host and port of `places`.
    static func folders(_ paths: [String], _ places: [(host: String, port: Int)]) -> [DirectoryFacts] {
        let slots = SlotSet.evenly(among: paths.count)
        let entries = places.enumerated().map { index, place in
            var entry = NodeEntry(
                id: Scene.id("abc\(index)"), host: place.host, ports: PortPair(client: place.port))
            entry.flags = .master
            entry.configEpoch = UInt64(index + 1)
            entry.slots = slots[index]
            return entry
        }
        return paths.enumerated().map { index, path in
            var mine = entries
            mine[index].flags.insert(.myself)
            mine[index].host = ""
            var facts = DirectoryFacts(path: path)
            facts.exists = true
            facts.nodesFileName = "nodes.conf"
            facts.nodesFile = .parsed(
                NodesFile(view: NodesView(entries: mine), currentEpoch: 9, lastVoteEpoch: 0))
            facts.content = .appendOnly(.keys)
            return facts
        }
    }

    static let threeHosts = [("10.0.0.1", 6379), ("10.0.0.2", 6379), ("10.0.0.3", 6379)]
    static let candidates = (7000...7009).map { PortPair(client: $0) }

    static func found(_ paths: [String], _ places: [(String, Int)]) -> [String] {
        FoundNodes(folders(paths, places.map { (host: $0.0, port: $0.1) }), candidates: candidates).nodes
            .map { "\($0.folder.path) \($0.name) \($0.ports.client)" }
    }

    @Test func foldersOfSeveralHostsGetPortsOfTheirOwn() {
        #expect(
            Self.found(["/data/host1", "/data/host2", "/data/host10"], Self.threeHosts)
                == ["/data/host1 7000 7000", "/data/host10 7001 7001", "/data/host2 7002 7002"])
        #expect(
            Self.found(["/data/7101", "/data/7000", "/data/x"], Self.threeHosts)
                == ["/data/7000 7000 7000", "/data/7101 7101 7101", "/data/x 7001 7001"])
    }

    @Test func portsThatDoNotCollideAreKept() {
        let places = [("10.0.0.1", 6379), ("10.0.0.2", 6380), ("10.0.0.3", 6381)]
        #expect(
            Self.found(["/data/a", "/data/b", "/data/7002"], places)
                == ["/data/7002 7002 6381", "/data/a 6379 6379", "/data/b 6380 6380"])
    }

    @Test func aClusterInFoldersOfOtherNamesIsAdopted() {
        var scene = Scene.untouched(masters: 3, replicas: 0)
        for folder in Self.folders(["/data/host1", "/data/host2", "/data/host3"], Self.threeHosts.map { ($0.0, $0.1) })
        {
            scene.disk[folder.path] = folder
        }
        scene.look()
        let record = scene.decide().record
        #expect(record?.stage == .formed)
        #expect(record?.members.map(\.directory) == ["/data/host1", "/data/host2", "/data/host3"])
        #expect(record?.members.map(\.ports.client) == [7000, 7001, 7002])
        let decision = scene.run { $0.assessment.ready }
        #expect(decision?.assessment.ready == true)
    }

    @Test func aFolderOfOneClusterNodeIsNotTakenForANewCluster() {
        var folder = Self.folders(["/data/host1", "/data/h2", "/data/h3"], Self.threeHosts.map { ($0.0, $0.1) })[0]
        guard case .refused(let refusal) = FolderClassification([folder], inUse: []).verdict else {
            return #expect(Bool(false), "a new cluster beside keys")
        }
        #expect(refusal.reason == .keysWithoutCluster && refusal.exit == 4)
        folder.content = .appendOnly(.noKeys)
        guard case .refused(let other) = FolderClassification([folder], inUse: []).verdict else {
            return #expect(Bool(false), "a new cluster beside another's node")
        }
        #expect(other.reason == .keysWithoutCluster)
    }

    @Test func nodeFilesInTheDataFolderItselfAreRefused() {
        var root = Self.folders(["/data", "/h2"], [("10.0.0.1", 6379), ("10.0.0.2", 6379)])[0]
        root.isDataFolder = true
        let classification = FolderClassification([root], inUse: [])
        guard case .refused(let refusal) = classification.verdict else {
            return #expect(Bool(false), "a new cluster beside a node's files")
        }
        #expect(refusal.reason == .keysWithoutCluster)
        #expect(refusal.hint?.contains("mkdir /data/6379 && mv /data/nodes.conf") == true)
        #expect(classification.unplaced == nil, "the data folder is not moved to its own quarantine")
    }

    @Test func aHintQuotesAFolderWithASpace() {
        var root = Self.folders(["/my data", "/h2"], [("10.0.0.1", 6379), ("10.0.0.2", 6379)])[0]
        root.isDataFolder = true
        guard case .refused(let refusal) = FolderClassification([root], inUse: []).verdict else {
            return #expect(Bool(false), "a new cluster beside a node's files")
        }
        #expect(refusal.hint?.contains("mkdir '/my data/6379' && mv '/my data/nodes.conf'") == true)
    }

    @Test func foldersBesideAFormedClusterAreNotNodes() throws {
        let scene = Scene.settled()
        let record = try #require(scene.record)
        var copy = try #require(scene.disk[Scene.folder("7000")])
        copy.path = "/data/backup"
        copy.content = .appendOnly(.keys)
        var root = copy
        root.path = "/data"
        root.isDataFolder = true
        let all = scene.disk.values.sorted { $0.path < $1.path } + [copy, root]
        #expect(StrayFolders(record, all, inUse: []).findings == [])
        let moved = all.filter { $0.path != Scene.folder("7000") }
        #expect(StrayFolders(record, moved, inUse: []).findings.map(\.code) == [.directoryMisplaced])
    }

    /// Their redis.conf is found by these names.
    @Test func foldersThatBecomeNodesAreNamedByTheirPort() {
        let engine = Engine(name: .redis, version: EngineVersion(7, 0, 15))
        var spec = ClusterSpec(name: "test", dataDirectory: "/data")
        (spec.masters, spec.replicas) = (4, 0)
        let folders = Self.folders(["/data/host1", "/data/7001", "/data/x"], Self.threeHosts.map { ($0.0, $0.1) })
        let standalone = ["7005", "7006"].map { FolderClassificationTests.standalone($0) }
        let names = FolderClassification(folders + standalone, inUse: []).names(spec, engine: engine).map {
            "\($0.folder.lastName) \($0.name)"
        }
        #expect(names == ["7001 7001", "host1 7000", "x 7002", "7005 7005"], "one standalone is wanted")
        let new = FolderClassification(standalone, inUse: [])
        #expect(new.names(spec, engine: engine).isEmpty, "below nodes/ clusterd writes redis.conf itself")
        let keys = FolderClassification([FolderClassificationTests.standalone("7000", keys: true)], inUse: [])
        #expect(keys.names(spec, engine: engine).isEmpty, "it is refused")
    }
}
