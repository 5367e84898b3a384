import ClusterModel
import ControlAPI
import Testing

@testable import clusterd

/// The display of an event.
@Suite struct EventTextTests {
    private func text(_ event: EventDocument, color: Bool = false) -> String {
        EventText(event, zone: { CivilTime($0) }, color: color).text
    }

    private func event(
        _ code: String, _ severity: Severity, _ message: String, data: [String: JSONValue] = [:]
    ) -> EventDocument {
        EventDocument(
            at: Timestamp(WallTime(milliseconds: 1_767_268_800_007)), seq: 1, code: code, severity: severity,
            message: message, data: .object(data))
    }

    @Test func timeSeverityAndMessageAreAligned() {
        #expect(text(event("ready", .info, "ready")) == "2026-01-01 12:00:00.007           ready")
        #expect(text(event("link-lost", .warning, "7003")) == "2026-01-01 12:00:00.007  warning  7003")
        #expect(text(event("serving-lost", .error, "7000")) == "2026-01-01 12:00:00.007  error    7000")
    }

    @Test func problemsAreColouredOnATerminal() {
        #expect(text(event("ready", .info, "ready"), color: true) == "2026-01-01 12:00:00.007           ready")
        #expect(
            text(event("serving-lost", .error, "7000"), color: true)
                == "2026-01-01 12:00:00.007  \u{1B}[31merror  \u{1B}[0m  7000")
    }

    @Test func anUnexpectedExitShowsTheLastLogLines() {
        let log = JSONValue.array((1...7).map { .string("line \($0)") })
        let margin = String(repeating: " ", count: 34)
        #expect(
            text(event("node-exited", .error, "7000 was killed", data: ["asked": .bool(false), "log": log]))
                == "2026-01-01 12:00:00.007  error    7000 was killed\n"
                + (3...7).map { "\(margin)| line \($0)" }.joined(separator: "\n"))
        #expect(
            text(event("node-exited", .info, "7000 ended", data: ["asked": .bool(true), "log": log]))
                == "2026-01-01 12:00:00.007           7000 ended")
    }
}
