import Foundation

/// One run: its options, its folder, and how often a part tries.
final class Bench {
    static let parts: [any Part] = [
        Create(), Exec(), Failover(), Adoption(), Restart(), Stop(), Start(), Reshard(), Backup(), Idle(), Latency(),
        Decide(),
    ]

    let options: Options
    /// Everything on disk is below it.
    let home: String
    /// The trials of `stop` and `start` are the same; they are measured once.
    lazy var stopsAndStarts = Result { try StopsAndStarts.measure(self) }

    init(_ options: Options) throws {
        self.options = options
        home = NSTemporaryDirectory() + "clusterd-bench-\(getpid())"
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
    }

    /// How often something is tried, in a whole run or in a quick one.
    func trials(_ whole: Int, quick: Int) -> Int { options.quick ? quick : whole }

    /// `Redis 7.0.15`, as the program says it.
    func engine() throws -> String {
        let output = home + "/version"
        try Child.run(options.server, ["--version"], output: output)
        let words = try String(contentsOfFile: output, encoding: .utf8).split(separator: " ")
        guard let name = words.first, let version = words.first(where: { $0.hasPrefix("v=") }) else {
            throw Trouble("\(options.server) --version does not say which engine it is")
        }
        return "\(name) \(version.dropFirst(2))"
    }

    /// `clusterd 0.1.0`, as the program says it.
    func version() throws -> String {
        let output = home + "/version"
        try Child.run(options.program, ["--version"], output: output)
        return try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n").first.map(String.init) ?? ""
    }
}
