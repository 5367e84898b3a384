import Testing

/// Constructs that are not used, and the maximum length of a file.
@Suite struct HouseRuleTests {
    static let sources = SourceTree.files(in: "Sources")
    static let tests = SourceTree.files(in: "Tests").filter { !$0.path.hasPrefix("Tests/LayoutTests/") }

    @Test func aFileHasAtMost350Lines() {
        for file in Self.sources + Self.tests { #expect(file.lines.count <= 350, "\(file.path)") }
    }

    @Test(arguments: ["@unchecked Sendable", "nonisolated(unsafe)", "try!", "as!", "fatalError("])
    func aForbiddenConstructIsNotUsed(word: String) {
        for file in Self.sources {
            for (index, line) in file.code.enumerated() {
                #expect(!line.contains(word), "\(file.path):\(index + 1)")
            }
        }
    }

    /// A test waits for a condition, with a limit; never for a fixed time.
    @Test func noTestSleeps() {
        for file in Self.tests where !file.path.hasPrefix("Tests/Simulation/") {
            for (index, line) in file.code.enumerated() where line.contains("leep(") {
                // Only `eventually`, or a similarly named function, polls.
                let isPoll = ["Waiting.swift", "Workbench.swift", "Fixture.swift", "RedisServer.swift"]
                    .contains { file.path.hasSuffix($0) }
                #expect(isPoll, "\(file.path):\(index + 1): \(line)")
            }
        }
    }

    @Test func noFileOrFolderHasAMeaninglessName() {
        for file in Self.sources {
            for word in ["Utils", "Manager", "Helper", "Common"] { #expect(!file.path.contains(word)) }
        }
    }

    /// Reasons are values. Text of the engine, a log or a file is parsed only in the places listed here.
    @Test func noCodeParsesMessages() {
        let readers = [
            "EngineLog.swift", "TellingLines.swift", "SaveTrouble.swift", "AppendOnlyRepair.swift",
            "EngineErrorReply.swift", "EngineProgram.swift", "KeySample.swift", "RedisConfFile.swift", "SlotJob.swift",
            "ExitReason+Words.swift",
        ]
        let said = "(words|sentence|message|cause|step|title|why|trouble|failure)"
        let parses = try? Regex("\\b\(said)\\)?[?!]?\\.(hasPrefix|hasSuffix|contains|split|firstRange|dropFirst)\\(")
        let compares = try? Regex("\\.(words|sentence|message|cause)\\)? (==|!=) ")
        guard let parses, let compares else { return #expect(Bool(false), "the rule is no pattern") }
        for file in Self.sources where ["Planner", "Orchestrator", "HostDriver", "ClusterModel"].contains(file.target) {
            guard !readers.contains(where: { file.path.hasSuffix("/\($0)") }) else { continue }
            for (index, line) in file.code.enumerated() {
                #expect(line.firstMatch(of: parses) == nil, "\(file.path):\(index + 1): \(line)")
                #expect(line.firstMatch(of: compares) == nil, "\(file.path):\(index + 1): \(line)")
            }
        }
    }
}
