import ControlAPI
import Glibc

/// Sends one request to a daemon over its control socket. It uses plain POSIX calls, so that a whole command takes only a few
/// milliseconds; an event loop alone would take that long.
package struct ControlClient: Hashable, Sendable {
    package let socketPath: String

    /// The users whose daemon is accepted; nil: any user, because the caller named the socket.
    private let owners: Set<UInt32>?

    package init(socketPath: String, owners: Set<UInt32>? = nil) {
        self.socketPath = socketPath
        self.owners = owners
    }

    package struct Answer: Hashable, Sendable {
        /// The HTTP status.
        package var status: Int
        package var body: [UInt8]

        package init(status: Int, body: [UInt8]) {
            self.status = status
            self.body = body
        }

        /// Decodes the document, whatever the status; `/readyz` has one with 503 too. Throws the daemon's error if it refused.
        package func decode<Document: Decodable>(_ type: Document.Type) throws(ControlError) -> Document {
            if let document = try? ControlJSON.decode(type, from: body) { return document }
            if let refusal = try? ControlJSON.decode(ErrorDocument.self, from: body) { throw refusal.error }
            throw ControlError(
                "not-understood", "clusterd answered \(status) with a document that this clusterd does not understand",
                hint: "check whether the daemon has another version: clusterd --version")
        }
    }

    /// `timeout` covers everything from connecting to the last byte.
    package func send(_ request: ControlRequest, timeout: Duration = .seconds(10)) throws(ControlError) -> Answer {
        let request = request.asHTTP
        return try self.request(
            request.method, request.target, body: request.body, headers: request.headers, timeout: timeout)
    }

    package func request(
        _ method: String, _ target: String, body: [UInt8] = [], headers: [HTTPHeader] = [],
        timeout: Duration = .seconds(10)
    ) throws(ControlError) -> Answer {
        let deadline = ContinuousClock.now + timeout
        if let answer = try answer(method, target, body, headers, timeout) { return answer }
        // The daemon was upgraded before it answered: send the request again to the new one. A request that changes something is
        // repeated only if it cannot be carried out twice.
        if method == "GET" || headers.contains(where: { $0.name == "Idempotency-Key" }),
            let answer = try answer(method, target, body, headers, max(deadline - .now, .zero))
        {
            return answer
        }
        throw ControlError(
            "no-daemon", "clusterd at \(socketPath) closed the connection before it answered")
    }

    /// nil if the connection ended before the first byte of the answer.
    private func answer(
        _ method: String, _ target: String, _ body: [UInt8], _ headers: [HTTPHeader], _ timeout: Duration
    ) throws(ControlError) -> Answer? {
        let connection = try open(method, target, body: body, headers: headers, timeout: timeout)
        defer { connection.close() }
        var parser = ResponseParser(isAnswerToHead: method == "HEAD")
        var isAnswering = false
        while !parser.isComplete {
            let bytes: [UInt8]
            do throws(ControlError) {
                bytes = try connection.receive()
            } catch {
                guard isAnswering || error.code != "no-daemon" else { return nil }
                throw error
            }
            guard isAnswering || !bytes.isEmpty else { return nil }
            isAnswering = true
            do throws(ResponseParser.Malformed) {
                if bytes.isEmpty { try parser.end() } else { try parser.read(bytes) }
            } catch {
                throw notUnderstood(error)
            }
        }
        return Answer(status: parser.status, body: parser.body)
    }

    /// Follows a stream, and passes on each line as it arrives. Returns when the daemon ends the stream, or exits, and at once if
    /// the daemon answers with one document instead.
    ///
    /// - Parameter end: how long to wait for lines; nil: without a limit.
    package func follow(
        _ request: ControlRequest, timeout: Duration = .seconds(10), until end: ContinuousClock.Instant? = nil,
        each: (ArraySlice<UInt8>) -> Void
    ) throws(ControlError) {
        let request = request.asHTTP
        var connection = try open(
            request.method, request.target, body: request.body, headers: request.headers, timeout: timeout)
        defer { connection.close() }
        var parser = ResponseParser()
        var text: [UInt8] = []
        while !parser.isComplete {
            let bytes: [UInt8]
            do throws(ControlError) {
                bytes = try connection.receive()
            } catch {
                // The connection breaks if the daemon is killed.
                if parser.status == 200, error.code == "no-daemon" { return }
                throw error
            }
            if bytes.isEmpty, parser.status == 200 { return }
            do throws(ResponseParser.Malformed) {
                if bytes.isEmpty { try parser.end() } else { try parser.read(bytes) }
            } catch {
                throw notUnderstood(error)
            }
            guard parser.status == 200 else { continue }
            connection.deadline = end
            text += parser.takeBody()
            var lines = text.split(separator: 10, omittingEmptySubsequences: false)
            text = Array(lines.popLast() ?? [])
            for line in lines where !line.isEmpty { each(line) }
        }
        if !(200..<300).contains(parser.status) {
            throw try Answer(status: parser.status, body: parser.body).decode(ErrorDocument.self).error
        }
    }

    private func open(
        _ method: String, _ target: String, body: [UInt8], headers: [HTTPHeader], timeout: Duration
    ) throws(ControlError) -> ControlSocket {
        let deadline = ContinuousClock.now + timeout
        let connection = try ControlSocket(
            connectingTo: socketPath, ownedBy: owners, deadline: deadline, timeout: timeout)
        var head = "\(method) \(target) HTTP/1.1\r\nHost: clusterd\r\nConnection: close\r\n"
        for header in headers { head += "\(header.name): \(header.value)\r\n" }
        if !body.isEmpty || method == "POST" { head += "Content-Length: \(body.count)\r\n" }
        do throws(ControlError) {
            try connection.send(Array("\(head)\r\n".utf8) + body)
        } catch {
            connection.close()
            throw error
        }
        return connection
    }

    private func notUnderstood(_ error: ResponseParser.Malformed) -> ControlError {
        ControlError(
            "bad-answer", "the answer at \(socketPath) is not valid: \(error.reason)")
    }
}
