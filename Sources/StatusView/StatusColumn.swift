import ClusterModel
import ControlAPI

/// The columns of the table, in their order on the screen.
enum StatusColumn: CaseIterable {
    case node, role, state, slots, keys, memory, operations, lag, clients, uptime, restarts, pid, lastExit

    struct Fit {
        var column: StatusColumn
        var width: Int
    }

    /// What gives way first on a narrow terminal stands last; the first eight are always there.
    private static let byWorth: [StatusColumn] = [
        .node, .role, .state, .slots, .keys, .memory, .operations, .lag, .uptime, .restarts, .lastExit, .pid, .clients,
    ]
    private static let always = 8
    private static let gap = 2
    /// `10923-16383`: slots may be cut to this, and further only where nothing else helps.
    private static let shortestSlots = 11

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

    /// Whether a difference is a change of the node, and not only time that passed.
    var isMeasured: Bool { self != .uptime && self != .lastExit }

    func text(_ node: NodeDocument, _ isIndented: Bool, _ now: Timestamp) -> String {
        switch self {
        case .node: (isIndented ? "  " : "") + node.label
        case .role: node.role?.rawValue ?? "?"
        case .state: node.stateWord
        case .slots: node.slots.joined(separator: " ")
        case .keys: node.keys.map(Short.count) ?? "-"
        case .memory: node.memoryBytes.map(Short.bytes) ?? "-"
        case .operations: node.opsPerSecond.map(Short.count) ?? "-"
        case .lag: node.lagBytes.map(Short.bytes) ?? "-"
        case .clients: node.clients.map { String($0) } ?? "-"
        case .uptime: node.process == .running ? node.startedAt.map { Short.age(since: $0, at: now) } ?? "-" : "-"
        case .restarts: String(node.restarts)
        case .pid: node.pid.map { String($0) } ?? "-"
        case .lastExit: node.lastExit.map { "\($0.cause) \(Short.age(since: $0.at, at: now)) ago" } ?? "-"
        }
    }

    /// As many columns as the terminal has room for.
    static func fitting(_ rows: [(NodeDocument, Bool)], at now: Timestamp, width: Int) -> [Fit] {
        func need(_ column: StatusColumn) -> Int {
            rows.reduce(column.title.count) { max($0, column.text($1.0, $1.1, now).count) }
        }
        var widths: [StatusColumn: Int] = [:]
        var total = -gap
        for column in byWorth.prefix(always) {
            let wanted = need(column)
            widths[column] = column == .slots ? min(wanted, shortestSlots) : wanted
            total += gap + (widths[column] ?? 0)
        }
        if total > width, let slots = widths[.slots] {
            let less = min(slots - 1, total - width)
            widths[.slots] = slots - less
            total -= less
        }
        // Where even that is too wide, the node's name and state are what is left.
        for column in byWorth.prefix(always).dropFirst(3).reversed() where total > width {
            total -= gap + (widths.removeValue(forKey: column) ?? 0)
        }
        for column in byWorth.dropFirst(always) {
            let wanted = column == .lastExit ? min(need(column), 40) : need(column)
            guard total + gap + wanted <= width else { break }
            widths[column] = wanted
            total += gap + wanted
        }
        if let slots = widths[.slots], total < width { widths[.slots] = min(need(.slots), slots + width - total) }
        return allCases.compactMap { column in widths[column].map { Fit(column: column, width: $0) } }
    }
}
