import Foundation

/// One call of `decide`, the pure core of a turn, without a cluster: its time, and its instructions, which other work on the host
/// does not change.
struct Decide: Part {
    let name = "decide"
    let title = "one turn's decision alone, without a cluster: its time, and its instructions where they can be counted"

    func measure(_ bench: Bench) throws -> [Figure] {
        guard let program = bench.options.decideBench else { throw Trouble("--decide-bench PATH is missing") }
        let counter = InstructionCounter.available(in: bench.home)
        if counter == nil { Report.say("  neither perf nor valgrind counts instructions here: only times") }
        var figures: [Figure] = []
        for (nodes, shape) in Self.shapes.prefix(bench.trials(3, quick: 2)) {
            for (situation, words) in [("rest", "at rest"), ("failover", "in a failover")] {
                let arguments = [shape, "--situation", situation]
                let name = "decide \(nodes) nodes \(words)"
                let output = bench.home + "/decide"
                let calls = String(bench.trials(1000, quick: 200))
                try Child.run(program, arguments + ["--calls", calls, "--samples"], output: output)
                let times = try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n")
                figures.append(
                    Figure(
                        name: "\(name), time", unit: .seconds,
                        subject: Series("decide", times.compactMap { Double($0) })))
                // valgrind runs a program some fifty times as slowly, also the simulator that forms the cluster.
                guard let counter, counter == .perf || nodes == Self.shapes[0].nodes else { continue }
                let few = try counter.count([program] + arguments + ["--calls", "10"], in: bench.home)
                let many = try counter.count([program] + arguments + ["--calls", "110"], in: bench.home)
                var figure = Figure(
                    name: "\(name), instructions", unit: .instructions,
                    subject: Series("decide", [((many - few) / 100).rounded()]))
                figure.remarks = ["counted by \(counter.rawValue)"]
                figures.append(figure)
            }
        }
        return figures
    }

    private static let shapes: [(nodes: Int, shape: String)] = [(6, "3x1"), (30, "10x2"), (102, "34x2")]
}
