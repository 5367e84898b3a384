import ClusterModel
import ControlAPI
import Testing

@Suite struct CallTests {
    private func words(_ words: String...) -> [[UInt8]] { words.map { Array($0.utf8) } }

    @Test func aCallSurvivesARoundTrip() throws {
        let calls = [
            CallRequest(words("PING")), CallRequest(words("SET", "k", ""), on: .masters, timeout: .milliseconds(1)),
            CallRequest([[115, 101, 116], [0, 255, 10], [195]], on: .replicas, timeout: .seconds(3600)),
            CallRequest(words("GET", "é\u{1F600}\"\\"), on: .nodes(["7000", "127.0.0.1:7001", "e5f1"])),
        ]
        for call in calls {
            #expect(try ControlRequest(parsing: ControlRequest.call(call).asHTTP) == .call(call))
        }
    }

    @Test(arguments: [
        ("", "the body is not a JSON object"), ("[]", "the body is not a JSON object"),
        ("{}", "'command' is not an array"),
        (#"{"command":[]}"#, "no words"), (#"{"command":[1]}"#, "neither a string nor"),
        (#"{"command":[{"base64":"%"}]}"#, "neither a string nor"), (#"{"command":["PING"],"x":1}"#, "'x' in the body"),
        (#"{"command":["PING"],"role":"primary"}"#, "master or replica"),
        (#"{"command":["PING"],"role":"master","nodes":["7000"]}"#, "either"),
        (#"{"command":["PING"],"timeout":"soon"}"#, "not a duration"),
        (#"{"command":["PING"],"timeout":"0s"}"#, "between"),
        (#"{"command":["monitor"]}"#, "does not end"), (#"{"command":["Subscribe","x"]}"#, "clusterd shell"),
    ])
    func anInvalidCallIsRefusedWithAReason(body: String, words: String) {
        let error = #expect(throws: ControlRejection.self) {
            try ControlRequest(parsing: HTTPRequest("POST", "/v1/call", body: Array(body.utf8)))
        }
        #expect(error?.status == 400 && error?.error.message.contains(words) == true, "\(error?.error.message ?? "")")
    }

    private func text(_ type: CallAnswer.Kind?, _ reply: JSONValue = .null, error: String? = nil) -> [String] {
        ReplyText.lines(
            CallAnswer(
                node: "7000", host: "127.0.0.1", port: 7000, role: .master, type: type, reply: reply, error: error,
                milliseconds: 0))
    }

    /// As printed by redis-cli 7.0 on a terminal.
    @Test func repliesArePrintedAsByRedisCLI() {
        #expect(text(.status, .string("PONG")) == ["PONG"])
        #expect(text(.bulk, .string("a \"b\"\\\t\u{7}é")) == [#""a \"b\"\\\t\a\xc3\xa9""#])
        #expect(text(.bulk, .bytes([0, 255])) == [#""\x00\xff""#])
        #expect(text(.integer, .integer(-3)) == ["(integer) -3"])
        #expect(text(.null) == ["(nil)"])
        #expect(text(.error, error: "ERR unknown command 'X'\u{1B}[2J") == ["(error) ERR unknown command 'X'[2J"])
        #expect(text(nil, error: "the node is not running") == ["(no answer) the node is not running"])
        #expect(text(.array, .array([])) == ["(empty array)"])
        #expect(
            text(
                .array,
                .array([
                    .string("a"), .array([.integer(1), .null]), .object(["status": .string("OK")]),
                    .object(["error": .string("ERR no")]),
                ]))
                == [#"1) "a""#, "2) 1) (integer) 1", "   2) (nil)", "3) OK", "4) (error) ERR no"])
        #expect(
            text(.array, .array((1...10).map { .integer($0) })).suffix(2) == [" 9) (integer) 9", "10) (integer) 10"])
    }

    @Test func aReplyWithManyLinesIsPrintedAsLines() {
        #expect(text(.bulk, .string("# Server\r\nredis_version:7.0.15\r\n")) == ["# Server", "redis_version:7.0.15"])
        #expect(text(.bulk, .string("one\n")) == [#""one\n""#])
        #expect(text(.bulk, .string("a\n\u{1B}[2J")) == [#""a\n\x1b[2J""#])
    }
}
