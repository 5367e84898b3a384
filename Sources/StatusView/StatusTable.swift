import ClusterModel
import ControlAPI

/// The text form of `status`: each shard with its replicas below the master. It is never wider than the terminal.
package struct StatusTable {
    private let status: StatusDocument
    private let waits: [String]
    private let earlier: [StatusDocument]
    private let now: Timestamp
    private let width: Int

    /// On a terminal that is narrower than this, the terminal wraps the lines.
    static let narrowest = 24
    /// How long a node's last exit is shown if the table has no column for it, in milliseconds.
    private static let recent: Int64 = 3_600_000

    /// `waits` lists what keeps the cluster from being ready. Values that differ from any of `earlier` are marked.
    package init(
        _ status: StatusDocument, waits: [String] = [], earlier: [StatusDocument] = [], now: Timestamp, width: Int
    ) {
        self.status = status
        self.waits = waits
        self.earlier = earlier
        self.now = now
        self.width = max(width, Self.narrowest)
    }

    package var lines: [Line] { header + table + findings + operations }

    // MARK: the cluster

    private var header: [Line] {
        let cluster = status.cluster
        let isChanged = earlier.contains { $0.cluster.state != cluster.state }
        var parts = [
            Span(cluster.name, .strong), Span(cluster.state.rawValue, cluster.state.tone, isMarked: isChanged),
        ]
        // A cluster that was ready once may no longer be; the lines below show what it waits for.
        if cluster.ready || cluster.phase != .ready { parts.append(Span(cluster.phase.rawValue)) }
        if cluster.paused { parts.append(Span("paused", .warning)) }
        parts.append(
            Span("\(cluster.slotsCovered)/\(SlotSet.slotCount) slots", cluster.serving ? nil : .bad))
        parts += [Span(Short.number(cluster.masters, "master")), Span(Short.number(cluster.replicas, "replica"))]
        if let engine = cluster.engine { parts.append(Span(engine)) }
        if let host { parts.append(Span("at \(host)")) }
        return Line.flow(parts, rest: 2, gap: 2, width: width)
            + Line.paragraph(
                "\(failover); clusterd \(cluster.daemon.version) (pid \(cluster.daemon.pid)) up "
                    + Short.age(since: cluster.daemon.startedAt, at: now), .faint, rest: 2, width: width)
            + waiting
    }

    private var waiting: [Line] {
        waits.prefix(3).flatMap { Line.paragraph("waiting \($0)", .warning, rest: 2, width: width) }
            + (waits.count > 3 ? [Line("… and \(waits.count - 3) more", .warning)] : [])
    }

    /// The host that clients connect to, unless it is the loopback interface.
    private var host: String? {
        let hosts = Set(status.nodes.map(\.host))
        guard let host = hosts.first, hosts.count == 1 else { return nil }
        return host.hasPrefix("127.") || host == "::1" || host == "localhost" ? nil : host
    }

    private var failover: String {
        let able = status.shards.count(where: \.canFailOver)
        switch (able, status.shards.count) {
        case (_, 0): return "no shards yet"
        case (1, 1): return "the shard can fail over now"
        case (let able, let all) where able == all: return "every shard can fail over now"
        case (0, _): return "no shard can fail over now"
        case (let able, let all): return "\(able) of \(all) shards can fail over now"
        }
    }

    // MARK: the table

    private var table: [Line] {
        guard !status.nodes.isEmpty else { return [] }
        let order = entries
        let columns = StatusColumn.fitting(order.map(\.row), at: now, width: width)
        let hasExits = columns.contains { $0.column == .lastExit }
        var lines = [.empty, line(columns.map { Span($0.column.title, .faint) }, columns)]
        for entry in order {
            lines.append(line(columns.map { cell($0.column, entry.row) }, columns))
            if !hasExits { lines += lastExit(entry.row.node) }
            if let why = entry.why {
                lines += Line.paragraph(
                    why, .warning, first: Line("  cannot fail over:", .warning) + " ", rest: 4, width: width)
            }
        }
        return lines
    }

    private struct Entry {
        var row: StatusColumn.Row
        /// The reason, after the last node of a shard that cannot fail over.
        var why: String?
    }

    /// Each node once, under its shard.
    private var entries: [Entry] {
        var entries: [Entry] = []
        var shown = Set<NodeName>()
        for shard in status.shards {
            let members = [shard.master].compactMap { $0 } + shard.replicas
            let nodes = members.compactMap { name in status.nodes.first { $0.name == name } }
                .filter { shown.insert($0.name).inserted }
            entries += nodes.map { Entry(row: .init(node: $0, isIndented: $0.name != shard.master)) }
            if !shard.canFailOver, !nodes.isEmpty { entries[entries.count - 1].why = shard.why }
        }
        return entries
            + status.nodes.filter { !shown.contains($0.name) }.map { Entry(row: .init(node: $0, isIndented: false)) }
    }

    private func cell(_ column: StatusColumn, _ row: StatusColumn.Row) -> Span {
        let text = column.text(row, now)
        let before = earlier.compactMap { document in document.nodes.first { $0.name == row.node.name } }
        let isMarked =
            column.isChange && before.contains { column.text(.init(node: $0, isIndented: row.isIndented), now) != text }
        return Span(text, column == .state ? row.node.tone : nil, isMarked: isMarked)
    }

    private func line(_ cells: [Span], _ columns: [StatusColumn.Fit]) -> Line {
        var line = Line()
        var start = 0
        for (cell, fit) in zip(cells, columns) {
            let text = Span(cell.text.cut(to: fit.width), cell.tone, isMarked: cell.isMarked)
            line.pad(to: fit.column.isNumber ? start + fit.width - text.columns : start)
            line.append(text)
            start += fit.width + StatusColumn.gap
        }
        return line
    }

    private func lastExit(_ node: NodeDocument) -> [Line] {
        guard let exit = node.lastExit else { return [] }
        let age = now.time.milliseconds - exit.at.time.milliseconds
        guard age < Self.recent || node.tone != .good else { return [] }
        let restarts = node.restarts > 0 ? "; \(Short.number(node.restarts, "restart"))" : ""
        let isMarked = earlier.contains { $0.nodes.first { $0.name == node.name }?.lastExit != exit }
        let words = Line.words("last exit: \(exit.cause), \(Short.age(since: exit.at, at: now)) ago\(restarts)", .faint)
        return Line.flow(
            words.map { Span($0.text, .faint, isMarked: isMarked) }, first: Line("    "), rest: 6, width: width)
    }

    // MARK: below the table

    private var findings: [Line] {
        status.findings.isEmpty ? [] : [.empty] + Findings(status.findings, earlier: earlier, width: width).lines
    }

    private var operations: [Line] {
        let open = status.operations.filter { !$0.state.hasEnded }
        guard !open.isEmpty else { return [] }
        return [.empty] + open.flatMap { $0.lines(now, width) }
    }
}

extension OperationDocument {
    /// `operation 12 restart-node 7002: waiting for 7002 to be in sync (12s)`.
    func lines(_ now: Timestamp, _ width: Int) -> [Line] {
        let what = [kind, node?.text].compactMap { $0 }.joined(separator: " ")
        return Line.paragraph(
            "operation \(id) \(what): \(step ?? state.rawValue) (\(Short.age(since: startedAt, at: now)))", rest: 2,
            width: width)
    }
}
