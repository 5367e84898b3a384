import ClusterModel
import ControlAPI

/// The page of `status NODE`: all details of one node.
package struct NodePage {
    private let node: NodeDocument
    private let status: StatusDocument
    private let earlier: [StatusDocument]
    private let now: Timestamp
    private let width: Int

    /// Marks values that differ from any of `earlier`.
    package init(
        _ node: NodeDocument, of status: StatusDocument, earlier: [StatusDocument] = [], now: Timestamp, width: Int
    ) {
        self.node = node
        self.status = status
        self.earlier = earlier
        self.now = now
        self.width = max(width, StatusTable.narrowest)
    }

    package var lines: [Line] {
        let isChanged = earlier.contains { $0.nodes.first { $0.name == node.name }?.stateWord != node.stateWord }
        let title = [
            Span(node.label, .strong), Span(node.stateWord, node.tone, isMarked: isChanged),
            Span("of \(status.cluster.name)"),
        ]
        return Line.flow(title, rest: 2, gap: 2, width: width) + identity + role + load + pending + lastExit + findings
            + operations
    }

    private var identity: [Line] {
        var process = node.process.rawValue
        if let pid = node.pid { process += ", pid \(pid)" }
        if let start = node.startedAt { process += ", since \(start) (\(Short.age(since: start, at: now)))" }
        if node.wanted == .stopped { process += "; it stays stopped until clusterd start-node \(node.name)" }
        var address = "\(node.host):\(node.port), bus port \(node.busPort)"
        if node.label != node.name.text {
            address += "; moved from its original port \(node.name)"
        }
        return field("process", process)
            + field("restarts", String(node.restarts))
            + field("address", address)
            + field("id", node.id?.text ?? "not known yet")
            + (node.directory.map { field("directory", $0) } ?? [])
            + (node.engine.map { field("engine", "\($0.name) \($0.version)") } ?? [])
    }

    private var role: [Line] {
        switch node.role {
        case nil: return field("role", "not known")
        case .replica?:
            var words = "replica of \(node.replicaOf?.text ?? "an unknown master")"
            if let link = node.link { words += ", link \(link.rawValue)" }
            if let lag = node.lagBytes { words += ", \(lag) bytes behind" }
            return field("role", words)
        case .master?:
            let shard = status.shards.first { $0.master == node.name }
            let replicas = shard?.replicas.map(\.text).joined(separator: " ") ?? ""
            var lines = field("role", "master, " + (replicas.isEmpty ? "no replicas" : "replicas: \(replicas)"))
            lines += field("slots", node.slots.isEmpty ? "none" : node.slots.joined(separator: " "))
            if let shard {
                lines += field(
                    "failover",
                    shard.canFailOver ? "possible now" : "not now: \(shard.why ?? "no replica can take over")",
                    shard.canFailOver ? nil : .warning)
            }
            return lines
        }
    }

    private var load: [Line] {
        var lines: [Line] = []
        if let keys = node.keys { lines += field("keys", String(keys)) }
        if let memory = node.memoryBytes {
            let limit = node.maxMemoryBytes.map { " of \(Short.bytes($0))" } ?? ", no maxmemory"
            lines += field("memory", Short.bytes(memory) + limit)
        }
        if let resident = node.residentBytes {
            let limit = node.memoryLimitBytes.map { " of \(Short.bytes($0)) (memory-max)" } ?? ""
            lines += field("resident", Short.bytes(resident) + limit)
        }
        if let seconds = node.cpuSeconds { lines += field("cpu", "\(Short.tenths(seconds)) s since start") }
        if let cgroup = node.cgroup { lines += field("cgroup", cgroup) }
        if let clients = node.clients { lines += field("clients", String(clients)) }
        if let rate = node.opsPerSecond { lines += field("ops/s", String(rate)) }
        return lines
    }

    private var pending: [Line] {
        guard !node.pendingRestart.isEmpty else { return [] }
        return field(
            "pending", "\(node.pendingRestart.joined(separator: " ")): takes effect at the next start", .warning)
    }

    private var lastExit: [Line] {
        guard let exit = node.lastExit else { return [] }
        var words = "\(exit.cause), \(exit.at) (\(Short.age(since: exit.at, at: now)) ago)"
        if let code = exit.code { words += ", exit code \(code)" }
        if exit.coreDumped == true { words += ", core dumped" }
        let log = (exit.log ?? []).flatMap {
            Line.paragraph($0, .faint, first: Line(Self.margin), rest: Self.margin.count + 2, width: width)
        }
        return field("last exit", words) + log
    }

    private var findings: [Line] {
        let own = status.findings.filter { $0.node == node.name }
        return own.isEmpty ? [] : [.empty] + Findings(own, earlier: earlier, isFull: true, width: width).lines
    }

    private var operations: [Line] {
        let open = status.operations.filter { $0.node == node.name && !$0.state.hasEnded }
        return open.isEmpty ? [] : [.empty] + open.flatMap { $0.lines(now, width) }
    }

    private static let margin = String(repeating: " ", count: 12)

    private func field(_ name: String, _ text: String, _ tone: Tone? = nil) -> [Line] {
        let first = "  " + name + String(repeating: " ", count: max(1, Self.margin.count - 2 - name.count))
        return Line.paragraph(text, tone, first: Line(first), rest: Self.margin.count, width: width)
    }
}
