import Foundation
import Testing

/// Invalid input: a clear error, the right exit code, and no change.
@Suite(.serialized) struct RefusalTests {
    private func refusal(_ text: String, _ arguments: [String] = []) throws -> (
        exit: Int32, words: String, left: [String]
    ) {
        let daemon = try Daemon()
        defer { daemon.cleanUp() }
        let conf = daemon.home + "/conf.yaml"
        try text.write(toFile: conf, atomically: true, encoding: .utf8)
        let result = try Daemon.run(
            ["up", "--dir", daemon.data, "--config", conf, "--port", "\(daemon.base)"] + arguments, in: daemon.home)
        return (
            result.exit, result.errors.replacingOccurrences(of: daemon.home, with: "HOME"),
            try FileManager.default.contentsOfDirectory(atPath: daemon.home).sorted()
        )
    }

    @Test func aMistypedKeyIsReportedWithItsLocationAndTheNearestKey() throws {
        let result = try refusal("cluster:\n  replica: 1\n")
        #expect(result.exit == 78)
        #expect(
            result.words.contains(
                "HOME/conf.yaml:2:3: there is no key 'replica' in 'cluster'; did you mean 'replicas'?"))
        #expect(result.left == ["conf.yaml"])
    }

    @Test func aDirectiveUnknownToTheEngineIsReportedWithItsLocation() throws {
        let result = try refusal("redis:\n  maxmemory-polcy: allkeys-lru\n")
        #expect(result.exit == 78)
        #expect(result.words.contains("HOME/conf.yaml:2:20:"))
        #expect(result.words.contains("maxmemory-polcy"))
        #expect(result.left == ["conf.yaml"])
    }

    @Test(arguments: [
        ("192.0.2.1", "the nodes cannot reach each other at this address"),
        ("no-such-host.invalid", "the name does not resolve"),
        (String(repeating: "a", count: 46), "the engine stores at most 45 of an address"),
    ])
    func anAddressThatNodesCannotUseIsRefusedBeforeTheyStart(announced: String, words: String) throws {
        let result = try refusal("cluster:\n  announce: \(announced)\n")
        #expect(result.exit == 78)
        #expect(result.words.contains("HOME/conf.yaml:2:13: cluster.announce: "))
        #expect(result.words.contains(words), "\(result.words)")
    }

    @Test func anACLFileWithoutAccessForClusterdIsRefused() throws {
        let list = NSTemporaryDirectory() + "users-\(UUID().uuidString.prefix(8)).acl"
        defer { try? FileManager.default.removeItem(atPath: list) }
        try "user alice on >x ~* +@all\n".write(toFile: list, atomically: true, encoding: .utf8)
        let result = try refusal("redis: {requirepass: sesame, masterauth: sesame, aclfile: \(list)}\n")
        #expect(result.exit == 78)
        #expect(
            result.words.contains("redis.requirepass has no effect with an ACL file")
                && !result.words.contains("sesame"))
    }

    @Test func twoNodesThatShareAFolderThroughALinkAreRefused() throws {
        let place = NSTemporaryDirectory() + "folders-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: place) }
        try FileManager.default.createDirectory(atPath: place + "/a", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: place + "/b", withDestinationPath: place + "/a")
        let result = try refusal("nodes:\n  \"7000\": {data-dir: \(place)/a}\n  \"7001\": {data-dir: \(place)/b/}\n")
        #expect(result.exit == 78)
        #expect(
            result.words.contains("HOME/conf.yaml:3:22: ") && result.words.contains("is also the folder of node 7000"))
    }

    @Test func aDirectiveThatClusterdOwnsIsRefused() throws {
        #expect(try refusal("redis: {port: 7}\n").words.contains("clusterd sets this itself"))
    }

    @Test func anUnprotectedAddressIsRefusedWithThreeRemedies() throws {
        let result = try refusal("cluster: {bind: 0.0.0.0}\n")
        #expect(result.exit == 78)
        for way in ["requirepass", "aclfile", "protected-mode: no"] { #expect(result.words.contains(way)) }
    }

    @Test func aClusterOfTwoMastersIsRefused() throws {
        let result = try refusal("", ["--masters", "2"])
        #expect(result.exit == 78 && result.words.contains("two masters cannot form a cluster"))
    }

    @Test func aMissingEngineIsReportedWithTheInstallCommand() throws {
        let result = try refusal("", ["--server", "/nonexistent/redis-server"])
        #expect(result.exit == 78 && result.words.contains("apt-get install redis-server"))
        #expect(try refusal("", ["--server", "/bin/true"]).exit == 78)
    }

    @Test func anotherShapeIsRefusedNamingTheExistingOne() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "1"])
            try await daemon.ready()
            try await daemon.stop()
            let result = try Daemon.run(["up", "--dir", daemon.data, "--masters", "3"])
            #expect(result.exit == 64)
            #expect(result.errors.contains("1 master with 1 replica each"))
        }
    }

    @Test func usageErrorsExit64() throws {
        #expect(try Daemon.run(["frobnicate"]).exit == 64)
        #expect(try Daemon.run(["up", "--masters", "many"]).exit == 64)
    }
}
