/// An answer of the daemon.
package struct ControlResponse: Sendable {
    package enum Body: Sendable {
        /// A whole body: JSON, unless `contentType` says otherwise.
        case document([UInt8])
        /// Newline-delimited JSON, each element one or more whole lines. The response ends with the stream. The producer limits
        /// its buffer: a client may read slowly, or disconnect.
        case lines(AsyncStream<[UInt8]>)
    }

    /// The HTTP status.
    package var status: Int
    package var headers: [HTTPHeader]
    package var contentType: String
    package var body: Body

    package init(
        status: Int, headers: [HTTPHeader] = [], contentType: String = "application/json", body: Body
    ) {
        self.status = status
        self.headers = headers
        self.contentType = contentType
        self.body = body
    }

    package static func document(_ value: some Encodable, status: Int = 200) -> ControlResponse {
        do {
            return ControlResponse(status: status, body: .document(try ControlJSON.encode(value) + [10]))
        } catch {
            let error = ControlError("internal", "the answer cannot be encoded: \(error)")
            return .error(error, status: 500)
        }
    }

    package static func error(_ error: ControlError, status: Int, headers: [HTTPHeader] = []) -> ControlResponse {
        // A text and an integer: encoding cannot fail.
        let bytes = (try? ControlJSON.encode(ErrorDocument(error))) ?? Array(#"{"error":null}"#.utf8)
        return ControlResponse(status: status, headers: headers, body: .document(bytes + [10]))
    }

    package static func rejected(_ rejection: ControlRejection) -> ControlResponse {
        let allow = rejection.allow.isEmpty ? [] : [HTTPHeader("Allow", rejection.allow.joined(separator: ", "))]
        return .error(rejection.error, status: rejection.status, headers: allow)
    }

    package static func lines(_ stream: AsyncStream<[UInt8]>) -> ControlResponse {
        ControlResponse(status: 200, contentType: "application/x-ndjson", body: .lines(stream))
    }

    /// Prometheus' text exposition format, version 0.0.4.
    package static func metrics(_ text: String) -> ControlResponse {
        ControlResponse(
            status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8", body: .document(Array(text.utf8)))
    }

    /// 200 if `ok`, else 503.
    package static func probe(_ probe: ProbeDocument) -> ControlResponse {
        .document(probe, status: probe.ok ? 200 : 503)
    }
}
