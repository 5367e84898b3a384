import ClusterModel
import ControlAPI
import Testing

@Suite struct ControlRequestTests {
    private static let everyRequest: [ControlRequest] = [
        .status, .operations, .operation(id: "12"), .operation(id: "a/b ?%"), .stop(), .stop(follows: true), .detach(),
        .detach(follows: true), .reload, .reexec, .livez,
        .servingz,
        .readyz,
        .change(.restartNode("7002"), idempotencyKey: nil),
        .change(.restartNode("127.0.0.1:7002", noFailover: true), idempotencyKey: "a b"),
        .change(.restartNode("ünï/€", restoreRoles: true, force: true), idempotencyKey: "k"),
        .change(.startNode("7001"), idempotencyKey: "k"), .change(.stopNode("7001"), idempotencyKey: nil),
        .change(.stopNode("7001", noFailover: true, force: true), idempotencyKey: nil),
        .change(.failover("7003"), idempotencyKey: nil),
        .change(.failoverFrom("7000", force: true), idempotencyKey: nil),
        .change(.rollingRestart(), idempotencyKey: nil),
        .change(.rollingRestart(pending: true, restoreRoles: true, force: true), idempotencyKey: "k"),
        .change(.rollingRestart(canary: true), idempotencyKey: nil),
        .change(.pause(nil), idempotencyKey: nil), .change(.pause(.milliseconds(1500)), idempotencyKey: nil),
        .change(.pause(.seconds(7200)), idempotencyKey: "k"), .change(.resume, idempotencyKey: nil),
        .change(.cancel("12"), idempotencyKey: nil), .fixPlan, .quarantine, .removeQuarantine(id: "a/b ü"),
        .change(.backup("/srv/backup"), idempotencyKey: nil), .change(.backup("/srv/ü", keep: 7), idempotencyKey: "k"),
        .change(.fix(["set-aside /data/nodes/7005", "ü"]), idempotencyKey: "k"),
    ]

    private static let everyMove: [Command] = [
        .reshard(.init(from: "7000", to: "ünï/€", slots: .count(100))),
        .reshard(.init(from: "7000", to: "7001", slots: .exactly(SlotSet([0...99, 200...200])), dryRun: true)),
        .rebalance(.init()), .rebalance(.init(weights: ["7000": 2, "ü": 0.5])),
        .rebalance(.init(weights: ["7000": 2], threshold: 2.5, useEmptyMasters: true, dryRun: true)),
        .rebalance(.init(threshold: 0)),
    ]

    private func parse(_ method: String, _ target: String, _ body: String = "") throws -> ControlRequest {
        try ControlRequest(parsing: HTTPRequest(method, target, body: Array(body.utf8)))
    }

    private func rejection(_ method: String, _ target: String, _ body: String = "") throws -> ControlRejection {
        try #require(throws: ControlRejection.self) { try parse(method, target, body) }
    }

    @Test(arguments: everyRequest)
    func aControlRequestSurvivesARoundTrip(request: ControlRequest) throws {
        #expect(try ControlRequest(parsing: request.asHTTP) == request)
    }

    @Test(arguments: everyMove)
    func aRequestToMoveSlotsSurvivesARoundTrip(command: Command) throws {
        let request = ControlRequest.change(command, idempotencyKey: "k")
        #expect(try ControlRequest(parsing: request.asHTTP) == request)
    }

