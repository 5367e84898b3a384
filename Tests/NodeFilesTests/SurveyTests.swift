import ClusterModel
import Foundation
import NodeFiles
import Testing

/// Invariant: unknown-is-data.
struct SurveyTests {
    private let nodesFile = """
        \(String(repeating: "a", count: 40)) 127.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-16383
        vars currentEpoch 1 lastVoteEpoch 0

        """

    @Test func aSurveyFindsOwnFoldersAndThoseLaidOutByHand() throws {
        let data = try TemporaryFolder()
        for name in [
            "nodes/7010", "nodes/7009", "nodes/.hidden", "7001", "7002", "7003", "70000", "quarantine/x", "other",
        ] {
            _ = try data.make(name)
        }
        try data.write("7001/nodes-7001.conf", nodesFile)
        try data.write("7002/appendonlydir/appendonly.aof.manifest", "")
        try data.write("70000/nodes.conf", nodesFile)
        try data.write("other/nodes.conf", nodesFile)
        try data.write("nodes/a-file", "")
        for name in ["host1", "empty"] { _ = try data.make(name) }
        try data.write("host1/dump.rdb", "")
        let found = survey(
            dataDirectory: data.path, extra: ["\(data.path)/gone", "\(data.path)/7001"])
        #expect(
            found.map { $0.path.dropFirst(data.path.count + 1) }
                == ["nodes/7009", "nodes/7010", "7001", "7002", "70000", "host1", "other", "gone"])
        #expect(found.map(\.exists) == [true, true, true, true, true, true, true, false])
        #expect(found[2].nodesFileName == "nodes-7001.conf" && found[6].nodesFileName == "nodes.conf")
        #expect(found.allSatisfy { !$0.isDataFolder })
        try data.write("nodes.conf", nodesFile)
        let root = survey(dataDirectory: data.path).last
        #expect(root?.path == data.path && root?.isDataFolder == true)
        #expect(survey(dataDirectory: data.path + "/nowhere").isEmpty)
    }

    @Test func aSurveyReportsTheStateOfTheNodesFile() throws {
        let folder = try TemporaryFolder()
        #expect(directoryFacts(folder.path).nodesFile == .absent)
        for (text, expected) in [
            ("", "empty"), (String(nodesFile.dropLast(9)), "torn"), ("x\n", "corrupt"), (nodesFile, "parsed"),
        ] {
            try folder.write("nodes.conf", text)
            let state =
                switch directoryFacts(folder.path).nodesFile {
                case .absent: "absent"
                case .empty: "empty"
                case .torn: "torn"
                case .corrupt: "corrupt"
                case .parsed: "parsed"
                }
            #expect(state == expected)
        }
    }

    @Test func aSurveyReadsTheNodesFileNamedInTheConfiguration() throws {
        let folder = try TemporaryFolder()
        try folder.write("nodes.conf", "x\n")
        try folder.write("mine.conf", nodesFile)
        try folder.write("redis.conf", "port 7005\ncluster-config-file mine.conf\nappendonly yes\n")
        let facts = directoryFacts(folder.path)
        #expect(facts.nodesFileName == "mine.conf" && facts.redisConf?.port == 7005)
        #expect(facts.redisConf?.isGenerated == false && facts.redisConf?.appendOnly == true)
    }

    @Test func anUnreadableFileCountsAsKeys() throws {
        let folder = try TemporaryFolder()
        try folder.write("dump.rdb", "")
        #expect(directoryFacts(folder.path).content.holdsKeys)
        try folder.write("dump.rdb", "REDIS0010")
        #expect(directoryFacts(folder.path).content.holdsKeys)
        let other = try TemporaryFolder()
        try other.write("appendonlydir/appendonly.aof.manifest", "file appendonly.aof.1.incr.aof seq 1 type i\n")
        #expect(directoryFacts(other.path).content.appendOnly?.trouble != nil)
        #expect(directoryFacts(other.path).content.holdsKeys)
        try other.write("appendonlydir/appendonly.aof.1.incr.aof", "")
        #expect(!directoryFacts(other.path).content.holdsKeys)
        try other.write("appendonlydir/appendonly.aof.manifest", "nonsense\n")
        #expect(directoryFacts(other.path).content.holdsKeys)
    }

    @Test func anAppendOnlyFileWithPartsAndNoManifestCannotBeLoaded() throws {
        let folder = try TemporaryFolder()
        try folder.write("appendonlydir/appendonly.aof.1.incr.aof", "")
        #expect(directoryFacts(folder.path).content.appendOnly == nil, "nothing would be lost")
        try folder.write("appendonlydir/appendonly.aof.1.base.rdb", "REDIS0010")
        let files = try #require(directoryFacts(folder.path).content.appendOnly)
        #expect(files.lacksManifest && files.trouble == "appendonlydir/appendonly.aof.manifest is missing")
        #expect(
            files.files.map(\.name) == [
                "appendonlydir/appendonly.aof.1.base.rdb", "appendonlydir/appendonly.aof.1.incr.aof",
            ])
    }

    /// The engine would load the listed parts, and overwrite the other one when it reaches its number.
    @Test func aPartWithKeysOutsideTheManifestIsFound() throws {
        let folder = try TemporaryFolder()
        let (base, increment) = ("appendonly.aof.2.base.aof", "appendonly.aof.2.incr.aof")
        let keys = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"
        try folder.write("appendonlydir/\(base)", keys)
        try folder.write("appendonlydir/\(increment)", keys)
        func survey(_ manifest: String) throws -> AppendOnlyFiles {
            try folder.write("appendonlydir/appendonly.aof.manifest", manifest)
            return try #require(directoryFacts(folder.path).content.appendOnly)
        }
        let both = ["appendonlydir/\(base)", "appendonlydir/\(increment)"]
        let whole = try survey("file \(base) seq 2 type b\nfile \(increment) seq 2 type i\n")
        #expect(!whole.lacksManifest && whole.trouble == nil && whole.files.map(\.name) == both)
        let cut = try survey("file \(base) seq 2 type b\n")
        #expect(cut.lacksManifest && cut.files.map(\.name) == both)
        #expect(cut.trouble?.contains("does not name appendonlydir/\(increment), which holds keys") == true)
        let baseless = try survey("file \(increment) seq 2 type i\n")
        #expect(baseless.lacksManifest && baseless.files.map(\.name) == both)
        let doubled = try survey(
            "file \(base) seq 2 type b\nfile \(base) seq 2 type b\nfile \(increment) seq 2 type i\n")
        #expect(doubled.lacksManifest && doubled.files.map(\.name) == both)
        #expect(doubled.trouble == "appendonlydir/appendonly.aof.manifest cannot be read")
        // Left by a rewrite that a crash interrupted: the listed parts are complete.
        try folder.write("appendonlydir/appendonly.aof.3.base.aof", keys)
        let rewritten = try survey("file \(base) seq 2 type b\nfile \(increment) seq 2 type i\n")
        #expect(!rewritten.lacksManifest && rewritten.trouble == nil)
        // The engine deletes the parts that it has replaced.
        let old = try survey(
            "file \(base) seq 2 type h\nfile \(increment) seq 2 type h\nfile appendonly.aof.3.base.aof seq 3 type b\n")
        #expect(!old.lacksManifest && old.trouble == nil)
    }

    @Test func aSurveyFindsADumpUnderAnyName() throws {
        let folder = try TemporaryFolder()
        try folder.write("backup-of-monday", "REDIS0010\u{fe}")
        try folder.write("redis.log", "1:M 01 Jan 2026 00:00:00.000 * Ready\n")
        mkfifo("\(folder.path)/pipe", 0o600)
        let content = directoryFacts(folder.path).content
        #expect(content.others.map(\.name) == ["backup-of-monday"] && content.holdsKeys && content.dumps.isEmpty)
    }
}
