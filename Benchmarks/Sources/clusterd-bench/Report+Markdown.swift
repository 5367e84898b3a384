import Foundation

extension Report {
    /// The table of docs/performance.md.
    func write(markdown path: String) throws {
        var lines = ["| figure | | trials | median | p90 | max |", "|---|---|--:|--:|--:|--:|"]
        for figure in figures {
            for (index, series) in figure.series.enumerated() {
                let values = [0.5, 0.9, 1].map { Self.words(series.samples.quantile($0), figure.unit) }
                let cells =
                    [index == 0 ? "**\(figure.name)**" : "", series.name, String(series.samples.count)] + values
                lines.append("| " + cells.joined(separator: " | ") + " |")
            }
        }
        try (lines.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
    }
}
