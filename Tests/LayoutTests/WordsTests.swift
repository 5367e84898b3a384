import Foundation
import Orchestrator
import Planner
import Testing

/// The program's output, compared with its commands and the documents.
@Suite struct WordsTests {
    @Test func everyCodeHasAnEntryInTheDocuments() {
        let entries = Set(
            SourceTree.text("docs/findings.md").matches(of: #/(?m)^## ([a-z-]+)$/#).map { String($0.1) })
        #expect(entries == Set(ReasonCode.allCases.map(\.rawValue)))
    }

    @Test func everyCodeIsUsed() {
        let code = SourceTree.files(in: "Sources").filter { !$0.path.hasSuffix("/ReasonCode.swift") }
            .map { $0.code.joined(separator: "\n") }.joined()
        let used = Set(code.matches(of: #/\.([a-z][A-Za-z]*)/#).map { String($0.1) })
        #expect(ReasonCode.allCases.filter { !used.contains("\($0)".camelCase) } == [])
    }

    @Test func everyEventHasAnEntryInTheDocuments() {
        let entries = Set(SourceTree.text("docs/events.md").matches(of: #/(?m)^## ([a-z-]+)$/#).map { String($0.1) })
        #expect(entries == Set(TimelineEvent.Code.allCases.map(\.rawValue)))
    }

    /// The existing commands, by the list in the program itself.
    static let commands: Set<String> = {
        var names = Set<String>()
        for file in SourceTree.files(in: "Sources/clusterd") {
            for match in file.text.matches(of: #/commandName: "([a-z-]+)"/#) { names.insert(String(match.1)) }
        }
        return names
    }()

    /// Commands that are mentioned but do not exist yet: no output may refer users to them.
    static let later = Set<String>([
        "apply", "backup", "call", "cancel", "check", "destroy", "doctor", "events", "exec", "failover", "fix", "list",
        "logs", "operations", "pause", "plan", "quarantine", "rebalance", "reexec", "reshard", "restore", "resume",
        "rolling-restart", "shell", "start-node", "stop-node", "start",
    ]).subtracting(commands)

    @Test func everyHintNamesAnExistingCommand() {
        #expect(Self.commands.isSuperset(of: ["up", "run", "status", "restart-node"]))
        let documents = ["README.md", "CHANGELOG.md"].map { SourceFile(path: $0, text: SourceTree.text($0)) }
        for file in SourceTree.files(in: "Sources") + SourceTree.files(in: "docs", suffix: ".md") + documents {
            for (index, line) in file.lines.enumerated() {
                for match in line.matches(of: #/clusterd ([a-z]+(-[a-z]+)*)/#) {
                    #expect(!Self.later.contains(String(match.1)), "\(file.path):\(index + 1): \(match.0)")
                }
            }
        }
    }

    /// The sample configuration, the unit and the documents contain no path of a developer's machine.
    @Test func noFileNamesAPathOfADevelopersMachine() {
        let folders = ["Sources", "Tests", "docs", "conf.d", "deploy", "scripts"]
        for file in folders.flatMap({ SourceTree.files(in: $0, suffix: "") })
        where !file.path.hasPrefix("Tests/LayoutTests/") {
            for word in ["/home/", "/work/", "/root/"] { #expect(!file.text.contains(word), "\(file.path): \(word)") }
        }
    }
}

extension String {
    /// `crash-loop` as a name in Swift.
    fileprivate var camelCase: String {
        let words = split(separator: "-")
        return words.prefix(1).joined() + words.dropFirst().map(\.capitalized).joined()
    }
}
