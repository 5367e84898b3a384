import ClusterModel
import Planner
import Testing

/// What is said of a host, line by line.
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
        host.freeBytes = 10 << 30
        change(&host, &spec)
        return HostAdvice.judge(host, spec).filter { !$0.isGood }.map(\.subject)
    }

    @Test func aGoodHostIsGood() { #expect(bad { _, _ in } == []) }

    @Test func eachTroubleIsNamed() {
        #expect(bad { host, _ in host.overcommit = 0 } == ["overcommit"])
        #expect(bad { host, _ in host.hugePages = "always" } == ["huge-pages"])
        #expect(bad { host, _ in host.backlog = 128 } == ["somaxconn"])
        #expect(bad { host, _ in host.openFiles = 1024 } == ["open-files"])
        #expect(bad { host, _ in (host.hasSwap, host.swappiness) = (true, 60) } == ["swap"])
        #expect(bad { _, spec in spec.ports = .from(23000) } == ["ephemeral-ports"])
        #expect(bad { host, _ in host.memoryBytes = 4 << 30 } == ["memory"])
        #expect(bad { _, spec in spec.directives = [] } == ["memory"])
        #expect(bad { host, _ in host.freeBytes = 1 << 20 } == ["disk"])
    }
}
