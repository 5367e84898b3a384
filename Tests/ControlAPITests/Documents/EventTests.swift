import ClusterModel
import Testing

@testable import ControlAPI

@Suite struct EventTests {
    private func event(_ message: String = "slots 0-5460 are not served") -> EventDocument {
        EventDocument(
            at: Timestamp(WallTime(milliseconds: 1_767_268_800_123)), seq: 41, code: "serving-lost", severity: .error,
            host: "127.0.0.1", cluster: "demo", node: "7000", shard: "7000", message: message,
            data: .object(["since": .null]))
    }

    @Test func anEventLineIsReadWithoutDecodingIt() throws {
        let line = try EventLine(event())
        let text = String(decoding: line.bytes, as: UTF8.self)
        #expect(
            text == #"{"at":"2026-01-01T12:00:00.123Z","seq":41,"code":"serving-lost","severity":"error","#
                + #""host":"127.0.0.1","cluster":"demo","node":"7000","shard":"7000","#
                + #""message":"slots 0-5460 are not served","data":{"since":null}}"#)
        #expect(EventLine(line.bytes) == line)
    }

    @Test func anEventLineWithAnotherMemberOrderIsRead() throws {
        let text = #"{"seq":41,"at":"2026-01-01T12:00:00.123Z","code":"ready","severity":"info","message":"ready"}"#
        let line = try #require(EventLine(Array(text.utf8)))
        #expect(line.seq == 41 && line.at.milliseconds == 1_767_268_800_123)
    }

    @Test func aTruncatedLineIsNotAnEvent() throws {
        let bytes = try EventLine(event()).bytes
        for length in 0..<bytes.count { #expect(EventLine(bytes[..<length]) == nil, "\(length)") }
        for text in ["", "{}", "null", "\u{0}\u{0}\u{0}", "{\"at\":\"yesterday\"}"] {
            #expect(EventLine(Array(text.utf8)) == nil)
        }
    }

    @Test func eventLinesFormADocument() throws {
        let lines = [try EventLine(event("a")), try EventLine(event("b \"quoted\""))]
        let document = try ControlJSON.decode(EventsDocument.self, from: EventsDocument.bytes(lines))
        #expect(document.events.map(\.message) == ["a", "b \"quoted\""])
        #expect(String(decoding: EventsDocument.bytes([]), as: UTF8.self) == "{\"events\":[]}")
    }

    @Test(arguments: [
        (EventQuery(), false), (EventQuery(count: 10), true), (EventQuery(since: .ago(.seconds(600)), after: 7), true),
        (EventQuery(count: 0, since: .time(WallTime(milliseconds: 1_767_268_800_123))), false),
    ])
    func anEventQuerySurvivesARoundTrip(query: EventQuery, follows: Bool) throws {
        let request = ControlRequest.events(query, follows: follows)
        #expect(try ControlRequest(parsing: request.asHTTP) == request)
    }

    @Test(arguments: [
        "n=many", "n=-1", "since=yesterday", "since=10", "after=x", "follow=maybe", "lines=3", "n", "since=%zz",
    ])
    func anInvalidEventQueryIsRefused(query: String) {
        let rejection = #expect(throws: ControlRejection.self) {
            try ControlRequest(parsing: HTTPRequest("GET", "/v1/events?\(query)"))
        }
        #expect(rejection?.status == 400)
    }

    @Test(arguments: [
        ("10m", 600_000), ("200ms", 200), ("30s", 30_000), ("2h", 7_200_000), ("7d", 604_800_000), ("0s", 0),
    ])
    func aDurationIsParsed(text: String, milliseconds: Int64) {
        #expect(DurationText.parse(text)?.inMilliseconds == milliseconds)
        #expect(EventQuery.Since(text)?.time(at: WallTime(milliseconds: 0)).milliseconds == -milliseconds)
    }

    @Test(arguments: ["", "10", "m", "-5s", "1.5s", "+3s", "ten s", "10 m", "99999999999h", "444721608m", "3651d"])
    func anInvalidDurationIsRefused(text: String) { #expect(DurationText.parse(text) == nil) }
}
