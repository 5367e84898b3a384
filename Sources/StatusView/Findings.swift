import ControlAPI

/// Findings and what to do about them, the worst first.
struct Findings {
    let findings: [FindingDocument]
    /// With what each rests on.
    var isFull = false
    let width: Int

    init(_ findings: [FindingDocument], isFull: Bool = false, width: Int) {
        let ranked = findings.enumerated().sorted {
            ($0.element.severity.rank, -$0.offset) > ($1.element.severity.rank, -$1.offset)
        }
        self.findings = ranked.map(\.element)
        self.isFull = isFull
        self.width = width
    }

    var lines: [Line] { findings.flatMap(lines) }

    private func lines(_ finding: FindingDocument) -> [Line] {
        let tag = Line([Span(finding.severity.rawValue.uppercased(), finding.severity.tone), Span("  ")])
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
