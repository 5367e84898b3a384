import ClusterModel
import Foundation
import Testing

@testable import ControlAPI

@Suite struct MetricsPageTests {
    private var status: StatusDocument {
        var cluster = StatusDocument.Cluster(
            name: "de\"mo", state: .degraded, phase: .ready, dir: "/data",
            daemon: .init(pid: 1, version: "0.1.0", startedAt: Timestamp(WallTime(milliseconds: 1500))))
        cluster.serving = true
        cluster.slotsCovered = 16384
        cluster.engine = "redis 7.0.15"
        var status = StatusDocument(cluster: cluster)
        var master = NodeDocument(
            name: "7000", host: "127.0.0.1", port: 7000, busPort: 17000, process: .running, wanted: .running,
            health: .ok)
        master.role = .master
        master.pid = 7
        master.keys = 12
        master.restarts = 2
        (master.cpuSeconds, master.residentBytes) = (1.25, 4096)
        var replica = NodeDocument(
            name: "7001", host: "127.0.0.1", port: 7001, busPort: 17001, process: .stopped, wanted: .stopped,
            health: .down)
        replica.role = .replica
        replica.link = .down
        status.nodes = [master, replica]
        status.shards = [.init(master: "7000", replicas: ["7001"], slots: ["0-16383"], canFailOver: false, why: "…")]
        return status
    }

    @Test func anInapplicableValueIsAbsentAndLabelsAreEscaped() {
        let text = MetricsPage(status).text
        let lines = Set(text.split(separator: "\n").map(String.init))
        #expect(lines.contains(#"clusterd_cluster_state{cluster="de\"mo",state="degraded"} 1"#))
        #expect(lines.contains(#"clusterd_cluster_state{cluster="de\"mo",state="ok"} 0"#))
        #expect(lines.contains(#"clusterd_node_keys{cluster="de\"mo",host="127.0.0.1",node="7000",port="7000"} 12"#))
        let node = #"cluster="de\"mo",host="127.0.0.1",node="7000",port="7000""#
        #expect(lines.contains("clusterd_node_cpu_seconds_total{\(node)} 1.25"))
        #expect(lines.contains("clusterd_node_resident_memory_bytes{\(node)} 4096"))
        #expect(!text.contains("clusterd_node_memory_limit_bytes{"))
        #expect(lines.contains(#"clusterd_node_running{cluster="de\"mo",host="127.0.0.1",node="7001",port="7001"} 0"#))
        #expect(lines.contains(#"clusterd_start_time_seconds{cluster="de\"mo"} 1.5"#))
        #expect(!text.contains(#"clusterd_node_keys{cluster="de\"mo",host="127.0.0.1",node="7001""#))
        #expect(!text.contains(#"replication_link_up{cluster="de\"mo",host="127.0.0.1",node="7000""#))
        #expect(text.contains("# TYPE clusterd_node_restarts_total counter\n"))
    }

    /// docs/metrics.md lists every metric with its type, and no other.
    @Test func theDocumentListsEveryMetric() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("docs/metrics.md"), encoding: .utf8)
        let documented = text.matches(of: #/(?m)^\| `(clusterd_[a-z_]+)` \| (gauge|counter) \|/#)
            .map { "\($0.1) \($0.2)" }
        #expect(documented == MetricsPage(status).families.map { "\($0.name) \($0.kind.rawValue)" })
    }
}
