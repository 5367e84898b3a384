import Foundation

/// Text for the terminal and a document for programs, of the same figures.
struct Report {
    let baseline: Baseline?
    private(set) var figures: [Figure] = []

    init(baseline: Baseline?) { self.baseline = baseline }

    mutating func add(_ new: [Figure]) {
        figures += new
        for figure in new { show(figure) }
    }

    private func show(_ figure: Figure) {
        let width = 40
        let head = Samples.columns.map { left($0.name, 10) }.joined()
        Self.say("  " + left(figure.name, width + 2) + left("trials", 8) + head)
        for series in figure.series {
            let values = Samples.columns.map { left(Self.words(series.samples.quantile($0.share), figure.unit), 10) }
            Self.say(
                "    " + left(series.name, width) + left(String(series.samples.count), 8) + values.joined()
            )
        }
        for remark in figure.remarks { Self.say("    " + remark) }
        Self.say("  " + sentence(figure))
    }

    /// "create 6 nodes: 34 times as fast as redis-cli (baseline 36)"
    func sentence(_ figure: Figure) -> String {
        var before = ""
        if let value = baseline?.value(for: figure) {
            before =
                figure.unit == .instructions
                ? " (baseline \(Self.words(value, figure.unit)))"
                : " (ratio \(decimal(figure.ratio)), baseline \(decimal(value)))"
        }
        return "\(figure.name): \(figure.comparison)\(before)"
    }

    var worse: [Figure] { figures.filter { baseline?.isWorse($0) ?? false } }

    /// What became worse by more than 20 %.
    func conclude() {
        guard let baseline else { return }
        let compared = figures.filter { baseline.value(for: $0) != nil }
        Self.say("")
        if worse.isEmpty {
            Self.say(
                "nothing is worse by more than 20 % than the baseline (\(compared.count) compared; \(baseline.source))"
            )
        } else {
            Self.say("worse by more than 20 % than the baseline (\(baseline.source)):")
            for figure in worse { Self.say("  " + sentence(figure)) }
        }
    }

    static func words(_ value: Double, _ unit: Unit) -> String {
        switch unit {
        case .seconds where value < 0.001: return decimal(value * 1e6) + " µs"
        case .seconds where value < 1: return decimal(value * 1000) + " ms"
        case .seconds: return decimal(value) + " s"
        case .percent: return decimal(value) + " %"
        case .megabytes: return decimal(value) + " MB"
        case .failures: return decimal(value)
        case .instructions where value < 1e6: return decimal(value / 1000) + " thousand"
        case .instructions: return decimal(value / 1e6) + " million"
        }
    }

    private func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    /// At once, also into a pipe.
    static func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}
