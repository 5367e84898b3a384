import ControlAPI
import ControlClient
import ControlServer
import Testing

@Suite struct LimitTests {
    private func answer(to text: String, at path: String) async throws -> String {
        try await blocking {
            let raw = try RawConnection(path)
            raw.write(text)
            return raw.read()
        }
    }

    private func expect(_ start: String, inAnswerTo text: String, at path: String) async throws {
        let answer = try await answer(to: text, at: path)
        #expect(answer.hasPrefix(start))
    }

    private func expectNothing(inAnswerTo text: String, at path: String) async throws {
        let answer = try await answer(to: text, at: path)
        #expect(answer == "")
    }

    @Test func aBodyThatIsTooLargeIsRefused() async throws {
        try await withServer { _, path in
            let announced = "POST /v1/stop HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n"
            try await expect("HTTP/1.1 413 ", inAnswerTo: announced, at: path)
            let chunk = "80000\r\n\(String(repeating: " ", count: 0x80000))\r\n"
            let chunked = "POST /v1/stop HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\(chunk)\(chunk)\(chunk)"
            try await expect("HTTP/1.1 413 ", inAnswerTo: chunked, at: path)
            let body = [UInt8](repeating: UInt8(ascii: " "), count: 2 << 20)
            let refused = try await blocking {
                try ControlClient(socketPath: path).request("POST", "/v1/stop", body: body)
            }
            #expect(refused.status == 413)
        }
    }

    @Test func aBodyOfTheMaximumSizeIsAccepted() async throws {
        try await withServer { _, path in
            let body = Array("{\(String(repeating: " ", count: (1 << 20) - 2))}".utf8)
            let answer = try await blocking {
                try ControlClient(socketPath: path).request("POST", "/v1/stop", body: body)
            }
            #expect(answer.status == 200)
        }
    }

    @Test func aHeaderThatIsTooLargeIsRefused() async throws {
        try await withServer { _, path in
            let long = String(repeating: "x", count: 20 << 10)
            let value = "GET /livez HTTP/1.1\r\nA: \(long)\r\n\r\n"
            try await expect("HTTP/1.1 431 ", inAnswerTo: value, at: path)
            let target = "GET /\(long) HTTP/1.1\r\n\r\n"
            try await expect("HTTP/1.1 431 ", inAnswerTo: target, at: path)
            let many = (0..<500).map { "A\($0): x\r\n" }.joined()
            try await expect("HTTP/1.1 431 ", inAnswerTo: "GET /livez HTTP/1.1\r\n\(many)\r\n", at: path)
        }
    }

    @Test func anIncompleteRequestIsRefusedAfterATimeout() async throws {
        var limits = ControlLimits()
        limits.request = .milliseconds(50)
        try await withServer(limits: limits) { _, path in
            let halfABody = "POST /v1/stop HTTP/1.1\r\nContent-Length: 10\r\n\r\n{"
            try await expect("HTTP/1.1 408 ", inAnswerTo: halfABody, at: path)
            try await expectNothing(inAnswerTo: "GET /li", at: path)
            try await expectNothing(inAnswerTo: "", at: path)
            // After a reply the timeout starts again, and a connection that is silent too long is then closed without a
            // reply.
            let idle = try await answer(to: "GET /livez HTTP/1.1\r\n\r\n", at: path)
            #expect(idle.hasPrefix("HTTP/1.1 200 "))
            #expect(idle.hasSuffix("[\"livez\"]\n"))
        }
    }

    @Test func aHandlerMayTakeLongerThanARequestMay() async throws {
        var limits = ControlLimits()
        limits.request = .milliseconds(50)
        let handler: ControlServer.Handler = { _, _ in
            await work(for: .milliseconds(200))
            return .document(["late"])
        }
        try await withServer(limits: limits, handler: handler) { _, path in
            let answer = try await blocking { try ControlClient(socketPath: path).send(.status) }
            #expect(try answer.decode([String].self) == ["late"])
        }
    }

    @Test func aConnectionBeyondTheLimitIsRefusedWithAReason() async throws {
        var limits = ControlLimits()
        limits.connections = 3
        try await withServer(limits: limits) { _, path in
            let held = try await blocking {
                try (0..<3).map { _ in
                    let raw = try RawConnection(path)
                    raw.write("GET /livez HTTP/1.1\r\n\r\n")
                    _ = raw.read(until: "[\"livez\"]")
                    return raw
                }
            }
            #expect(held.count == 3)
            let refused = try await blocking { try ControlClient(socketPath: path).send(.status) }
            #expect(refused.status == 503)
            #expect(throws: ControlError.self) { try refused.decode(StatusDocument.self) }
        }
    }

    @Test func aClosedConnectionMakesRoomForAnother() async throws {
        var limits = ControlLimits()
        limits.connections = 1
        try await withServer(limits: limits) { _, path in
            for _ in 0..<20 {
                // The server may notice the end of the previous connection a moment after the client.
                let served = try await eventually {
                    let answer = try? await blocking { try ControlClient(socketPath: path).send(.status) }
                    return answer?.status == 200
                }
                #expect(served)
            }
        }
    }

    @Test(arguments: [
        "\r\n\r\n\r\nhello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}",
        "GET /livez HTTP/1.1\r\nA B\r\n\r\n",
        "PING\r\n", "*1\r\n$4\r\nPING\r\n", "POST /v1/stop HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST /v1/stop HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /v1/stop HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ])
    func invalidHTTPIsRefusedAndTheConnectionClosed(text: String) async throws {
        try await withServer { _, path in
            let answer = try await answer(to: text, at: path)
            #expect(answer.hasPrefix("HTTP/1.1 400 "))
            #expect(answer.contains("\"exit\":64"))
        }
    }

    @Test func arbitraryBytesNeverCrashTheServer() async throws {
        try await withServer { _, path in
            var random = SystemRandomNumberGenerator()
            let pieces = [
                "GET ", "POST ", "/livez", "/v1/stop", " HTTP/1.1", " HTTP/1.0", "\r\n", "\r\n\r\n", "\n", ":", " ",
                "Content-Length: 2", "Content-Length: 4", "Transfer-Encoding: chunked", "Connection: close",
                "Connection: keep-alive", "Upgrade: h2c", "Expect: 100-continue", "{}", "2\r\n{}\r\n0\r\n\r\n",
                "0\r\n\r\n",
                "GET /livez HTTP/1.1\r\n\r\n", "POST /v1/stop HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", "\u{0}", "é",
            ]
            for _ in 0..<400 {
                var bytes = (0..<Int.random(in: 1..<14)).flatMap { _ in
                    Array((pieces.randomElement(using: &random) ?? "").utf8)
                }
                if Bool.random(using: &random), !bytes.isEmpty {
                    bytes[Int.random(in: 0..<bytes.count)] = UInt8.random(in: 0...255, using: &random)
                }
                let ends = Bool.random(using: &random)
                let text = bytes
                try await blocking {
                    let raw = try RawConnection(path)
                    raw.write(text)
                    if ends {
                        raw.endWriting()
                        _ = raw.read()
                    }
                }
            }
            let answer = try await blocking { try ControlClient(socketPath: path).send(.livez) }
            #expect(answer.status == 200)
        }
    }
}
