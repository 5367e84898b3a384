import ClusterModel
import Planner
import Testing

/// What destroy deletes, and what it keeps. Invariant: last-copy.
@Suite struct DestructionTests {
    private func record(_ directories: [String]) -> Record {
        var random = SplitMix64(seed: 7)
        let members = directories.enumerated().map { index, directory in
            let port = 7000 + index
            return Member(
                name: NodeName(String(port)), id: NodeID(using: &random), ports: PortPair(client: port),
                directory: directory, nodesFileName: "nodes-\(port).conf", shard: 0, shardID: NodeID(using: &random))
        }
        return Record(cluster: "demo", stage: .formed, shape: .init(masters: 1, replicas: 0), members: members)
    }

    private func folder(
        _ path: String, _ files: [String] = [], folders: [String] = [], links: [String] = [], others: [String] = [],
        generated: Set<String> = []
    ) -> FolderListing {
        FolderListing(
            path: path,
            entries: files.map { .init($0, .file) } + folders.map { .init($0, .folder) }
                + links.map { .init($0, .link) }
                + others.map { .init($0, .other) }, generated: generated)
    }

    private func plan(_ directories: [String], _ folders: [FolderListing]) -> Destruction {
        Destruction(record(directories), dataDirectory: "/d", folders: folders)
    }

    private static let data = [
        "state.json", "lock", "events.jsonl", "events.jsonl.1", "clusterd.log", "journal-position.json", ".gitignore",
    ]

    @Test func destroyDeletesAReserveAndKeepsAForeignFileOfThatName() {
        func plan(_ generated: Set<String>) -> Destruction {
            self.plan(
                ["/d/nodes/7000", "/d/7001", "/elsewhere"],
                [
                    folder("/d", ["reserve"], folders: ["nodes", "7001"], generated: generated),
                    folder("/d/nodes", folders: ["7000"]),
                    folder("/d/nodes/7000", ["reserve"], generated: generated),
                    folder("/d/7001", ["reserve"], generated: generated),
                    folder("/elsewhere", ["reserve"], generated: generated),
                ])
        }
        let all = ["/d/nodes/7000/reserve", "/d/7001/reserve", "/elsewhere/reserve", "/d/reserve"]
        #expect(plan(["reserve"]).steps.map(\.path).filter { $0.hasSuffix("/reserve") } == all)
        #expect(plan([]).steps.allSatisfy { !$0.path.hasSuffix("/reserve") })
    }

    @Test func destroyDeletesAClusterThatClusterdMadeEntirely() {
        let node = [
            "redis.conf", "nodes-7000.conf", "dump.rdb", "redis.log", "redis.log.1", "temp-4182.rdb",
            "nodes-7000.conf.tmp-41-1700",
        ]
        let plan = plan(
            ["/d/nodes/7000"],
            [
                folder("/d", Self.data, folders: ["nodes"], others: ["control.sock"], generated: [".gitignore"]),
                folder("/d/nodes", folders: ["7000"]),
                folder("/d/nodes/7000", node, folders: ["appendonlydir"], generated: ["redis.conf"]),
                folder(
                    "/d/nodes/7000/appendonlydir",
                    ["appendonly.aof.1.base.rdb", "appendonly.aof.1.incr.aof", "appendonly.aof.manifest"]),
            ])
        #expect(plan.kept == [])
        let removed = plan.steps.map(\.path)
        #expect(removed.prefix(7) == node.map { "/d/nodes/7000/\($0)" }[...])
        // The record is deleted after everything that it describes, and the lock after the record.
        #expect(removed.suffix(4) == ["/d/.gitignore", "/d/state.json", "/d/lock", "/d"])
        #expect(removed.contains("/d/nodes/7000/appendonlydir") && removed.contains("/d/nodes"))
        #expect(Set(removed).count == removed.count)
    }