    @Test(arguments: [
        "", "{}", #"{"from":"7000"}"#, #"{"from":"7000","to":"7001"}"#, #"{"from":"7000","to":1,"count":1}"#,
        #"{"from":"7000","to":"7001","count":0}"#, #"{"from":"7000","to":"7001","count":16385}"#,
        #"{"from":"7000","to":"7001","count":"1"}"#, #"{"from":"7000","to":"7001","count":1,"slots":["1"]}"#,
        #"{"from":"7000","to":"7001","slots":[]}"#, #"{"from":"7000","to":"7001","slots":"0-9"}"#,
        #"{"from":"7000","to":"7001","slots":[1]}"#, #"{"from":"7000","to":"7001","slots":["9-0"]}"#,
        #"{"from":"7000","to":"7001","slots":["0-16384"]}"#, #"{"from":"7000","to":"7001","slots":[""]}"#,
        #"{"from":"7000","to":"7001","count":1,"dryRun":1}"#, #"{"from":"7000","to":"7001","count":1,"force":true}"#,
    ])
    func aReshardRequestMustNameItsSlots(body: String) throws {
        #expect(try rejection("POST", "/v1/reshard", body).status == 400)
    }

    @Test func aRebalanceRequestHasDefaults() throws {
        let plain = ControlRequest.change(.rebalance(.init()), idempotencyKey: nil)
        #expect(try parse("POST", "/v1/rebalance") == plain)
        #expect(try parse("POST", "/v1/rebalance", #"{"weights":null,"threshold":null,"dryRun":null}"#) == plain)
        for body in [
            #"{"weights":[]}"#, #"{"weights":{"7000":0}}"#, #"{"weights":{"7000":"2"}}"#, #"{"threshold":-1}"#,
            #"{"threshold":101}"#, #"{"useEmptyMasters":"yes"}"#, #"{"weight":{"7000":2}}"#,
        ] {
            #expect(try rejection("POST", "/v1/rebalance", body).status == 400)
        }
    }

    @Test func anEmptyBodySelectsTheDefaults() throws {
        let plain = ControlRequest.change(.restartNode("7000"), idempotencyKey: nil)
        #expect(try parse("POST", "/v1/nodes/7000/restart") == plain)
        #expect(try parse("POST", "/v1/nodes/7000/restart", "{}") == plain)
        #expect(try parse("POST", "/v1/nodes/7000/restart", #"{"force":null,"noFailover":false}"#) == plain)
    }

