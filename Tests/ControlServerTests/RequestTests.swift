import ControlAPI
import ControlClient
import ControlServer
import Glibc
import Testing

@Suite struct RequestTests {
    private func send(_ request: ControlRequest, to path: String) async throws -> ControlClient.Answer {
        try await blocking { try ControlClient(socketPath: path).send(request) }
    }

    @Test func aRequestReachesTheHandlerAndTheReplyReachesTheClient() async throws {
        try await withServer { _, path in
            let request = ControlRequest.change(
                .restartNode("127.0.0.1:7002", force: true), idempotencyKey: "k1")
            let answer = try await send(request, to: path)
            #expect(answer.status == 200)
            #expect(try answer.decode([String].self) == ["\(request)"])
        }
    }

    @Test func theHandlerKnowsTheUserOfTheClient() async throws {
        let handler: ControlServer.Handler = { _, peer in
            .document(peer.map { [Int($0.pid), Int($0.uid), Int($0.gid)] } ?? [])
        }
        try await withServer(handler: handler) { _, path in
            let identity = try await send(.status, to: path).decode([Int].self)
            #expect(identity == [Int(getpid()), Int(geteuid()), Int(getegid())])
        }
    }

    @Test func aFailedProbeHasAStatusAndItsReasons() async throws {
        let handler: ControlServer.Handler = { _, _ in .probe(ProbeDocument(reasons: ["7003 is not in sync"])) }
        try await withServer(handler: handler) { _, path in
            let answer = try await send(.readyz, to: path)
            #expect(answer.status == 503)
            #expect(try answer.decode(ProbeDocument.self).reasons == ["7003 is not in sync"])
        }
    }

    @Test func aRefusalInPlaceOfADocumentIsThrown() async throws {
        let refusal = ControlError("last-replica", "7003 is the only replica", hint: "--force", exit: ExitCode.refused)
        let handler: ControlServer.Handler = { _, _ in .error(refusal, status: 409) }
        try await withServer(handler: handler) { _, path in
            let answer = try await send(.status, to: path)
            #expect(answer.status == 409)
            #expect(throws: refusal) { try answer.decode(StatusDocument.self) }
        }
    }

    @Test(arguments: [
        ("GET", "/v1/nothing", "", 404), ("GET", "/v1/stop", "", 405), ("POST", "/v1/stop", "{", 400),
        ("HEAD", "/v1/status", "", 405), ("BREW", "/v1/status", "", 400),
    ])
    func anInvalidRequestIsRefusedWithAReason(method: String, target: String, body: String, status: Int) async throws {
        try await withServer { _, path in
            let answer = try await blocking {
                try ControlClient(socketPath: path).request(method, target, body: Array(body.utf8))
            }
            #expect(answer.status == status)
            guard method != "HEAD" else { return }
            #expect(try ControlJSON.decode(ErrorDocument.self, from: answer.body).error.exit == ExitCode.usage)
        }
    }

    @Test func theReplyToAWrongMethodNamesTheRightOnes() async throws {
        try await withServer { _, path in
            let text = try await blocking {
                let raw = try RawConnection(path)
                raw.write("GET /v1/detach HTTP/1.1\r\nConnection: close\r\n\r\n")
                return raw.read()
            }
            #expect(text.hasPrefix("HTTP/1.1 405 "))
            #expect(text.contains("\r\nAllow: POST\r\n"))
        }
    }

    @Test func aConnectionServesConsecutiveRequests() async throws {
        try await withServer { _, path in
            let text = try await blocking {
                let raw = try RawConnection(path)
                raw.write("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
                let first = raw.read(until: "[\"livez\"]")
                raw.write("GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                return first + raw.read()
            }
            #expect(text.contains("[\"livez\"]"))
            #expect(text.contains("[\"readyz\"]"))
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        try await withServer { _, path in
            let text = try await blocking {
                let raw = try RawConnection(path)
                let names = ["livez", "readyz", "servingz", "v1/nothing", "v1/status"]
                raw.write(names.map { "GET /\($0) HTTP/1.1\r\n\r\n" }.joined())
                raw.endWriting()
                return raw.read()
            }
            let lines = text.utf8.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
            let bodies = lines.filter { $0.hasPrefix("[") || $0.hasPrefix("{") }
            #expect(bodies.prefix(3) == ["[\"livez\"]", "[\"readyz\"]", "[\"servingz\"]"])
            #expect(bodies.count == 5)
            #expect(bodies.last == "[\"status\"]")
        }
    }

    @Test func aClientThatClosedItsWritingSideGetsItsReply() async throws {
        try await withServer { _, path in
            let text = try await blocking {
                let raw = try RawConnection(path)
                raw.write("POST /v1/reload HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
                raw.endWriting()
                return raw.read()
            }
            #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(text.hasSuffix("[\"reload\"]\n"))
        }
    }

    @Test func aRequestMayArriveByteByByte() async throws {
        try await withServer { _, path in
            let text = try await blocking {
                let raw = try RawConnection(path)
                let request =
                    "POST /v1/stop HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
                for byte in request.utf8 { raw.write([byte]) }
                return raw.read(until: "[\"stop(follows: false)\"]")
            }
            #expect(text.contains("[\"stop(follows: false)\"]"))
        }
    }

    @Test func manyConcurrentRequestsAreAllAnswered() async throws {
        try await withServer { _, path in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<100 { group.addTask { try await send(.status, to: path).status } }
                for try await status in group { #expect(status == 200) }
            }
        }
    }
}
