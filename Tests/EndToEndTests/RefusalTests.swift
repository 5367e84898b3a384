import Foundation
import Testing

/// Bad input: a clear error, the right exit code, and nothing changed.
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

    @Test func aMistypedKeyIsNamedWithItsPlaceAndTheNearestOne() throws {
        let result = try refusal("cluster:\n  replica: 1\n")
        #expect(result.exit == 78)
        #expect(
            result.words.contains(
                "HOME/conf.yaml:2:3: there is no key 'replica' in 'cluster'; did you mean 'replicas'?"))
        #expect(result.left == ["conf.yaml"])
    }

    @Test func aDirectiveThatTheEngineDoesNotKnowIsShownWithItsPlace() throws {
        let result = try refusal("redis:\n  maxmemory-polcy: allkeys-lru\n")
        #expect(result.exit == 78)
        #expect(result.words.contains("HOME/conf.yaml:2:20:"))
        #expect(result.words.contains("maxmemory-polcy"))
        #expect(result.left == ["conf.yaml"])
    }

    @Test func whatClusterdOwnsAndWhatIsNotBuiltIsRefused() throws {
        #expect(try refusal("redis: {port: 7}\n").words.contains("this is clusterd's own"))
    }

    @Test func anUnprotectedAddressIsRefusedWithTheThreeWaysOut() throws {
        let result = try refusal("cluster: {bind: 0.0.0.0}\n")
        #expect(result.exit == 78)
        for way in ["requirepass", "aclfile", "protected-mode: no"] { #expect(result.words.contains(way)) }
    }

    @Test func twoMastersAreNoCluster() throws {
        let result = try refusal("", ["--masters", "2"])
        #expect(result.exit == 78 && result.words.contains("two masters are no cluster"))
    }

    @Test func noEngineIsSaidWithTheCommandThatInstallsOne() throws {
        let result = try refusal("", ["--server", "/nonexistent/redis-server"])
        #expect(result.exit == 78 && result.words.contains("apt-get install redis-server"))
        #expect(try refusal("", ["--server", "/bin/true"]).exit == 78)
    }

    @Test func anotherShapeIsRefusedSayingWhatIsThere() async throws {
        try await withDaemon { daemon in
            try daemon.up(["--masters", "1", "--replicas", "1"])
            try await daemon.ready()
            try await daemon.stop()
            let result = try Daemon.run(["up", "--dir", daemon.data, "--masters", "3"])
            #expect(result.exit == 64)
            #expect(result.errors.contains("1 master with 1 replica each"))
        }
    }

    @Test func usageErrorsAre64() throws {
        #expect(try Daemon.run(["frobnicate"]).exit == 64)
        #expect(try Daemon.run(["up", "--masters", "many"]).exit == 64)
    }
}
