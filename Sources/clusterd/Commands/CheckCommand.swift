import ArgumentParser
import ClusterModel
import ControlAPI

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Run every health check and print each finding with what to do.",
        discussion: """
            Queries every node again. Observes a condition that may be transient for several seconds before it reports a finding. \
            Exits with 1 if a finding is an error, else with 0, even if there are warnings. docs/findings.md explains each code.

            clusterd check
            clusterd check --json
            """)

    @OptionGroup var daemon: DaemonChoice
    @Flag(help: "Print one JSON document.") var json = false

    func run() throws {
        do {
            let check = try daemon.client().get(.check, CheckDocument.self, timeout: .seconds(30))
            if json {
                Output.result((try? ControlJSON.encode(check)) ?? [])
            } else {
                Output.result(CheckText(check, color: Output.hasColor).text)
            }
            if !check.healthy { throw ArgumentParser.ExitCode(ControlAPI.ExitCode.failed) }
        } catch let failure as Failure {
            throw failure.json(json)
        }
    }
}

/// The text form of `check`: the passed checks, then the findings, then a summary line.
struct CheckText {
    let check: CheckDocument
    let color: Bool

    init(_ check: CheckDocument, color: Bool) {
        self.check = check
        self.color = color
    }

    var text: String {
        var lines = check.passed.map { "\(paint("[OK]", "32")) \($0)" }
        for finding in check.findings {
            lines.append("\(tag(finding.severity)) \(finding.message)  \(paint("(\(finding.code))", "2"))")
            if let hint = finding.hint { lines.append("     \(hint)") }
        }
        lines.append(summary)
        return lines.joined(separator: "\n")
    }

    private var summary: String {
        func count(_ severity: Severity, _ one: String) -> String? {
            let number = check.findings.count { $0.severity == severity }
            return number == 0 ? nil : "\(number) \(one)\(number == 1 ? "" : "s")"
        }
        let counts = [count(.error, "error"), count(.warning, "warning"), count(.info, "note")].compactMap { $0 }
        return "\(check.cluster): \(counts.isEmpty ? "no findings" : counts.joined(separator: ", "))"
    }

    private func tag(_ severity: Severity) -> String {
        switch severity {
        case .error: paint("[ERROR]", "31")
        case .warning: paint("[WARNING]", "33")
        case .info: "[NOTE]"
        }
    }

    private func paint(_ text: String, _ code: String) -> String { color ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
}
