import ControlAPI

/// The text form of `list`.
struct ListTable {
    private let clusters: [ClusterListing]
    private let color: Bool

    init(_ clusters: [ClusterListing], color: Bool) {
        self.clusters = clusters
        self.color = color
    }

    var text: String {
        let header = ["NAME", "STATE", "PORTS", "PID", "USER", "FOLDER"]
        let rows = clusters.map { cluster in
            [
                cluster.name ?? "?", Self.state(cluster), PortRanges.text(cluster.ports),
                cluster.pid.map(String.init) ?? "-", cluster.user ?? "?", cluster.dir ?? "?",
            ].map(TerminalText.visible)
        }
        let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        func line(_ cells: [String], _ severity: Severity?) -> String {
            var line = ""
            for (column, cell) in cells.enumerated() {
                let isLast = column == cells.count - 1
                let padding = isLast ? "" : String(repeating: " ", count: widths[column] - cell.count + 2)
                line += (column == 1 ? paint(cell, severity) : cell) + padding
            }
            return line
        }
        let table = [line(header, nil)] + zip(clusters, rows).map { line($1, Self.severity($0)) }
        return (table + notes).joined(separator: "\n")
    }

    /// What is unknown, and why. A note that holds for several clusters appears once.
    private var notes: [String] {
        var notes: [String] = []
        for cluster in clusters {
            guard let reason = cluster.reason else { continue }
            let note = TerminalText.visible(cluster.hint.map { "\(reason) (\($0))" } ?? reason)
            if !notes.contains(note) { notes.append(note) }
        }
        return notes.isEmpty ? [] : [""] + notes
    }

    private static func state(_ cluster: ClusterListing) -> String {
        switch cluster.daemon {
        case .answers:
            if let phase = cluster.phase, phase != .ready { return phase.rawValue }
            return cluster.state?.rawValue ?? "?"
        case .silent: return "no answer"
        case .hidden: return "no permission"
        case .foreign: return "not asked"
        case .orphaned: return "no folder"
        case .missing: return "no clusterd"
        case .stopped: return "stopped"
        }
    }

    private static func severity(_ cluster: ClusterListing) -> Severity? {
        switch (cluster.daemon, cluster.state) {
        case (.answers, .ok): .info
        case (.answers, .down), (.silent, _), (.orphaned, _): .error
        case (.answers, _), (.missing, _): .warning
        case (.hidden, _), (.foreign, _), (.stopped, _): nil
        }
    }

    private func paint(_ text: String, _ severity: Severity?) -> String {
        guard color, let severity else { return text }
        return switch severity {
        case .info: "\u{1B}[32m\(text)\u{1B}[0m"
        case .warning: "\u{1B}[33m\(text)\u{1B}[0m"
        case .error: "\u{1B}[31m\(text)\u{1B}[0m"
        }
    }
}

/// `7000-7005 7010`.
enum PortRanges {
    static func text(_ ports: [Int]) -> String {
        var runs: [ClosedRange<Int>] = []
        for port in Set(ports).sorted() {
            if let last = runs.last, last.upperBound + 1 == port {
                runs[runs.count - 1] = last.lowerBound...port
            } else {
                runs.append(port...port)
            }
        }
        guard !runs.isEmpty else { return "-" }
        return runs.map { run in
            switch run.count {
            case 1: "\(run.lowerBound)"
            case 2: "\(run.lowerBound) \(run.upperBound)"
            default: "\(run.lowerBound)-\(run.upperBound)"
            }
        }.joined(separator: " ")
    }
}
