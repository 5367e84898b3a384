import ClusterModel
import Planner
import Testing

/// What `fix` plans in a data folder in which no clusterd runs. Invariant: no-merge.
@Suite struct FolderPlanTests {
    /// Two nodes that know each other and own slots.
    static func pair(_ a: NodeName, _ b: NodeName) -> [DirectoryFacts] {
        [(a, b, SlotSet(0...8000)), (b, a, SlotSet(8001...16383))].map { name, other, slots in
            var facts = FolderClassificationTests.standalone(name, slots: slots, keys: true)
            var peer = NodeEntry(
                id: Scene.id("dead\(other)"), host: "127.0.0.1",
                ports: PortPair(client: FolderClassificationTests.port(other)))
            peer.flags = .master
            guard case .parsed(var file) = facts.nodesFile else { return facts }
            file.view.entries.append(peer)
            facts.nodesFile = .parsed(file)
            return facts
        }
    }

    private func plan(
        _ directories: [DirectoryFacts], inUse: Set<String> = [], keep: String? = nil, _ record: Record? = nil
    ) throws(Failure) -> FolderPlan {
        try FolderPlan(record, directories, inUse: inUse, keep: keep)
    }

    @Test func oneOfTwoClustersMustBeNamed() throws {
        let both = Self.pair("7000", "7001") + Self.pair("7100", "7101")
        let refusal = #expect(throws: Failure.self) { () throws in try plan(both) }
        #expect(refusal?.reason == .twoClusters && refusal?.exit == 4)
        #expect(refusal?.hint == "clusterd fix --keep 7000 · clusterd fix --keep 7100")
        for keep in ["7101", "dead71"] {
            let plan = try #require(try? plan(both, keep: keep))
            #expect(plan.repairs.map(\.id) == ["set-aside /data/nodes/7000", "set-aside /data/nodes/7001"])
        }
        #expect(try plan(both, keep: "7000").repairs.map(\.folder) == ["/data/nodes/7100", "/data/nodes/7101"])
        for keep in ["7999", "dead"] {
            #expect(#expect(throws: Failure.self) { () throws in try plan(both, keep: keep) }?.exit == 64)
        }
    }

    @Test func oneOfTwoClustersOfOneMasterMustBeNamed() throws {
        let both = ["7000", "7100"].map { FolderClassificationTests.standalone($0, slots: .all, keys: true) }
        #expect(#expect(throws: Failure.self) { () throws in try plan(both) }?.reason == .twoClusters)
        #expect(try plan(both, keep: "7100").repairs.map(\.folder) == ["/data/nodes/7000"])
    }

    /// The plan includes obstacles that appear only after the first one is removed.
    @Test func thePlanShowsEveryObstacle() throws {
        let standalone: [NodeName] = ["7005", "7006"]
        let folders =
            Self.pair("7000", "7001") + Self.pair("7100", "7101")
            + standalone.map { FolderClassificationTests.standalone($0, keys: true) }
        let plan = try plan(folders, keep: "7000")
        #expect(Set(plan.findings.map(\.code)) == [.twoClusters, .standaloneWithKeys])
        #expect(plan.repairs.count == 4)
        let alone = try self.plan(standalone.map { FolderClassificationTests.standalone($0, keys: true) })
        #expect(alone.findings.map(\.code) == [.keysWithoutCluster, .keysWithoutCluster])
    }

    @Test func aCopyOfAnExistingClusterIsMoved() throws {
        var copy = Self.pair("7000", "7001")[0]
        copy.path = "/data/nodes/7002"
        let plan = try plan(Self.pair("7000", "7001") + [copy])
        #expect(plan.findings.map(\.code) == [.directoryCopied])
        #expect(plan.repairs.map(\.folder) == ["/data/nodes/7002"])
    }

    @Test func aFolderInUseIsNotMoved() {
        let both = Self.pair("7000", "7001") + Self.pair("7100", "7101")
        let refusal = #expect(throws: Failure.self) { () throws in
            try plan(both, inUse: ["/data/nodes/7101"], keep: "7000")
        }
        #expect(refusal?.reason == .directoryInUse)
    }

    @Test func theMembersInTheRecordStay() throws {
        let scene = StrayFoldersTests.replaced { _ in FolderClassificationTests.standalone("7005", keys: true) }
        let folders = scene.disk.values.sorted { $0.path < $1.path } + Self.pair("7100", "7101")
        let plan = try plan(folders, scene.record)
        #expect(
            plan.repairs.map(\.id) == [
                "set-aside /data/nodes/7005", "set-aside /data/nodes/7100", "set-aside /data/nodes/7101",
            ])
        #expect(
            #expect(throws: Failure.self) { () throws in try self.plan(folders, keep: "7000", scene.record) }?.exit
                == 64)
        #expect(try self.plan([]).repairs.isEmpty)
    }

    /// The plan also reports what only a running clusterd can repair.
    @Test func slotsThatNoFileKnowsAreLeftToTheNextStart() throws {
        var scene = Scene.settled()
        for name in scene.processes.keys.sorted() {
            scene.die(name, ProcessExit(code: 0))
            scene.disk[Scene.folder(name)]?.nodesFile = .empty
        }
        func folders() -> [DirectoryFacts] { scene.disk.values.sorted { $0.path < $1.path } }
        let lost = try plan(folders(), scene.record)
        #expect(lost.repairs.isEmpty && lost.findings.map(\.code) == [.slotsUnknown])
        #expect(lost.findings.first?.severity == .error)
        #expect(lost.findings.first?.hint == "clusterd up --detach, then clusterd fix")
        scene.disk[Scene.folder("7004")]?.nodesFile = .parsed(Scene.settled().file("7004"))
        #expect(try plan(folders(), scene.record).findings == [])
        // The record does not know them either.
        scene.disk[Scene.folder("7004")]?.nodesFile = .empty
        scene.record?.members[0].lastSlots = nil
        let unknown = try plan(folders(), scene.record)
        #expect(Set(unknown.findings.map(\.code)) == [.slotsUnknown])
        #expect(unknown.findings.allSatisfy { $0.hint?.hasPrefix("put a nodes.conf") == true })
        // A node that runs may know them.
        let inUse = try FolderPlan(scene.record, folders(), inUse: [Scene.folder("7001")])
        #expect(inUse.findings == [])
    }

    @Test func aShardWithoutAManifestIsLeftToTheNextStart() throws {
        var scene = Scene.settled()
        for name in scene.processes.keys.sorted() { scene.die(name, ProcessExit(code: 0)) }
        scene.lackManifest("7000")
        func folders() -> [DirectoryFacts] { scene.disk.values.sorted { $0.path < $1.path } }
        #expect(try plan(folders(), scene.record).findings == [], "its replica takes over")
        scene.lackManifest("7003")
        let findings = try plan(folders(), scene.record).findings
        #expect(findings.map(\.code) == [.nodeDown] && findings.first?.node == "7000")
        #expect(findings.first?.severity == .error && findings.first?.repair == nil)
        #expect(findings.first?.hint == "clusterd up --detach, then clusterd fix")
    }
}
