/// What is measured. Less is better in every unit.
enum Unit: String, Codable, Sendable {
    case seconds
    /// Of one processor.
    case percent
    case megabytes
    /// How often something went wrong.
    case failures
    /// Of the processor, in user mode.
    case instructions
}

/// One contestant of a figure.
struct Series: Sendable {
    var name: String
    var samples: Samples

    init(_ name: String, _ values: [Double]) {
        self.name = name
        samples = Samples(values)
    }
}

/// One measured property of clusterd beside the same property of its peer, from the same run. Some have no peer.
struct Figure: Sendable {
    /// Names the figure in the table, in JSON and in the baseline.
    var name: String
    var unit: Unit
    var subject: Series
    var peer: Series?
    /// What cannot be undercut on this host, if it was measured.
    var limit: Series?
    /// What else a reader should know: trials that did not succeed, for instance.
    var remarks: [String] = []
    /// False where a difference of 20 % is noise: the ratio is printed, and is no part of the baseline.
    var hasBaseline = true

    var series: [Series] { [subject] + [peer, limit].compactMap { $0 } }

    /// How many times the peer's median is clusterd's: above 1, clusterd is better. Failures can be none, so one is added to both.
    /// Not a number without a peer.
    var ratio: Double {
        guard let peer else { return .nan }
        let offset = unit == .failures ? 1.0 : 0
        return (peer.samples.median + offset) / (subject.samples.median + offset)
    }

    /// "34 times as fast as redis-cli".
    var comparison: String {
        guard let peer else { return Report.words(subject.samples.median, unit) }
        let (more, less) = (decimal(ratio), decimal(1 / ratio))
        switch unit {
        case .seconds:
            return ratio >= 1 ? "\(more) times as fast as \(peer.name)" : "\(less) times as long as \(peer.name)"
        case .percent: return "\(less) times the processor time of \(peer.name)"
        case .megabytes: return "\(less) times the memory of \(peer.name)"
        case .instructions: return "\(less) times the instructions of \(peer.name)"
        case .failures:
            return "\(decimal(subject.samples.median)), \(peer.name): \(decimal(peer.samples.median))"
        }
    }
}

/// Three significant digits, or the whole number.
func decimal(_ value: Double) -> String {
    guard value.isFinite else { return "-" }
    let size = abs(value)
    let digits = value == value.rounded() || size >= 100 ? 0 : size >= 10 ? 1 : 2
    return fixed(value, digits)
}