    @Test func aPauseLastsAnHourByDefault() throws {
        let hour = ControlRequest.change(.pause(.seconds(3600)), idempotencyKey: nil)
        #expect(try parse("POST", "/v1/pause") == hour)
        #expect(try parse("POST", "/v1/pause", #"{"for":null}"#) == hour)
        #expect(
            try parse("POST", "/v1/pause", #"{"for":"90s"}"#) == .change(.pause(.seconds(90)), idempotencyKey: nil))
        #expect(try parse("POST", "/v1/pause", #"{"for":"forever"}"#) == .change(.pause(nil), idempotencyKey: nil))
        for body in [#"{"for":"soon"}"#, #"{"for":"0s"}"#, #"{"for":7}"#, #"{"until":"1h"}"#] {
            #expect(try rejection("POST", "/v1/pause", body).status == 400)
        }
    }

    @Test func aBackupRequestMustNameItsFolder() throws {
        for body in [
            "", "{}", #"{"directory":""}"#, #"{"directory":7}"#, #"{"directory":"/b","keep":0}"#,
            #"{"directory":"/b","keep":"7"}"#, #"{"directory":"/b","all":true}"#,
        ] {
            #expect(try rejection("POST", "/v1/backup", body).status == 400)
        }
    }

    @Test func aFixRequestMustNameItsRepairs() throws {
        for body in ["", "{}", #"{"repairs":[]}"#, #"{"repairs":"all"}"#, #"{"repairs":[1]}"#, #"{"all":true}"#] {
            #expect(try rejection("POST", "/v1/fix", body).status == 400)
        }
    }

    @Test func headerNamesAreCaseInsensitive() throws {
        let request = HTTPRequest(
            "POST", "/v1/nodes/7000/restart", headers: [HTTPHeader("idempotency-KEY", "x")])
        let expected = ControlRequest.change(.restartNode("7000"), idempotencyKey: "x")
        #expect(try ControlRequest(parsing: request) == expected)
    }

    @Test func anUnknownQueryParameterIsIgnored() throws { #expect(try parse("GET", "/v1/status?pretty=1") == .status) }

    @Test(arguments: ["/", "", "/v1", "/v1/status/", "/V1/status", "/v1/nodes//restart", "/v1/nodes/a/b/restart", "*"])
    func theErrorForAnUnknownPathListsTheEndpoints(path: String) throws {
        let rejection = try rejection("GET", path)
        #expect(rejection.status == 404)
        #expect(rejection.error.exit == ExitCode.usage)
        #expect(rejection.error.hint?.contains("POST /v1/nodes/{node}/restart") == true)
    }

    @Test func theErrorForAWrongMethodNamesTheRightOne() throws {
        let rejection = try rejection("GET", "/v1/nodes/7000/restart")
        #expect(rejection.status == 405)
        #expect(rejection.allow == ["POST"])
        #expect(try self.rejection("POST", "/v1/status").allow == ["GET"])
        #expect(try self.rejection("get", "/v1/status").status == 405)
    }

    @Test(arguments: [
        "{", "[]", "null", "7", #"{"force":1}"#, #"{"force":"true"}"#, #"{"no_failover":true}"#, #"{"Force":true}"#,
        "\u{0}",
    ])
    func anInvalidBodyIsRefused(body: String) throws {
        #expect(try rejection("POST", "/v1/nodes/7000/restart", body).status == 400)
    }

    @Test func aDeeplyNestedBodyIsRefused() throws {
        for depth in [100, 500, 600, 30_000] {
            let open = String(repeating: "[", count: depth)
            let closed = open + String(repeating: "]", count: depth)
            #expect(try rejection("POST", "/v1/stop", open).status == 400)
            #expect(try rejection("POST", "/v1/stop", closed).status == 400)
            #expect(try rejection("POST", "/v1/stop", #"{"force":\#(closed)}"#).status == 400)
        }
    }

    @Test func anUnknownMemberIsNamedInTheError() throws {
        let rejection = try rejection("POST", "/v1/nodes/7000/restart", #"{"no_failover":true}"#)
        #expect(rejection.error.message.contains("'no_failover'"))
        #expect(rejection.error.message.contains("noFailover, restoreRoles, force"))
        #expect(try self.rejection("POST", "/v1/stop", #"{"force":true}"#).status == 400)
    }

    @Test(arguments: ["%", "%4", "%zz", "%00", "%ff", "a%c3%28", "%C0%80"])
    func anInvalidlyEncodedPathIsRefused(node: String) throws {
        #expect(try rejection("POST", "/v1/nodes/\(node)/restart").status == 400)
    }

    @Test(arguments: ["", String(repeating: "k", count: 256), "a\nb", "ä"])
    func anInvalidIdempotencyKeyIsRefused(key: String) {
        let request = HTTPRequest("POST", "/v1/nodes/7000/restart", headers: [HTTPHeader("Idempotency-Key", key)])
        #expect(throws: ControlRejection.self) { try ControlRequest(parsing: request) }
    }

    @Test func arbitraryBytesNeverCrashTheRequestParser() {
        var random = SystemRandomNumberGenerator()
        let pieces = [
            "/", "v1", "nodes", "restart", "%", "2F", "operations", "?", "é", "\u{0}", "7000", "{", "}", "\"",
        ]
        for _ in 0..<20_000 {
            let target = (0..<Int.random(in: 0..<9)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            let body = (0..<Int.random(in: 0..<20)).map { _ in UInt8.random(in: 0...255, using: &random) }
            let method = ["GET", "POST", ""].randomElement(using: &random) ?? ""
            _ = try? ControlRequest(parsing: HTTPRequest(method, target, body: body))
            _ = try? ControlRequest(parsing: HTTPRequest("POST", "/v1/stop", body: body))
        }
    }
}
