import ControlAPI

/// Findings with their hints, most severe first.
struct Findings {
    let findings: [FindingDocument]
    /// Whether to show the details of each finding.
    let isFull: Bool
    let earlier: [StatusDocument]
    let width: Int

    /// Marks findings that were absent in one of `earlier`.
    init(_ findings: [FindingDocument], earlier: [StatusDocument], isFull: Bool = false, width: Int) {
        let ranked = findings.enumerated().sorted {
            ($0.element.severity.rank, -$0.offset) > ($1.element.severity.rank, -$1.offset)
        }
        self.findings = ranked.map(\.element)
        self.earlier = earlier
        self.isFull = isFull
        self.width = width
    }

    var lines: [Line] { findings.flatMap(lines) }

    private func lines(_ finding: FindingDocument) -> [Line] {
        let isNew = earlier.contains { !$0.findings.contains { $0.isAbout(finding) } }
        let tag = Line([
            Span(finding.severity.rawValue.uppercased(), finding.severity.tone, isMarked: isNew), Span("  "),
        ])
        var lines = Line.paragraph(finding.message, first: tag, rest: 2, width: width)
        if isFull {
            for detail in finding.details ?? [] {
                lines += Line.paragraph(detail, .faint, first: Line("    "), rest: 6, width: width)
            }
        }
        if let hint = finding.hint { lines += Line.paragraph(hint, first: Line("  "), rest: 4, width: width) }
        return lines
    }
}

extension FindingDocument {
    /// Whether both report the same problem; their numbers may differ.
    fileprivate func isAbout(_ other: FindingDocument) -> Bool {
        (code, severity, node, shard) == (other.code, other.severity, other.node, other.shard)
    }
}
