import Testing

/// What is written nowhere, and how long a file may be.
@Suite struct HouseRuleTests {
    static let sources = SourceTree.files(in: "Sources")
    static let tests = SourceTree.files(in: "Tests").filter { !$0.path.hasPrefix("Tests/LayoutTests/") }

    @Test func aFileIsOneSitting() {
        for file in Self.sources + Self.tests { #expect(file.lines.count <= 350, "\(file.path)") }
    }

    @Test(arguments: ["@unchecked Sendable", "nonisolated(unsafe)", "try!", "as!", "fatalError("])
    func itIsNotUsed(word: String) {
        for file in Self.sources {
            for (index, line) in file.code.enumerated() {
                #expect(!line.contains(word), "\(file.path):\(index + 1)")
            }
        }
    }

    /// A condition is waited for, with a limit; never a time.
    @Test func noTestSleeps() {
        for file in Self.tests where !file.path.hasPrefix("Tests/Simulation/") {
            for (index, line) in file.code.enumerated() where line.contains("leep(") {
                // The one place that looks again after a while is `eventually`, or a name of its kind.
                let isPoll = ["Waiting.swift", "Workbench.swift", "Fixture.swift", "RedisServer.swift"]
                    .contains { file.path.hasSuffix($0) }
                #expect(isPoll, "\(file.path):\(index + 1): \(line)")
            }
        }
    }

    @Test func noRoomHasANameThatSaysNothing() {
        for file in Self.sources {
            for word in ["Utils", "Manager", "Helper", "Common"] { #expect(!file.path.contains(word)) }
        }
    }

    /// Reasons are values. What the engine, a log or a file says is read in the places that are named here, and nowhere else.
    @Test func noCodeReadsWhatIsSaid() {
        let readers = [
            "EngineLog.swift", "TellingLines.swift", "SaveTrouble.swift", "AppendOnlyRepair.swift",
            "EngineErrorReply.swift", "EngineProgram.swift", "KeySample.swift", "RedisConfFile.swift",
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
