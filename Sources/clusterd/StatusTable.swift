import ClusterModel
import ControlAPI

/// `status` for people: shards with their replicas beneath them, in 80 columns.
struct StatusTable {
    private let status: StatusDocument
    private let color: Bool

    init(_ status: StatusDocument, color: Bool) {
        self.status = status
        self.color = color
    }

    var text: String {
        let cluster = status.cluster
        var lines = [
            "\(cluster.name)  \(paint(cluster.state.rawValue, state(cluster)))  \(cluster.phase.rawValue)"
                + "  \(cluster.slotsCovered)/16384 slots  \(cluster.masters) masters  \(cluster.replicas) replicas"
                + "  \(cluster.engine ?? "")" + (cluster.paused ? "  \(paint("paused", .warning))" : "")
        ]
        if !status.nodes.isEmpty {
            lines.append("")
            lines.append(row(["NODE", "ROLE", "STATE", "SLOTS", "KEYS", "MEMORY", "OPS/S", "LAG", "PID"]))
        }
        var shown = Set<NodeName>()
        for shard in status.shards {
            for name in [shard.master].compactMap({ $0 }) + shard.replicas {
                guard let node = status.nodes.first(where: { $0.name == name }), shown.insert(name).inserted else {
                    continue
                }
                lines.append(line(node, indented: name != shard.master))
            }
            if !shard.canFailOver, let master = shard.master, let why = shard.why {
                lines.append("  \(master) cannot fail over: \(why)")
            }
        }
        for node in status.nodes where !shown.contains(node.name) { lines.append(line(node, indented: false)) }
        lines += findings + operations
        return lines.joined(separator: "\n")
    }

    private func line(_ node: NodeDocument, indented: Bool) -> String {
        let name =
            (indented ? "  " : "") + node.name.text + (node.name.text == String(node.port) ? "" : "@\(node.port)")
        let state = node.process == .running ? node.health.rawValue : node.process.rawValue
        let slots =
            node.slots.isEmpty ? "" : node.slots.prefix(2).joined(separator: " ") + (node.slots.count > 2 ? " …" : "")
        let plain = row([
            name, node.role?.rawValue ?? "?", state, slots, node.keys.map(String.init) ?? "-",
            node.memoryBytes.map(Self.size) ?? "-", node.opsPerSecond.map(String.init) ?? "-",
            node.lagBytes.map(Self.size) ?? "-", node.pid.map(String.init) ?? "-",
        ])
        let isGood = node.process == .running && node.health == .ok
        return isGood ? plain : paint(plain, node.process == .running ? .warning : .error)
    }

    private func row(_ cells: [String]) -> String {
        let widths = [9, 8, 12, 13, 9, 8, 7, 7, 0]
        var line = ""
        for (cell, width) in zip(cells, widths) {
            line += cell + String(repeating: " ", count: max(width == 0 ? 0 : 1, width - cell.count))
        }
        while line.last == " " { line.removeLast() }
        return line
    }

    private var findings: [String] {
        guard !status.findings.isEmpty else { return [] }
        return [""]
            + status.findings.flatMap { finding in
                [paint("\(finding.severity.rawValue.uppercased()) \(finding.message)", finding.severity)]
                    + (finding.hint.map { ["  \($0)"] } ?? [])
            }
    }

    private var operations: [String] {
        let open = status.operations.filter { !$0.state.hasEnded }
        guard !open.isEmpty else { return [] }
        return [""] + open.map { "\($0.kind) \($0.node?.text ?? ""): \($0.step ?? $0.state.rawValue)" }
    }

    private func state(_ cluster: StatusDocument.Cluster) -> Severity {
        switch cluster.state {
        case .ok: .info
        case .degraded: .warning
        case .down: .error
        }
    }

    private func paint(_ text: String, _ severity: Severity) -> String {
        guard color else { return text }
        let code =
            switch severity {
            case .info: "32"
            case .warning: "33"
            case .error: "31"
            }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }

    /// Bytes, short.
    static func size(_ bytes: Int64) -> String {
        switch bytes {
        case ..<1024: "\(bytes)"
        case ..<(1 << 20): "\(bytes >> 10)K"
        case ..<(1 << 30): "\(bytes >> 20)M"
        default: "\(bytes >> 30)G"
        }
    }
}
