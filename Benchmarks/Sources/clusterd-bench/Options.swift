import Foundation

/// The command line: `--name value`, or `--name` for a switch.
struct Options {
    var program = "../.build/release/clusterd"
    /// The program of the part `decide`.
    var decideBench: String?
    var server = "redis-server"
    var cli = "redis-cli"
    var only: [String] = []
    var quick = false
    var strict = false
    var kills = 200
    var stockKills = 5
    var nodeTimeout = 15000
    /// Megabytes of values for `stop`, `start` and `backup`.
    var data = 100
    /// The first of 400 ports, and of as many bus ports 10000 above them.
    var port = 12000
    var json: String?
    var markdown: String?
    var baseline: String?
    var savesBaseline = false

    static let usage = """
        Measure clusterd beside its peers, with the built program.

        --clusterd PATH    program to measure [../.build/release/clusterd]
        --decide-bench PATH  program that repeats one turn's decision, for the part decide
        --server PATH      server program [redis-server]
        --cli PATH         the engine's client, which creates, reshards and backs up for the peer [redis-cli]
        --only PART,...    measure only these parts: \(Bench.parts.map(\.name).joined(separator: " "))
        --quick            fewer trials and smaller clusters; some three minutes
        --kills N          kills of masters with clusterd [200]
        --stock-kills N    kills of masters without; each takes 20 s and more [5]
        --node-timeout MS  cluster-node-timeout [15000]
        --data MB          size of the data for stop, start and backup [100]
        --port N           first port of 400 [12000]
        --json FILE        write every sample to this file
        --markdown FILE    write the table of docs/performance.md to this file
        --baseline FILE    compare the ratios with this file
        --save-baseline    write the ratios and counts to that file; those of parts that did not run stay
        --strict           exit with 1 if a ratio or a count became worse by more than 20 %
        """

    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        while let name = rest.popFirst() {
            switch name {
            case "--quick": quick = true
            case "--strict": strict = true
            case "--save-baseline": savesBaseline = true
            default:
                guard let value = rest.popFirst() else { throw Trouble("\(name): no value, or no such option") }
                try set(name, value)
            }
        }
        if quick {
            kills = min(kills, 5)
            stockKills = min(stockKills, 1)
        }
        program = program.contains("/") ? URL(fileURLWithPath: program).path : program
    }

    private mutating func set(_ name: String, _ value: String) throws {
        func number() throws -> Int {
            guard let number = Int(value), number >= 0 else { throw Trouble("\(name): \(value) is not a number") }
            return number
        }
        switch name {
        case "--clusterd": program = value
        case "--decide-bench": decideBench = value
        case "--server": server = value
        case "--cli": cli = value
        case "--only": only = try parts(value)
        case "--kills": kills = try number()
        case "--stock-kills": stockKills = try number()
        case "--node-timeout": nodeTimeout = try number()
        case "--data": data = try number()
        case "--port": port = try number()
        case "--json": json = value
        case "--markdown": markdown = value
        case "--baseline": baseline = value
        default: throw Trouble("\(name): no such option")
        }
    }

    private func parts(_ value: String) throws -> [String] {
        let known = Bench.parts.map(\.name)
        let names = value.split(whereSeparator: { ", ".contains($0) }).map(String.init)
        for name in names where !known.contains(name) {
            throw Trouble("no part \(name); the parts are \(known.joined(separator: ", "))")
        }
        return names
    }
}
