/// One subject of the benchmark, which can be run alone: `make bench ONLY=create`.
protocol Part: Sendable {
    var name: String { get }
    /// What is measured, in one line.
    var title: String { get }
    func measure(_ bench: Bench) throws -> [Figure]
}

/// What went wrong outside of the benchmark.
struct Trouble: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
