import ClusterModel
import ControlAPI
import Testing

@testable import StatusView

@Suite struct StatusTableTests {
    private let now = Timestamp(WallTime(milliseconds: 1_767_236_400_000))

    private func ago(_ seconds: Int64) -> Timestamp {
        Timestamp(WallTime(milliseconds: 1_767_236_400_000 - seconds * 1000))
    }

    private func node(_ name: NodeName, port: Int, _ role: Role, _ slots: [String] = []) -> NodeDocument {
        var node = NodeDocument(
            name: name, host: "127.0.0.1", port: port, busPort: port + 10_000, process: .running, wanted: .running,
            health: .ok)
        node.role = role
        node.slots = slots
        node.pid = 4_194_304
        (node.keys, node.memoryBytes, node.opsPerSecond, node.clients) = (12_345_678, 4_100_000, 98_765, 10_000)
        node.startedAt = ago(11_520)
        return node
    }

    /// A moved node, a node that crashed, a shard that cannot fail over, a finding, an operation.
    private var status: StatusDocument {
        var cluster = StatusDocument.Cluster(
            name: "demo", state: .degraded, phase: .ready, dir: "/var/lib/clusterd",
            daemon: .init(pid: 4100, version: "0.1.0", startedAt: ago(90)))
        (cluster.slotsCovered, cluster.masters, cluster.replicas, cluster.engine) = (16384, 2, 1, "redis 7.0.15")
        var document = StatusDocument(cluster: cluster)
        var replica = node("7001", port: 7006, .replica)
        replica.replicaOf = "7000"
        (replica.link, replica.lagBytes, replica.health) = (.up, 2048, .unreachable)
        var lonely = node("7002", port: 7002, .master, ["8192-10000", "10002-12000", "12002-14000", "14002-16383"])
        (lonely.process, lonely.health, lonely.pid, lonely.restarts) = (.crashed, .down, nil, 3)
        lonely.lastExit = .init(at: ago(180), cause: "killed by SIGSEGV", signal: 11)
        lonely.lastExit?.log = ["Redis crashed by signal: 11"]
        document.nodes = [node("7000", port: 7000, .master, ["0-8191"]), replica, lonely]
        document.shards = [
            ShardDocument(master: "7000", replicas: ["7001"], slots: ["0-8191"], canFailOver: true),
            ShardDocument(master: "7002", replicas: [], slots: lonely.slots, canFailOver: false, why: "no replica"),
        ]
        document.findings = [
            FindingDocument(
                code: "replicas-missing", severity: .warning, node: "7002",
                message:
                    "7002 has no replica, and its slots are gone for as long as it is down, which is longer than a line",
                hint: "clusterd check")
        ]
        document.operations = [
            OperationDocument(
                id: "12", kind: "restart-node", node: "7002", state: .running, step: "waiting for 7002",
                startedAt: ago(1))
        ]
        return document
    }

    @Test(arguments: [60, 80, 100, 120, 200])
    func noLineIsWiderThanTheTerminal(width: Int) {
        for line in StatusTable(status, now: now, width: width, color: false).lines {
            #expect(line.count <= width, "\(line)")
        }
    }

    @Test func aMovedNodeStandsInItsColumns() throws {
        let lines = StatusTable(status, now: now, width: 80, color: false).lines
        let title = try #require(lines.first { $0.hasPrefix("NODE") })
        let moved = try #require(lines.first { $0.contains("7001@7006") })
        #expect(moved.hasPrefix("  7001@7006  replica  unreachable"))
        #expect(title.hasPrefix("NODE         ROLE     STATE"))
        #expect(title.hasSuffix("LAG") || title.hasSuffix("UPTIME"))
    }

    @Test func widerTerminalsShowMore() {
        let wide = StatusTable(status, now: now, width: 160, color: false).text
        for word in ["UPTIME", "RESTARTS", "PID", "CLIENTS", "LAST EXIT", "killed by SIGSEGV 3m ago", "3h12m"] {
            #expect(wide.contains(word), "\(word)")
        }
    }

    @Test func whatIsWrongStandsBeneath() {
        let text = StatusTable(status, now: now, width: 80, color: false).text
        #expect(text.contains("1 of 2 shards could fail over now"))
        #expect(text.contains("\n  cannot fail over: no replica\n"))
        #expect(text.contains("\nWARNING  7002 has no replica"))
        #expect(text.contains("\n  clusterd check\n"))
        #expect(text.contains("\noperation 12 restart-node 7002: waiting for 7002"))
    }

    @Test(arguments: [80, 120])
    func colourChangesNoCharacterOfTheText(width: Int) {
        let plain = StatusTable(status, now: now, width: width, color: false).text
        let colored = StatusTable(status, now: now, width: width, color: true).text
        #expect(!plain.contains("\u{1B}"))
        #expect(colored.contains("\u{1B}[31mcrashed\u{1B}[0m"))
        #expect(colored.replacing(/\u{1B}\[[0-9]+m/, with: "") == plain)
    }

    @Test func whatChangedIsBold() {
        var after = status
        after.nodes[0].keys = 99
        let text = StatusTable(after, before: status, now: now, width: 80, color: true).text
        #expect(text.contains("\u{1B}[1m99\u{1B}[0m"))
    }

    @Test func oneNodeHasAPage() {
        let text = NodePage(status.nodes[2], of: status, now: now, width: 80, color: false).text
        for word in [
            "7002  crashed  of demo", "killed by SIGSEGV", "            Redis crashed by signal: 11", "no: no replica",
            "WARNING  7002 has no replica", "12 restart-node: waiting for 7002",
        ] {
            #expect(text.contains(word), "\(word)\n\(text)")
        }
    }
}
