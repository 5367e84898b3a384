import ClusterModel
import ControlAPI

/// `status NODE`: everything about one node.
package struct NodePage {
    private let node: NodeDocument
    private let status: StatusDocument
    private let now: Timestamp
    private let width: Int
    private let style: Style

    package init(_ node: NodeDocument, of status: StatusDocument, now: Timestamp, width: Int, color: Bool) {
        self.node = node
        self.status = status
        self.now = now
        self.width = width
        style = Style(color: color)
    }

    package var text: String {
        let title =
            "\(style.paint(node.label, .strong))  \(style.paint(node.stateWord, Style.tone(node)))  of \(status.cluster.name)"
        var lines = [title] + identity + role + load
        if !node.pendingRestart.isEmpty {
            lines += field("pending", node.pendingRestart.joined(separator: " ") + " (hold from its next start)")
        }
        lines += lastExit
        let findings = status.findings.filter { $0.node == node.name }
        if !findings.isEmpty { lines += [""] + findings.flatMap { FindingText.lines($0, style, width) } }
        let open = status.operations.filter { $0.node == node.name && !$0.state.hasEnded }
        for operation in open {
            lines += field(
                "operation", "\(operation.id) \(operation.kind): \(operation.step ?? operation.state.rawValue)")
        }
        return lines.joined(separator: "\n")
    }

    private var identity: [String] {
        var process = node.process.rawValue
        if let pid = node.pid { process += ", pid \(pid)" }
        if let start = node.startedAt { process += ", since \(start) (\(Short.age(since: start, at: now)))" }
        if node.wanted == .stopped { process += "; it was told to stay stopped" }
        return field("process", process)
            + field("restarts", String(node.restarts))
            + field("address", "\(node.host):\(node.port), bus port \(node.busPort)")
            + field("id", node.id?.text ?? "not known yet")
            + (node.directory.map { field("directory", $0) } ?? [])
            + (node.engine.map { field("engine", "\($0.name) \($0.version)") } ?? [])
    }

    private var role: [String] {
        switch node.role {
        case nil: return field("role", "not known")
        case .replica?:
            var words = "replica of \(node.replicaOf?.text ?? "nobody")"
            if let link = node.link { words += ", link \(link.rawValue)" }
            if let lag = node.lagBytes { words += ", \(lag) bytes behind" }
            return field("role", words)
        case .master?:
            let shard = status.shards.first { $0.master == node.name }
            let replicas = shard?.replicas.map(\.text).joined(separator: " ") ?? ""
            var lines = field("role", "master, " + (replicas.isEmpty ? "no replica" : "followed by \(replicas)"))
            lines += field("slots", node.slots.isEmpty ? "none" : node.slots.joined(separator: " "))
            if let shard { lines += field("failover", shard.canFailOver ? "possible now" : "no: \(shard.why ?? "")") }
            return lines
        }
    }

    private var load: [String] {
        var lines: [String] = []
        if let keys = node.keys { lines += field("keys", String(keys)) }
        if let memory = node.memoryBytes {
            let limit = node.maxMemoryBytes.map { " of \(Short.bytes($0))" } ?? ", no maxmemory"
            lines += field("memory", Short.bytes(memory) + limit)
        }
        if let clients = node.clients { lines += field("clients", String(clients)) }
        if let rate = node.opsPerSecond { lines += field("ops/s", String(rate)) }
        return lines
    }

    private var lastExit: [String] {
        guard let exit = node.lastExit else { return [] }
        var words = "\(exit.cause), \(exit.at) (\(Short.age(since: exit.at, at: now)) ago)"
        if let code = exit.code { words += ", exit code \(code)" }
        if exit.coreDumped == true { words += ", core dumped" }
        let log = (exit.log ?? []).map { "            " + $0 }
        return field("last exit", words) + log
    }

    private func field(_ name: String, _ text: String) -> [String] {
        let start = "  " + name + String(repeating: " ", count: max(1, 10 - name.count))
        return Paragraph.lines(text, first: start, rest: "            ", width: width)
    }
}
