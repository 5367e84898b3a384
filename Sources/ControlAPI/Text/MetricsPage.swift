/// `/metrics`: the status as numbers, in Prometheus' text exposition format 0.0.4. Every series has the cluster and the host as
/// labels; docs/metrics.md explains the names.
package struct MetricsPage {
    private let status: StatusDocument

    package init(_ status: StatusDocument) { self.status = status }

    package enum Kind: String, Sendable { case gauge, counter }

    /// One metric: its name, its help text and its samples.
    package struct Family {
        package var name: String
        package var kind: Kind
        package var help: String
        var samples: [(labels: [(String, String)], value: Double)]
    }

    package var text: String {
        var lines: [String] = []
        for family in families {
            lines.append("# HELP \(family.name) \(family.help)")
            lines.append("# TYPE \(family.name) \(family.kind.rawValue)")
            for sample in family.samples {
                let labels = ([("cluster", status.cluster.name)] + sample.labels)
                    .map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
                lines.append("\(family.name){\(labels)} \(Self.number(sample.value))")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    package var families: [Family] { cluster + nodes + shards + rest }

    private var cluster: [Family] {
        let cluster = status.cluster
        func one(_ name: String, _ help: String, _ value: Double, _ labels: [(String, String)] = []) -> Family {
            Family(name: name, kind: .gauge, help: help, samples: [(labels, value)])
        }
        let states: [StatusDocument.Cluster.State] = [.ok, .degraded, .down]
        return [
            one(
                "clusterd_build_info", "1; the versions are its labels.", 1,
                [("version", cluster.daemon.version), ("engine", cluster.engine ?? "")]),
            one(
                "clusterd_start_time_seconds", "Start time of the daemon, in seconds since 1970.",
                cluster.daemon.startedAt.seconds),
            one("clusterd_cluster_ready", "1 while redundancy is full and all nodes agree.", cluster.ready.number),
            one("clusterd_cluster_serving", "1 while every slot is served.", cluster.serving.number),
            Family(
                name: "clusterd_cluster_state", kind: .gauge,
                help: "1 for the state that the cluster is in, 0 for the others.",
                samples: states.map { ([("state", $0.rawValue)], ($0 == cluster.state).number) }),
            one("clusterd_cluster_slots_served", "Slots that are served, of 16384.", Double(cluster.slotsCovered)),
            one(
                "clusterd_cluster_paused", "1 while automatic restarts and failovers are suspended.",
                cluster.paused.number),
        ]
    }

    private var nodes: [Family] {
        func each(
            _ name: String, _ help: String, kind: Kind = .gauge, _ value: (NodeDocument) -> Double?
        ) -> Family {
            let samples = status.nodes.compactMap { node in value(node).map { (Self.labels(node), $0) } }
            return Family(name: name, kind: kind, help: help, samples: samples)
        }
        let roles = status.nodes.compactMap { node in
            node.role.map { (Self.labels(node) + [("role", $0.rawValue)], 1.0) }
        }
        return [
            each("clusterd_node_running", "1 while a process of the node runs.") { ($0.pid != nil).number },
            each("clusterd_node_healthy", "1 while the node's health is ok.") { ($0.health == .ok).number },
            Family(
                name: "clusterd_node_role", kind: .gauge, help: "1; the role is its label.",
                samples: roles),
            each("clusterd_node_wanted", "1 if the node is wanted running, 0 if the operator stopped it.") {
                ($0.wanted == .running).number
            },
            each("clusterd_node_keys", "Keys in all databases.") { $0.keys.map { Double($0) } },
            each("clusterd_node_memory_bytes", "Memory that the engine's allocator uses.") {
                $0.memoryBytes.map { Double($0) }
            },
            each("clusterd_node_max_memory_bytes", "The node's maxmemory; absent without a limit.") {
                $0.maxMemoryBytes.map { Double($0) }
            },
            each(
                "clusterd_node_resident_memory_bytes",
                "Resident memory of the node's process and of its forked children."
            ) { $0.residentBytes.map { Double($0) } },
            each(
                "clusterd_node_memory_limit_bytes",
                "Memory limit of the node that the kernel enforces (memory-max); absent without a limit."
            ) { $0.memoryLimitBytes.map { Double($0) } },
            each("clusterd_node_cpu_seconds_total", "CPU time since the start of the node's process.", kind: .counter) {
                $0.cpuSeconds
            },
            each("clusterd_node_clients", "Connected clients, clusterd's own connection included.") {
                $0.clients.map { Double($0) }
            },
            each("clusterd_node_operations_per_second", "Commands per second, as the engine measures them.") {
                $0.opsPerSecond.map { Double($0) }
            },
            each(
                "clusterd_node_replication_link_up", "1 while a replica's link to its master is up; absent on masters."
            ) {
                $0.link.map { ($0 == .up).number }
            },
            each("clusterd_node_replication_lag_bytes", "Replication lag of a replica in bytes; absent on masters.") {
                $0.lagBytes.map { Double($0) }
            },
            each("clusterd_node_start_time_seconds", "Start time of the node's process, in seconds since 1970.") {
                $0.startedAt?.seconds
            },
            each("clusterd_node_restarts_total", "Number of restarts of the node.", kind: .counter) {
                Double($0.restarts)
            },
            each("clusterd_node_pending_restart", "Directives that take effect only at the next restart of the node.") {
                Double($0.pendingRestart.count)
            },
        ]
    }

    private var shards: [Family] {
        [
            Family(
                name: "clusterd_shard_can_fail_over", kind: .gauge,
                help: "1 if a replica could take over from this master now.",
                samples: status.shards.compactMap { shard in
                    let host = status.nodes.first { $0.name == shard.master }?.host ?? ""
                    return shard.master.map {
                        ([("host", host), ("master", $0.text)], shard.canFailOver.number)
                    }
                })
        ]
    }

    private var rest: [Family] {
        let severities: [Severity] = [.info, .warning, .error]
        return [
            Family(
                name: "clusterd_findings", kind: .gauge, help: "Findings that status shows, by severity.",
                samples: severities.map { severity in
                    ([("severity", severity.rawValue)], Double(status.findings.count { $0.severity == severity }))
                }),
            Family(
                name: "clusterd_operations_open", kind: .gauge, help: "Operations that are queued or running.",
                samples: [([], Double(status.operations.count { !$0.state.hasEnded }))]),
        ]
    }

    private static func labels(_ node: NodeDocument) -> [(String, String)] {
        [("host", node.host), ("node", node.name.text), ("port", String(node.port))]
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.append(character)
            }
        }
        return result
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 9e15 ? String(Int64(value)) : String(value)
    }
}

extension Bool {
    fileprivate var number: Double { self ? 1 : 0 }
}

extension Timestamp {
    fileprivate var seconds: Double { Double(time.milliseconds) / 1000 }
}
