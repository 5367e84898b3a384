import ClusterModel
import ControlAPI

/// `status` for people: shards with their replicas beneath them, as wide as the terminal and never wider.
package struct StatusTable {
    private let status: StatusDocument
    private let before: StatusDocument?
    private let now: Timestamp
    private let width: Int
    private let style: Style

    /// What differs from `before` is shown in bold.
    package init(
        _ status: StatusDocument, before: StatusDocument? = nil, now: Timestamp, width: Int, color: Bool
    ) {
        self.status = status
        self.before = before
        self.now = now
        self.width = width
        style = Style(color: color)
    }

    package var text: String { lines.joined(separator: "\n") }

    package var lines: [String] { header + table + findings + operations }

    // MARK: the cluster

    private var header: [String] {
        let cluster = status.cluster
        let words = [
            cluster.name, cluster.state.rawValue, cluster.phase.rawValue, cluster.paused ? "paused" : nil,
            "\(cluster.slotsCovered)/\(SlotSet.slotCount) slots", Self.number(cluster.masters, "master"),
            Self.number(cluster.replicas, "replica"), cluster.engine,
        ].compactMap { $0 }
        var first = words.joined(separator: "  ")
        if first.count > width { first = String(first.prefix(max(1, width - 1))) + "…" }
        let shown = cluster.name.count + 2
        if first.count > shown + cluster.state.rawValue.count {
            let rest = first.dropFirst(shown + cluster.state.rawValue.count)
            first =
                style.paint(cluster.name, .strong) + "  "
                + style.paint(cluster.state.rawValue, Style.tone(cluster.state)) + rest
        }
        let second = Paragraph.lines(
            "\(failover), clusterd \(cluster.daemon.version) (pid \(cluster.daemon.pid)) for "
                + Short.age(since: cluster.daemon.startedAt, at: now), width: width)
        return [first] + second.map { style.paint($0, .faint) }
    }

    private var failover: String {
        let able = status.shards.count(where: \.canFailOver)
        switch (able, status.shards.count) {
        case (_, 0): return "no shards yet"
        case (let able, let all) where able == all: return "every shard could fail over now"
        case (let able, let all): return "\(able) of \(all) shards could fail over now"
        }
    }

    private static func number(_ count: Int, _ word: String) -> String { "\(count) \(word)\(count == 1 ? "" : "s")" }

    // MARK: the table

    private var table: [String] {
        guard !status.nodes.isEmpty else { return [] }
        let order = rows
        let columns = StatusColumn.fitting(order.map { ($0.node, $0.isIndented) }, at: now, width: width)
        var lines = ["", style.paint(line(columns.map { ($0.column.title, nil) }, columns), .faint)]
        for row in order {
            let old = before?.nodes.first { $0.name == row.node.name }
            let cells = columns.map { fit -> (String, Style.Tone?) in
                let text = fit.column.text(row.node, row.isIndented, now)
                if fit.column == .state { return (text, Style.tone(row.node)) }
                let differs = old.map { fit.column.isMeasured && fit.column.text($0, row.isIndented, now) != text }
                return (text, differs == true ? .strong : nil)
            }
            lines.append(line(cells, columns))
            if let why = row.why {
                let words = Paragraph.lines(why, first: "  cannot fail over: ", rest: "    ", width: width)
                lines += words.map { style.paint($0, .warning) }
            }
        }
        return lines
    }

    /// Each node once, under its shard; `why` after the last node of a shard that cannot fail over.
    private var rows: [(node: NodeDocument, isIndented: Bool, why: String?)] {
        var rows: [(node: NodeDocument, isIndented: Bool, why: String?)] = []
        var shown = Set<NodeName>()
        for shard in status.shards {
            var count = 0
            for name in [shard.master].compactMap({ $0 }) + shard.replicas {
                guard let node = status.nodes.first(where: { $0.name == name }), shown.insert(name).inserted else {
                    continue
                }
                rows.append((node, name != shard.master, nil))
                count += 1
            }
            if !shard.canFailOver, count > 0 { rows[rows.count - 1].why = shard.why }
        }
        return rows + status.nodes.filter { !shown.contains($0.name) }.map { ($0, false, nil) }
    }

    private func line(_ cells: [(String, Style.Tone?)], _ columns: [StatusColumn.Fit]) -> String {
        var line = ""
        for (index, (cell, column)) in zip(cells, columns).enumerated() {
            let text =
                cell.0.count > column.width ? String(cell.0.prefix(max(0, column.width - 1))) + "…" : cell.0
            let space = String(repeating: " ", count: column.width - text.count)
            let painted = style.paint(text, cell.1)
            let isLast = index == columns.count - 1
            if column.column.isNumber { line += space + painted } else { line += painted + (isLast ? "" : space) }
            if !isLast { line += "  " }
        }
        while line.last == " " { line.removeLast() }
        return line
    }

    // MARK: beneath it

    private var findings: [String] {
        status.findings.isEmpty ? [] : [""] + status.findings.flatMap { FindingText.lines($0, style, width) }
    }

    private var operations: [String] {
        let open = status.operations.filter { !$0.state.hasEnded }
        guard !open.isEmpty else { return [] }
        return [""]
            + open.flatMap { operation in
                let what = [operation.kind, operation.node?.text].compactMap { $0 }.joined(separator: " ")
                return Paragraph.lines(
                    "operation \(operation.id) \(what): \(operation.step ?? operation.state.rawValue)", rest: "  ",
                    width: width)
            }
    }
}

/// A finding, and what to do about it.
enum FindingText {
    static func lines(_ finding: FindingDocument, _ style: Style, _ width: Int) -> [String] {
        let tag = finding.severity.rawValue.uppercased()
        let words = Paragraph.lines(finding.message, first: "\(tag)  ", rest: "  ", width: width)
        let hint = finding.hint.map { Paragraph.lines($0, first: "  ", rest: "    ", width: width) } ?? []
        let first = style.paint(tag, Style.tone(finding.severity)) + words[0].dropFirst(tag.count)
        return [first] + words.dropFirst() + hint
    }
}
