/// Measured values of one kind, smallest first.
struct Samples: Sendable {
    private(set) var sorted: [Double]

    init(_ values: [Double] = []) { sorted = values.sorted() }

    var count: Int { sorted.count }
    var median: Double { quantile(0.5) }

    /// The smallest sample that at least this share of all samples does not exceed; not a number without samples.
    func quantile(_ share: Double) -> Double {
        guard !sorted.isEmpty else { return .nan }
        let rank = Int((Double(count) * share).rounded(.up))
        return sorted[max(0, min(count, rank) - 1)]
    }

    /// The columns of the table, and the keys in JSON.
    static let columns: [(name: String, share: Double)] = [
        ("min", 0), ("median", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1),
    ]
}
