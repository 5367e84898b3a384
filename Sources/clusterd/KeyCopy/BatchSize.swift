/// How many keys are read at once, so that a batch has about four megabytes whatever the size of the values.
struct BatchSize: Hashable, Sendable {
    private(set) var keys = 16

    static let aim: Int64 = 4 << 20
    static let most = 512

    /// Adapts to the last batch: at most four times as many keys the next time.
    mutating func adapt(keys count: Int, bytes: Int64) {
        guard count > 0 else { return }
        let each = max(1, bytes / Int64(count))
        let fitting = Int(clamping: Self.aim / each)
        keys = max(1, min(Self.most, min(fitting, keys * 4)))
    }
}
