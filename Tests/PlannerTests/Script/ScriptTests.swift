import Foundation
import Testing

/// `Scripts/*.txt`: the conditions and the decisions, turn by turn. REWRITE_SCRIPTS=1 writes the current decisions into
/// the files; review the difference before you commit it (docs/hacking/planner-scripts.md).
@Suite struct ScriptTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Scripts")
    static let names =
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
        .filter { $0.hasSuffix(".txt") }.sorted()

    @Test func scriptsExist() { #expect(Self.names.count >= 5) }

    @Test(arguments: names) func everyScriptMatchesTheDecisions(name: String) throws {
        let file = Self.folder.appendingPathComponent(name)
        let written = try String(contentsOf: file, encoding: .utf8)
        var script = Script(written)
        let found = try script.run()
        if ProcessInfo.processInfo.environment["REWRITE_SCRIPTS"] != nil {
            try found.write(to: file, atomically: true, encoding: .utf8)
        } else {
            #expect(
                found == written, "\(name): REWRITE_SCRIPTS=1 swift test --filter ScriptTests shows it with git diff")
        }
    }
}
