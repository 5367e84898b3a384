import ClusterConfiguration
import ClusterModel
import Testing

/// `memory-max`, for all nodes and for one.
@Suite struct MemoryMaxTests {
    @Test func memoryMaxAppliesToAllNodesUnlessANodeHasItsOwn() throws {
        let loaded = try load(
            """
            cluster: {memory-max: 2gb}
            redis: {maxmemory: 1gb}
            nodes: {"7001": {memory-max: 4gb}, "7002": {memory-max: 0}, "7003": {redis: {hz: 20}}}
            """)
        let spec = loaded.spec
        #expect(spec.memoryMax(of: "7000") == 2 << 30 && spec.memoryMax(of: "7001") == 4 << 30)
        #expect(spec.memoryMax(of: "7002") == nil && spec.memoryMax(of: "7003") == 2 << 30)
        #expect(loaded.settings.contains { $0.key == "nodes.7001.memory-max" && $0.value == "4gb" })
        #expect(loaded.settings.contains { $0.key == "cluster.memory-max" && $0.value == "2gb" })
        #expect(loaded.warnings.isEmpty)
        #expect(try load("").spec.memoryMax == nil)
    }

    @Test(arguments: [
        ("cluster: {memory-max: lots}", "a.yaml:1:23: cluster.memory-max: a size such as 2gb is expected"),
        ("cluster: {memory-max: 1mb}", "a.yaml:1:23: cluster.memory-max: a node needs at least 16mb"),
        (
            "nodes: {\"7001\": {memory-max: [1gb]}}",
            "a.yaml:1:30: nodes.7001.memory-max: a size such as 2gb is expected"
        ),
    ])
    func anInvalidMemoryMaxIsRefused(text: String, complaint: String) { #expect(complaints(text) == [complaint]) }

    /// The warnings, by their first words.
    @Test(arguments: [
        ("cluster: {memory-max: 2gb}", ["cluster.memory-max is 2gb and redis.maxmemory sets no limit"]),
        (
            "cluster: {memory-max: 2gb}\nredis: {maxmemory: 2gb}",
            ["cluster.memory-max is 2gb and redis.maxmemory is 2gb"]
        ),
        ("cluster: {memory-max: 2gb}\nredis: {maxmemory: 2047mb}", []),
        (
            "redis: {maxmemory: 2gb}\nnodes: {\"7001\": {memory-max: 1gb}}",
            ["nodes.7001.memory-max is 1gb and redis.maxmemory is 2gb"]
        ),
        (
            "cluster: {memory-max: 2gb}\nredis: {maxmemory: 1gb}\nnodes: {\"7001\": {redis: {maxmemory: 3gb}}}",
            ["cluster.memory-max is 2gb and nodes.7001.redis.maxmemory is 3gb"]
        ),
        ("redis: {maxmemory: 2gb}", []),
    ])
    func aMemoryMaxTooCloseToMaxmemoryIsAWarning(text: String, beginnings: [String]) throws {
        let warnings = try load(text).warnings.map(\.message)
        #expect(warnings.count == beginnings.count, "\(warnings)")
        for (warning, beginning) in zip(warnings, beginnings) { #expect(warning.hasPrefix(beginning + ":")) }
    }
}
