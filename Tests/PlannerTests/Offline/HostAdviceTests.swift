import ClusterModel
import Planner
import Testing

/// The findings about a host, one line each.
@Suite struct HostAdviceTests {
    private func bad(_ change: (inout HostReading, inout ClusterSpec) -> Void) -> [String] {
        var spec = ClusterSpec(name: "test", dataDirectory: "/data")
        spec.directives = [.init(name: "maxmemory", arguments: ["1gb"])]
        var host = HostReading(openFiles: 20_000)
        host.overcommit = 1
        host.hugePages = "madvise"
        host.backlog = 4096
        host.ephemeral = 32768...60999
        host.memoryBytes = 16 << 30
        host.disks = [Disk(folders: [spec.dataDirectory], free: 10 << 30, size: 1 << 40)]
        host.clockSource = "tsc"
        host.engine = EngineReading(
            path: "/usr/bin/redis-server", engine: Engine(name: .redis, version: EngineVersion(7, 0, 15)),
            allocator: "jemalloc-5.2.1", missingTools: [])
        change(&host, &spec)
        return HostAdvice.judge(host, spec).filter { !$0.isGood }.map(\.subject)
    }

    @Test func aWellConfiguredHostHasNoFinding() { #expect(bad { _, _ in } == []) }

    @Test func eachHostProblemIsNamed() {
        #expect(bad { host, _ in host.overcommit = 0 } == ["overcommit"])
        #expect(bad { host, _ in host.hugePages = "always" } == ["huge-pages"])
        #expect(bad { host, _ in host.backlog = 128 } == ["somaxconn"])
        #expect(bad { host, _ in host.openFiles = 1024 } == ["open-files"])
        #expect(bad { host, _ in (host.hasSwap, host.swappiness) = (true, 60) } == ["swap"])
        #expect(bad { host, _ in host.clockSource = "hpet" } == ["clock"])
        #expect(bad { _, spec in spec.ports = .from(23000) } == ["ephemeral-ports"])
        #expect(bad { host, _ in host.memoryBytes = 4 << 30 } == ["memory"])
        #expect(bad { _, spec in spec.directives = [] } == ["memory"])
        #expect(bad { host, _ in host.disks[0].free = 1 << 20 } == ["disk"])
        #expect(bad { host, _ in host.engine?.allocator = "libc" } == ["engine"])
        #expect(bad { host, _ in host.engine?.missingTools = ["redis-cli"] } == ["engine-tools"])
        #expect(bad { host, _ in host.memoryBytes = nil } == [], "what cannot be read is not judged")
    }

    @Test func theHostIsCheckedAgainstTheConfiguration() {
        func directive(_ name: String, _ value: String) -> ClusterSpec.Directive {
            ClusterSpec.Directive(name: name, arguments: [value])
        }
        #expect(bad { _, spec in spec.directives.append(directive("maxclients", "30000")) } == ["open-files"])
        #expect(bad { _, spec in spec.directives.append(directive("tcp-backlog", "8192")) } == ["somaxconn"])
        #expect(
            bad { host, spec in
                spec.directives.append(directive("maxclients", "100"))
                host.openFiles = 200
            } == [])
        #expect(bad { _, spec in spec.memoryMax = 1600 << 20 } == [])
        #expect(bad { _, spec in spec.memoryMax = 1 << 30 } == ["memory-max"])
        #expect(bad { _, spec in spec.overrides[NodeName("7002")] = .init(memoryMax: 1 << 30) } == ["memory-max"])
        #expect(
            bad { _, spec in
                spec.memoryMax = 1 << 30
                spec.directives = []
            } == ["memory", "memory-max"])
        // One node with more than its share, and one node without a limit.
        #expect(
            bad { _, spec in spec.overrides[NodeName("7002")] = .init(directives: [directive("maxmemory", "12gb")]) }
                == ["memory"])
        #expect(
            bad { _, spec in spec.overrides[NodeName("7002")] = .init(directives: [directive("maxmemory", "0")]) } == [
                "memory"
            ])
    }

    @Test func theHintIsACommand() throws {
        var spec = ClusterSpec(name: "test", dataDirectory: "/data")
        spec.ports = .from(33000)
        var host = HostReading(openFiles: 20_000)
        host.ephemeral = 32768...60999
        let ports = try #require(HostAdvice.judge(host, spec).first { $0.subject == "ephemeral-ports" })
        #expect(
            ports.trouble?.remedies.last == "sudo sysctl -w net.ipv4.ip_local_reserved_ports=33000-33005,43000-43005")
        #expect(ports.message == "outgoing connections get ports 32768-60999, 33000 and 11 more among them")
    }
}
