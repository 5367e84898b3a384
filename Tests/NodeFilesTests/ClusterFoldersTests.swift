import ClusterModel
import Foundation
import Glibc
import NodeFiles
import Testing

@Suite struct ClusterFoldersTests {
    private func root(_ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "clusterd-folders-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path + "/data/nodes/7000/aof", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    private func write(_ text: String, _ path: String) throws {
        try text.write(toFile: path, atomically: false, encoding: .utf8)
    }

    @Test func everyFileOfAClusterFolderIsListed() throws {
        try root { root in
            let (data, node) = (root + "/data", root + "/data/nodes/7000")
            try write("*\n", data + "/.gitignore")
            try write("\(RedisConfFacts.marker) for node 7000\nappenddirname aof\n", node + "/redis.conf")
            try write("x", node + "/aof/appendonly.aof.manifest")
            symlink("/etc/passwd", node + "/dump.rdb")
            let listings = try ClusterFolders(data).listings([node, root + "/elsewhere"])
            #expect(listings.map(\.path) == [data, data + "/nodes", node, node + "/aof"])
            #expect(listings[0].generated == [".gitignore"] && listings[2].generated == ["redis.conf"])
            #expect(
                listings[2].entries == [.init("aof", .folder), .init("dump.rdb", .link), .init("redis.conf", .file)])
            #expect(listings[3].entries == [.init("appendonly.aof.manifest", .file)])
        }
    }

    @Test func aLinkInAClusterFolderIsNotFollowed() throws {
        try root { root in
            let data = root + "/data"
            try FileManager.default.createDirectory(atPath: root + "/outside/7001", withIntermediateDirectories: true)
            try write("key", root + "/outside/7001/dump.rdb")
            symlink(root + "/outside/7001", data + "/nodes/7001")
            symlink(root + "/outside", data + "/nodes/far")
            let folders = ClusterFolders(data)
            let listings = try folders.listings([data + "/nodes/7001", data + "/nodes/far/7001"])
            #expect(listings.filter { !$0.isReal }.map(\.path) == [data + "/nodes/7001", data + "/nodes/far/7001"])
            #expect(throws: FileError.self) { try folders.removeFile("dump.rdb", from: data + "/nodes/7001") }
            #expect(throws: FileError.self) { try folders.removeFile("dump.rdb", from: data + "/nodes/far/7001") }
            #expect(try folders.removeFolder(data + "/nodes/7001") == false)
            #expect(FileManager.default.fileExists(atPath: root + "/outside/7001/dump.rdb"))
        }
    }

    @Test func anEmptiedFolderIsRemoved() throws {
        try root { root in
            let (data, node) = (root + "/data", root + "/data/nodes/7000")
            try write("12345", node + "/dump.rdb")
            let folders = ClusterFolders(data)
            #expect(try folders.removeFolder(node) == false)
            #expect(try folders.removeFile("dump.rdb", from: node) == 5)
            #expect(try folders.removeFile("dump.rdb", from: node) == nil)
            for path in [node + "/aof", node, data + "/nodes", data] { #expect(try folders.removeFolder(path)) }
            // Removing it twice does no harm.
            #expect(try folders.removeFolder(node) && folders.removeFile("dump.rdb", from: node) == nil)
            #expect(try FileManager.default.contentsOfDirectory(atPath: root) == [])
        }
    }
}
