import Foundation
import Testing

@testable import ControlAPI

/// docs/openapi.yaml lists every endpoint with its method, and no other; scripts/check-openapi compares the rest of it
/// with a running daemon.
@Suite struct OpenAPITests {
    @Test func theDescriptionHasEveryEndpoint() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("docs/openapi.yaml"), encoding: .utf8)
        var described: [String] = []
        var path = ""
        for line in text.split(separator: "\n") {
            if let match = line.firstMatch(of: #/^  (/[^:]*):$/#) { path = String(match.1) }
            if let match = line.firstMatch(of: #/^    (get|post|put|delete):$/#), !path.isEmpty {
                described.append("\(match.1.uppercased()) \(path)")
            }
        }
        #expect(described.sorted() == ControlEndpoint.allCases.map { "\($0.method) \($0.pattern)" }.sorted())
    }
}
