import ControlAPI
import ControlClient
import ControlServer
import Synchronization
import Testing

@Suite struct StreamTests {
    /// Sends a greeting, and then the given lines.
    private final class Source: Sendable {
        let continuation: AsyncStream<[UInt8]>.Continuation
        private let stream: Mutex<AsyncStream<[UInt8]>?>
        private let ended = Mutex(false)

        init() {
            let (stream, continuation) = AsyncStream<[UInt8]>.makeStream(bufferingPolicy: .bufferingNewest(1000))
            self.continuation = continuation
            self.stream = Mutex(stream)
            continuation.onTermination = { [weak self] _ in self?.ended.withLock { $0 = true } }
            continuation.yield(Array("{\"seq\":0}\n".utf8))
        }

        /// The stream, for one response; it ends when its last reference is released.
        func respond() -> ControlResponse {
            let stream = stream.withLock { stream in
                defer { stream = nil }
                return stream
            }
            return stream.map(ControlResponse.lines) ?? .document(["taken"])
        }

        var hasEnded: Bool { ended.withLock { $0 } }
    }

    @Test func linesArriveAsSoonAsTheyAreWritten() async throws {
        let source = Source()
        try await withServer(handler: { _, _ in source.respond() }) { _, path in
            let text = try await blocking {
                let raw = try RawConnection(path)
                raw.write("GET /v1/status HTTP/1.1\r\n\r\n")
                var text = raw.read(until: "\"seq\":0")
                source.continuation.yield(Array("{\"seq\":1}\n".utf8))
                text += raw.read(until: "\"seq\":1")
                source.continuation.finish()
                return text + raw.read()
            }
            #expect(text.contains("Content-Type: application/x-ndjson"))
            #expect(text.contains("{\"seq\":1}\n"))
            #expect(text.hasSuffix("0\r\n\r\n"))
        }
    }

    @Test func theClientReadsAStreamToItsEnd() async throws {
        let source = Source()
        for number in 1..<500 { source.continuation.yield(Array("{\"seq\":\(number)}\n".utf8)) }
        source.continuation.finish()
        try await withServer(handler: { _, _ in source.respond() }) { _, path in
            let answer = try await blocking { try ControlClient(socketPath: path).send(.status) }
            let expected = (0..<500).map { "{\"seq\":\($0)}\n" }.joined()
            #expect(String(decoding: answer.body, as: UTF8.self) == expected)
        }
    }

    @Test func aStreamEndsWhenItsClientDisconnects() async throws {
        let source = Source()
        try await withServer(handler: { _, _ in source.respond() }) { _, path in
            try await blocking {
                let raw = try RawConnection(path)
                raw.write("GET /v1/status HTTP/1.1\r\n\r\n")
                _ = raw.read(until: "\"seq\":0")
            }
            #expect(try await eventually { source.hasEnded })
        }
    }

    @Test func aClientThatDoesNotReadIsDisconnected() async throws {
        let source = Source()
        var limits = ControlLimits()
        limits.write = .milliseconds(100)
        try await withServer(limits: limits, handler: { _, _ in source.respond() }) { _, path in
            let raw = try await blocking { try RawConnection(path) }
            raw.write("GET /v1/status HTTP/1.1\r\n\r\n")
            let line = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
            for _ in 0..<10 { source.continuation.yield(line) }
            #expect(try await eventually { source.hasEnded })
            _ = raw
        }
    }

    @Test func stoppingEndsAStreamProperly() async throws {
        let source = Source()
        try await withServer(handler: { _, _ in source.respond() }) { server, path in
            let raw = try await blocking {
                let raw = try RawConnection(path)
                raw.write("GET /v1/status HTTP/1.1\r\n\r\n")
                _ = raw.read(until: "\"seq\":0")
                return raw
            }
            async let rest = blocking { raw.read() }
            await server.stop()
            #expect(try await rest.hasSuffix("0\r\n\r\n"))
            #expect(source.hasEnded)
        }
    }
}
