import ClusterModel
import ControlAPI

/// The columns of the table, in their order on the screen.
enum StatusColumn: CaseIterable {
    case node, role, state, slots, keys, memory, operations, lag, clients, uptime, restarts, pid, lastExit

    struct Fit: Hashable {
        var column: StatusColumn
        var width: Int
    }

    /// A node and its place in the table.
    struct Row {
        var node: NodeDocument
        /// Whether it is listed under its master.
        var isIndented: Bool
    }

    /// By priority: a narrow terminal drops the last ones first, and always keeps the first eight.
    private static let byWorth: [StatusColumn] = [
        .node, .role, .state, .slots, .keys, .memory, .operations, .lag, .uptime, .restarts, .lastExit, .pid, .clients,
    ]
    private static let always = 8
    static let gap = 2
    /// `10923-16383`: slots may be cut to this width, and further only as a last resort.
    private static let shortestSlots = 11
    /// `  7003@65531`, and the width it is cut to as a last resort.
    private static let (usualNode, shortestNode) = (12, 6)
    private static let widestExit = 40

    var title: String {
        switch self {
        case .node: "NODE"
        case .role: "ROLE"
        case .state: "STATE"
        case .slots: "SLOTS"
        case .keys: "KEYS"
        case .memory: "MEMORY"
        case .operations: "OPS/S"
        case .lag: "LAG"
        case .clients: "CLIENTS"
        case .uptime: "UPTIME"
        case .restarts: "RESTARTS"
        case .pid: "PID"
        case .lastExit: "LAST EXIT"
        }
    }

    var isNumber: Bool {
        switch self {
        case .keys, .memory, .operations, .lag, .clients, .uptime, .restarts, .pid: true
        case .node, .role, .state, .slots, .lastExit: false
        }
    }

    /// Whether a difference is a change of the node. Time and load differ at every look, and are not.
    var isChange: Bool {
        switch self {
        case .node, .role, .state, .slots, .keys, .restarts, .pid, .lastExit: true
        case .memory, .operations, .lag, .clients, .uptime: false
        }
    }

    func text(_ row: Row, _ now: Timestamp) -> String {
        let node = row.node
        switch self {
        case .node: return (row.isIndented ? "  " : "") + node.label.printable
        case .role: return node.role?.rawValue ?? "?"
        case .state: return node.stateWord
        case .slots: return node.slots.joined(separator: " ")
        case .keys: return node.keys.map(Short.count) ?? "-"
        case .memory: return node.memoryBytes.map(Short.bytes) ?? "-"
        case .operations: return node.opsPerSecond.map(Short.count) ?? "-"
        case .lag: return node.lagBytes.map(Short.bytes) ?? "-"
        case .clients: return node.clients.map { String($0) } ?? "-"
        case .uptime:
            return node.process == .running ? node.startedAt.map { Short.age(since: $0, at: now) } ?? "-" : "-"
        case .restarts: return String(node.restarts)
        case .pid: return node.pid.map { String($0) } ?? "-"
        case .lastExit:
            return node.lastExit.map { "\($0.cause.printable) \(Short.age(since: $0.at, at: now)) ago" } ?? "-"
        }
    }

    /// As many columns as fit.
    static func fitting(_ rows: [Row], at now: Timestamp, width: Int) -> [Fit] {
        func need(_ column: StatusColumn) -> Int {
            rows.reduce(column.title.columns) { max($0, column.text($1, now).columns) }
        }
        var widths: [StatusColumn: Int] = [:]
        var total = -gap
        func give(_ column: StatusColumn, _ shortest: Int) {
            guard total > width, let wide = widths[column], wide > shortest else { return }
            let less = min(wide - shortest, total - width)
            widths[column] = wide - less
            total -= less
        }
        for column in byWorth.prefix(always) {
            let wanted = need(column)
            widths[column] = column == .slots ? min(wanted, shortestSlots) : wanted
            total += gap + (widths[column] ?? 0)
        }
        give(.slots, StatusColumn.slots.title.count)
        give(.node, usualNode)
        // If even that is too wide, only the node's name, role and state remain.
        for column in byWorth.prefix(always).dropFirst(3).reversed() where total > width {
            total -= gap + (widths.removeValue(forKey: column) ?? 0)
        }
        give(.node, shortestNode)
        for column in byWorth.dropFirst(always) {
            let wanted = column == .lastExit ? min(need(column), widestExit) : need(column)
            guard total + gap + wanted <= width else { break }
            widths[column] = wanted
            total += gap + wanted
        }
        if let slots = widths[.slots], total < width { widths[.slots] = min(need(.slots), slots + width - total) }
        return allCases.compactMap { column in widths[column].map { Fit(column: column, width: $0) } }
    }
}
