import Foundation

/// The committed ratios of an earlier run, and its counts of instructions.
struct Baseline: Codable {
    /// Where they are from: the ratios of another host differ.
    var source = ""
    /// What the numbers are, for readers of the file.
    var units = Self.units
    /// By the name of the figure: how many times the peer's median is clusterd's.
    var ratios: [String: Double] = [:]
    /// By the name of the figure: instructions of one call.
    var instructions: [String: Double] = [:]

    /// A ratio below this share of its baseline is worse.
    static let tolerance = 0.8
    /// A count above this multiple of its baseline is worse.
    static let growth = 1.2
    private static let units = [
        "ratios": "the peer's median divided by clusterd's; failures with one added to both",
        "instructions": "instructions in user mode of one call",
    ]

    init() {}

    init(at path: String) throws {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        } catch { throw Trouble("\(path): \(error)") }
    }

    /// A file of an earlier version has only ratios.
    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        source = try values.decode(String.self, forKey: .source)
        ratios = try values.decode([String: Double].self, forKey: .ratios)
        instructions = try values.decodeIfPresent([String: Double].self, forKey: .instructions) ?? [:]
    }

    func value(for figure: Figure) -> Double? {
        guard figure.hasBaseline else { return nil }
        return figure.unit == .instructions ? instructions[figure.name] : ratios[figure.name]
    }

    mutating func note(_ figure: Figure) {
        if figure.unit == .instructions {
            instructions[figure.name] = figure.subject.samples.median
        } else if figure.ratio.isFinite {
            ratios[figure.name] = (figure.ratio * 100).rounded() / 100
        }
    }

    func isWorse(_ figure: Figure) -> Bool {
        guard let value = value(for: figure) else { return false }
        if figure.unit == .instructions { return figure.subject.samples.median > value * Self.growth }
        return figure.ratio.isFinite && figure.ratio < value * Self.tolerance
    }

    func save(at path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try (encoder.encode(self) + Data("\n".utf8)).write(to: URL(fileURLWithPath: path))
    }
}
