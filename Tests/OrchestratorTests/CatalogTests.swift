import Foundation
import Orchestrator
import Testing

/// deploy/systemd/clusterd.catalog explains every event, under the id that the journal has for it.
@Suite struct CatalogTests {
    @Test func everyEventHasItsEntry() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(
            contentsOf: root.appendingPathComponent("deploy/systemd/clusterd.catalog"), encoding: .utf8)
        let entries = text.components(separatedBy: "\n-- ").dropFirst()
        let found = entries.map { $0.split(separator: "\n").prefix(2).joined(separator: " ") }
        let expected = TimelineEvent.Code.allCases.map { "\($0.messageID) Subject: clusterd: \($0.rawValue)" }
        #expect(found.sorted() == expected.sorted())
        #expect(Set(TimelineEvent.Code.allCases.map(\.messageID)).count == expected.count)
    }
}
