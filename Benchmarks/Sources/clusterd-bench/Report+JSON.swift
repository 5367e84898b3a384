import Foundation

extension Report {
    private struct Document: Encodable {
        var run: Run
        var figures: [Entry]
    }

    private struct Entry: Encodable {
        var name: String
        var unit: Unit
        var ratio: Double?
        var baseline: Double?
        var subject: SeriesEntry
        var peer: SeriesEntry?
        var limit: SeriesEntry?
        var remarks: [String]
    }

    private struct SeriesEntry: Encodable {
        var name: String
        var quantiles: [String: Double]
        var samples: [Double]

        init(_ series: Series) {
            name = series.name
            samples = series.samples.sorted
            let named = Samples.columns.map { ($0.name, series.samples.quantile($0.share)) }.filter { $0.1.isFinite }
            quantiles = Dictionary(uniqueKeysWithValues: named)
        }
    }

    /// Which run, engine and host the figures are from.
    struct Run: Encodable {
        var date: String
        var clusterd: String
        var engine: String
        var processors: Int
        var kernel: String
        var nodeTimeout: Int
        var isQuick: Bool
    }

    func write(_ run: Run, to path: String) throws {
        let entries = figures.map { figure in
            Entry(
                name: figure.name, unit: figure.unit, ratio: figure.ratio.isFinite ? figure.ratio : nil,
                baseline: baseline?.value(for: figure), subject: SeriesEntry(figure.subject),
                peer: figure.peer.map(SeriesEntry.init), limit: figure.limit.map(SeriesEntry.init),
                remarks: figure.remarks)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let document = try encoder.encode(Document(run: run, figures: entries))
        try (document + Data("\n".utf8)).write(to: URL(fileURLWithPath: path))
    }
}
