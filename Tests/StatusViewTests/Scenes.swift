import ClusterModel
import ControlAPI

/// Example clusters for `status`.
struct StatusScene: Sendable, CustomStringConvertible {
    var name: String
    var status: StatusDocument
    var waits: [String] = []

    var description: String { name }

    static let now = Timestamp(WallTime(milliseconds: 1_767_236_400_000))

    static func ago(_ seconds: Int64) -> Timestamp {
        Timestamp(WallTime(milliseconds: now.time.milliseconds - seconds * 1000))
    }

    init(_ name: String, _ status: StatusDocument, waits: [String] = []) {
        (self.name, self.status, self.waits) = (name, status, waits)
    }

    static let all = [
        healthy, degraded, down, forming, movedPort, stoppedNode, paused, longNames, thirtyNodes,
    ]

    // MARK: the scenes

    static let healthy = StatusScene("healthy", cluster())

    /// A replica is down, its shard cannot fail over, and the replica is being restarted.
    static let degraded: StatusScene = {
        var status = cluster(.degraded)
        end(&status.nodes[4], .backoff, "killed by SIGSEGV", signal: 11, ago: 12, restarts: 3)
        status.nodes[4].lastExit?.log = ["=== REDIS BUG REPORT START: Cut & paste starting from here ==="]
        status.shards[1].canFailOver = false
        status.shards[1].why = "no replica is in sync: 7004 down"
        status.findings = [
            finding("single-host", .info, nil, "every node is on this host: nothing here survives its end", nil),
            finding(
                "crash-loop", .error, "7004",
                "7004 ended 3 times within 30 s, each time killed by SIGSEGV; it is started again in 8 s",
                "clusterd logs 7004"
            ),
            finding(
                "replicas-missing", .warning, "7001",
                "7001 has no replica in sync: if it dies, its slots are gone until it is back", "clusterd check"),
        ]
        return StatusScene("degraded", status, waits: ["for 7004 to run"])
    }()

    /// A shard is down: master and replica.
    static let down: StatusScene = {
        var status = cluster(.down)
        status.cluster.slotsCovered = 10922
        status.cluster.serving = false
        end(
            &status.nodes[1], .crashed, "exit code 1: Can't open the append-only file: Permission denied", code: 1,
            ago: 200)
        end(&status.nodes[4], .backoff, "killed by SIGKILL", signal: 9, ago: 3, restarts: 1)
        status.shards[1].canFailOver = false
        status.shards[1].why = "no replica is in sync: 7004 down"
        status.findings = [
            finding(
                "slots-not-served", .error, nil, "5462 slots are not served: 5461-10922 (7001 and 7004 are down)",
                "clusterd check")
        ]
        return StatusScene("down", status, waits: ["for 7001 7004 to run"])
    }()

    static let forming: StatusScene = {
        var status = cluster(.down)
        status.cluster.phase = .forming
        status.cluster.slotsCovered = 0
        status.cluster.serving = false
        (status.cluster.masters, status.cluster.replicas) = (0, 0)
        status.cluster.daemon.startedAt = ago(1)
        status.shards = []
        for index in status.nodes.indices {
            var node = NodeDocument(
                name: status.nodes[index].name, host: "127.0.0.1", port: status.nodes[index].port,
                busPort: status.nodes[index].busPort, process: index < 4 ? .starting : .stopped, wanted: .running,
                health: .down)
            node.pid = index < 4 ? 4200 + Int32(index) : nil
            node.startedAt = index < 4 ? ago(0) : nil
            status.nodes[index] = node
        }
        return StatusScene(
            "forming", status,
            waits: [
                "for 7004 7005 to run", "for 7000 7001 7002 and 1 more to answer", "for all nodes to agree",
                "for 7003 to be in sync",
            ])
    }()

    static let movedPort: StatusScene = {
        var status = cluster()
        (status.nodes[4].port, status.nodes[4].busPort) = (7006, 17006)
        (status.nodes[4].residentBytes, status.nodes[4].memoryLimitBytes) = (13_500_000, 512 << 20)
        (status.nodes[4].cpuSeconds, status.nodes[4].cgroup) =
            (72.38, "/system.slice/system-clusterd.slice/clusterd@blue.service/node-7004")
        status.findings = [
            finding(
                "port-taken", .warning, "7004",
                "7004 is on port 7006: 7004 is in use by python3 (pid 4182, user alice)",
                "clusterd status 7004")
        ]
        return StatusScene("moved-port", status)
    }()

    static let stoppedNode: StatusScene = {
        var status = cluster(.degraded)
        // A node that the operator stopped does not count.
        status.cluster.ready = true
        end(&status.nodes[3], .stopped, "ended cleanly", code: 0, ago: 7200)
        status.nodes[3].wanted = .stopped
        status.shards[0].canFailOver = false
        status.shards[0].why = "no replica is in sync: 7003 down"
        status.findings = [
            finding(
                "node-stopped", .warning, "7003",
                "7003 stays stopped (stop-node); its shard cannot fail over", "clusterd start-node 7003")
        ]
        return StatusScene("stopped-node", status)
    }()

