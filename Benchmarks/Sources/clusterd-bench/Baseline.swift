import Foundation

/// The committed ratios of an earlier run.
struct Baseline: Codable {
    /// Where they are from: the ratios of another host differ.
    var source = ""
    /// By the name of the figure: how many times the peer's median is clusterd's.
    var ratios: [String: Double] = [:]

    /// A ratio below this share of its baseline is worse.
    static let tolerance = 0.8

    init() {}

    init(at path: String) throws {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        } catch { throw Trouble("\(path): \(error)") }
    }

    func isWorse(_ figure: Figure) -> Bool {
        guard figure.hasBaseline, let ratio = ratios[figure.name], figure.ratio.isFinite else { return false }
        return figure.ratio < ratio * Self.tolerance
    }

    func save(at path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try (encoder.encode(self) + Data("\n".utf8)).write(to: URL(fileURLWithPath: path))
    }
}