    @Test func destroyKeepsAndNamesFilesThatClusterdDidNotMake() {
        let plan = plan(
            ["/d/nodes/7000"],
            [
                folder("/d", Self.data + ["notes.txt"], folders: ["nodes", "quarantine", "other"]),
                folder("/d/nodes", ["README"], folders: ["7000", "7009"]),
                folder(
                    "/d/nodes/7000", ["redis.conf", "dump.rdb", "dump-of-monday.rdb", "core"], folders: ["backup"],
                    links: ["appendonly.aof"]),
            ])
        let kept = plan.kept.map(\.path)
        #expect(
            kept.sorted() == [
                "/d/.gitignore", "/d/nodes/7000/appendonly.aof", "/d/nodes/7000/backup", "/d/nodes/7000/core",
                "/d/nodes/7000/dump-of-monday.rdb", "/d/nodes/7000/redis.conf", "/d/nodes/7009", "/d/nodes/README",
                "/d/notes.txt", "/d/other", "/d/quarantine",
            ])
        #expect(Set(plan.steps.map(\.path)).isDisjoint(with: kept))
        // clusterd did not make the parent folders, as there is no .gitignore of its own: the folder itself stays.
        #expect(!plan.steps.contains(.folder("/d")))
    }

    @Test func aFolderLaidOutByHandKeepsItsData() {
        let plan = plan(
            ["/d/7000"],
            [
                folder("/d", Self.data, folders: ["7000", "quarantine"]),
                folder("/d/7000", ["redis.conf", "nodes.conf", "dump.rdb", "redis.log"], generated: ["redis.conf"]),
            ])
        #expect(plan.steps.map(\.path).filter { $0.hasPrefix("/d/7000") } == ["/d/7000/redis.conf"])
        #expect(plan.kept.filter { $0.path == "/d/7000" }.map(\.why) == ["it was created by hand: its data stay"])
        #expect(plan.kept.count == 2 + 1)
    }

    @Test func aNodeFolderElsewhereIsEmptiedAndKept() {
        let plan = plan(
            ["/mnt/ssd/7000"],
            [folder("/d", Self.data), folder("/mnt/ssd/7000", ["dump.rdb", "photo.jpg"])])
        #expect(plan.steps.contains(.file(folder: "/mnt/ssd/7000", name: "dump.rdb")))
        #expect(!plan.steps.contains(.folder("/mnt/ssd/7000")))
        #expect(plan.kept.map(\.path).contains("/mnt/ssd/7000/photo.jpg"))
    }

    @Test func destroyFollowsNoLink() {
        let plan = plan(
            ["/d/nodes/7000", "/d/nodes/7001"],
            [
                folder("/d", Self.data, folders: ["nodes"]), folder("/d/nodes", folders: ["7001"], links: ["7000"]),
                FolderListing(path: "/d/nodes/7000", isReal: false),
                folder("/d/nodes/7001", ["dump.rdb"]),
            ])
        #expect(plan.steps.map(\.path).filter { $0.hasPrefix("/d/nodes/7000") } == [])
        #expect(plan.kept.contains(.init(path: "/d/nodes/7000", why: "clusterd does not follow links: its data stay")))
        let whole = self.plan(
            ["/d/nodes/7000"],
            [
                folder("/d", Self.data, links: ["nodes"]), FolderListing(path: "/d/nodes", isReal: false),
                FolderListing(path: "/d/nodes/7000", isReal: false),
            ])
        #expect(whole.steps.map(\.path).filter { $0.hasPrefix("/d/nodes") } == [])
    }

    /// Data file names set in redis.conf.
    @Test func destroyDeletesDataUnderTheirConfiguredNames() {
        var names = DataFileNames()
        (names.dump, names.appendOnlyDirectory) = ("seven.rdb", "aof")
        var node = folder("/d/nodes/7000", ["seven.rdb", "dump.rdb"], folders: ["aof", "appendonlydir"])
        node.dataNames = names
        let plan = plan(
            ["/d/nodes/7000"],
            [
                folder("/d", Self.data), folder("/d/nodes", folders: ["7000"]), node,
                folder("/d/nodes/7000/aof", ["appendonly.aof.manifest", "letter.txt"]),
            ])
        #expect(plan.steps.contains(.file(folder: "/d/nodes/7000", name: "seven.rdb")))
        #expect(plan.steps.contains(.file(folder: "/d/nodes/7000/aof", name: "appendonly.aof.manifest")))
        for path in ["dump.rdb", "appendonlydir", "aof/letter.txt"] {
            #expect(plan.kept.map(\.path).contains("/d/nodes/7000/\(path)"))
        }
    }
}