    /// And a restart in progress.
    static let paused: StatusScene = {
        var status = cluster()
        status.cluster.paused = true
        status.cluster.ready = false
        status.nodes[5].health = .syncing
        status.nodes[5].link = .down
        status.nodes[5].lagBytes = nil
        status.shards[2].canFailOver = false
        status.shards[2].why = "no replica is in sync: 7005 syncing"
        status.findings = [
            finding(
                "paused", .warning, nil, "clusterd is paused for 42 minutes more: nothing happens by itself",
                "clusterd resume")
        ]
        status.operations = [
            operation("11", "restart-node", "7001", .done, nil, ago: 300),
            operation("12", "restart-node", "7005", .running, "waiting for 7005 to be in sync with 7002", ago: 95),
            operation("13", "rolling-restart", nil, .queued, nil, ago: 4),
        ]
        return StatusScene("paused", status, waits: ["for 7005 to be in sync"])
    }()

    /// Foreign names: long, wide, and one that would move the cursor.
    static let longNames: StatusScene = {
        var status = cluster(.degraded)
        status.cluster.name = "orders-and-payments-production-cluster-東京-1"
        for index in status.nodes.indices {
            status.nodes[index].host = "redis-cluster-node-host-0001.europe-west3.internal.example.com"
        }
        status.nodes[0].slots = (0..<40).map { "\($0 * 100)-\($0 * 100 + 50)" }
        status.nodes[3].port = 65531
        status.nodes[1].keys = 123_456_789_012
        status.nodes[1].memoryBytes = 512 << 30
        status.nodes[4].lagBytes = 1 << 33
        status.findings = [
            finding(
                "port-taken", .error, "7003",
                "7003 is in use by \u{1B}[2Jevil\tname (pid 4182): "
                    + "/srv/a/very/long/path/" + String(repeating: "that-never-ends/", count: 12) + "redis.conf",
                "clusterd fix --dry-run")
        ]
        return StatusScene("long-names", status)
    }()

    static let thirtyNodes: StatusScene = {
        var status = cluster(masters: 10, replicas: 2)
        status.cluster.ready = false
        status.nodes[17].health = .loading
        status.nodes[17].keys = nil
        return StatusScene("thirty-nodes", status, waits: ["for 7017 to be in sync"])
    }()

    // MARK: building blocks

    static func cluster(
        _ state: StatusDocument.Cluster.State = .ok, masters: Int = 3, replicas: Int = 1
    ) -> StatusDocument {
        var cluster = StatusDocument.Cluster(
            name: "demo", state: state, phase: .ready, dir: "/var/lib/clusterd",
            daemon: .init(pid: 4100, version: "0.1.0", startedAt: ago(7290)))
        (cluster.slotsCovered, cluster.serving, cluster.ready) = (16384, true, state == .ok)
        (cluster.masters, cluster.replicas, cluster.engine) = (masters, masters * replicas, "redis 7.0.15")
        var status = StatusDocument(cluster: cluster)
        let names = (0..<masters * (replicas + 1)).map { NodeName(String(7000 + $0)) }
        for (index, name) in names.enumerated() {
            var node = NodeDocument(
                name: name, host: "127.0.0.1", port: 7000 + index, busPort: 17000 + index, process: .running,
                wanted: .running, health: .ok)
            node.id = NodeID(String(repeating: "0123456789", count: 4))
            node.pid = Int32(4200 + index)
            node.role = index < masters ? .master : .replica
            (node.keys, node.memoryBytes, node.clients, node.opsPerSecond) =
                (12_345 + Int64(index), 4_100_000 + Int64(index) * 90_000, 4, 980)
            (node.engine, node.startedAt) = (.init(name: "redis", version: "7.0.15"), ago(7280))
            node.directory = "/var/lib/clusterd/nodes/\(name)"
            if index < masters {
                let first = index * 16384 / masters
                node.slots = ["\(first)-\((index + 1) * 16384 / masters - 1)"]
            } else {
                node.replicaOf = names[(index - masters) % masters]
                (node.link, node.lagBytes) = (.up, index == masters ? 2048 : 0)
            }
            status.nodes.append(node)
        }
        status.shards = (0..<masters).map { index in
            ShardDocument(
                master: names[index],
                replicas: status.nodes.filter { $0.replicaOf == names[index] }.map(\.name),
                slots: status.nodes[index].slots, canFailOver: true)
        }
        return status
    }

    private static func end(
        _ node: inout NodeDocument, _ process: NodeDocument.Process, _ cause: String, signal: Int32? = nil,
        code: Int32? = nil, ago seconds: Int64, restarts: Int = 0
    ) {
        (node.process, node.health, node.pid, node.startedAt, node.restarts) = (process, .down, nil, nil, restarts)
        (node.keys, node.memoryBytes, node.clients, node.opsPerSecond, node.engine) = (nil, nil, nil, nil, nil)
        node.link = node.role == .replica ? .down : nil
        node.lagBytes = nil
        node.lastExit = .init(at: ago(seconds), cause: cause, signal: signal, code: code)
    }

    private static func finding(
        _ code: String, _ severity: Severity, _ node: NodeName?, _ message: String, _ hint: String?
    ) -> FindingDocument {
        FindingDocument(code: code, severity: severity, node: node, message: message, hint: hint)
    }

    private static func operation(
        _ id: String, _ kind: String, _ node: NodeName?, _ state: OperationDocument.State, _ step: String?,
        ago seconds: Int64
    ) -> OperationDocument {
        OperationDocument(id: id, kind: kind, node: node, state: state, step: step, startedAt: ago(seconds))
    }
}
