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
}
