import Foundation

@main
struct Benchmark {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.contains("--help") { return Report.say(Options.usage) }
        do {
            let bench = try Bench(Options(arguments))
            Interrupt.endsChildren(of: bench.home)
            let status = Result { try run(bench) }
            try Interrupt.unlessPending {
                try? FileManager.default.removeItem(atPath: bench.home)
                exit(try status.get())
            }
        } catch {
            complain("\(error)")
            exit(64)
        }
    }

    /// The exit status: 1 if a part could not be measured, or with --strict if a ratio became worse.
    private static func run(_ bench: Bench) throws -> Int32 {
        let options = bench.options
        let host = ProcessInfo.processInfo
        let run = Report.Run(
            date: Date().ISO8601Format(), clusterd: try bench.version(), engine: try bench.engine(),
            processors: host.activeProcessorCount, kernel: kernel(), nodeTimeout: options.nodeTimeout,
            isQuick: options.quick)
        Report.say(
            "\(run.clusterd), \(run.engine), \(run.processors) processors, \(run.kernel), "
                + "cluster-node-timeout \(run.nodeTimeout)")
        let known = options.baseline.flatMap { FileManager.default.fileExists(atPath: $0) ? $0 : nil }
        var report = Report(baseline: try known.map(Baseline.init(at:)))
        var failed: [String] = []
        for part in Bench.parts where options.only.isEmpty || options.only.contains(part.name) {
            Report.say("\n\(part.name): \(part.title)")
            do { report.add(try part.measure(bench)) } catch {
                complain("\(part.name): \(error)")
                failed.append(part.name)
            }
        }
        report.conclude()
        if let path = options.json { try report.write(run, to: path) }
        if let path = options.markdown { try report.write(markdown: path) }
        if options.savesBaseline, let path = options.baseline {
            var baseline = report.baseline ?? Baseline()
            baseline.source = "\(run.engine), \(run.processors) processors, \(run.isQuick ? "short" : "whole") run"
            for figure in report.figures where figure.hasBaseline { baseline.note(figure) }
            try baseline.save(at: path)
        }
        return failed.isEmpty && !(options.strict && !report.worse.isEmpty) ? 0 : 1
    }

    private static func kernel() -> String {
        let release = (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)) ?? "unknown"
        return "Linux " + release.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func complain(_ words: String) {
        FileHandle.standardError.write(Data("clusterd-bench: \(words)\n".utf8))
    }
}
