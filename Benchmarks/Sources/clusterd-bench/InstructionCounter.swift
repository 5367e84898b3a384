import Foundation

/// A program that counts the instructions of another one in user mode.
enum InstructionCounter: String {
    case perf
    case callgrind

    /// perf if the processor's counters can be used, which a virtual machine may not offer; else valgrind; nil: neither.
    static func available(in folder: String) -> InstructionCounter? {
        [InstructionCounter.perf, .callgrind].first { (try? $0.count(["true"], in: folder)) != nil }
    }

    /// The instructions of one run of this command.
    func count(_ command: [String], in folder: String) throws -> Double {
        let file = folder + "/instructions"
        let tool: [String]
        switch self {
        case .perf: tool = ["perf", "stat", "-x,", "-e", "instructions:u", "-o", file]
        case .callgrind:
            tool = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--log-file=\(file)"]
        }
        // Two runs hash alike, and so differ only in what they do.
        try Child.run("env", ["SWIFT_DETERMINISTIC_HASHING=1"] + tool + command, output: folder + "/counted")
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        let number: String?
        switch self {
        case .perf:
            number = lines.first { $0.contains("instructions") }?.split(separator: ",").first.map(String.init)
        case .callgrind:
            number = lines.first { $0.contains("Collected") }?.split(separator: " ").last.map(String.init)
        }
        guard let count = number.flatMap({ Double($0) }) else { throw Trouble("\(rawValue) counts no instructions") }
        return count
    }
}
