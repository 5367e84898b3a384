import ControlAPI
import NIOCore
import NIOHTTP1

extension ControlConnection {
    /// Sends a whole answer. The next request may follow.
    func send(_ response: ControlResponse, _ context: ChannelHandlerContext) {
        guard case .document(let bytes) = response.body, let head = answeringHead else { return }
        let keepAlive = keepsAlive
        write(head: response, length: bytes.count, keepAlive: keepAlive, version: head.version, context)
        if head.method != .HEAD {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))), promise: nil)
        }
        finish(keepAlive: keepAlive, context)
    }

    /// Sends an answer and closes the connection, without reading the rest of the request.
    func respondAndClose(_ response: ControlResponse, _ context: ChannelHandlerContext) {
        guard case .document(let bytes) = response.body else { return }
        state = .closing
        write(head: response, length: bytes.count, keepAlive: false, version: .http1_1, context)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))), promise: nil)
        finish(keepAlive: false, context)
    }

    func refuse(_ status: HTTPResponseStatus, _ message: String, _ context: ChannelHandlerContext) {
        let exit = status == .forbidden ? ExitCode.noPermission : ExitCode.usage
        respondAndClose(.error(ControlError("bad-request", message, exit: exit), status: Int(status.code)), context)
    }

    func refuseBody(_ context: ChannelHandlerContext) {
        refuse(.payloadTooLarge, "the body is larger than \(limits.bodyBytes) bytes", context)
    }

    func beginStream(_ response: ControlResponse, _ context: ChannelHandlerContext) -> EventLoopFuture<Void> {
        guard case .answering(var answering) = state else {
            return context.eventLoop.makeFailedFuture(ChannelError.alreadyClosed)
        }
        answering.isStream = true
        state = .answering(answering)
        // HTTP/1.0 has no chunks: only the end of the connection ends a stream there. The same applies to all versions.
        write(head: response, length: nil, keepAlive: false, version: answering.head.version, context)
        context.flush()
        if isFinishing { answering.task?.cancel() }
        return context.eventLoop.makeSucceededVoidFuture()
    }

    /// Completes when the kernel has taken the bytes. Closes the connection of a client that reads too slowly.
    func write(_ bytes: [UInt8], _ context: ChannelHandlerContext) -> EventLoopFuture<Void> {
        guard case .answering = state else {
            return context.eventLoop.makeFailedFuture(ChannelError.alreadyClosed)
        }
        let written = context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))))
        limit(written, context)
        return written
    }

    /// Ends a stream.
    func end(_ context: ChannelHandlerContext) {
        guard case .answering = state else { return }
        finish(keepAlive: false, context)
    }

    private func finish(keepAlive: Bool, _ context: ChannelHandlerContext) {
        answered(keepAlive: keepAlive, context)
        let written = context.writeAndFlush(wrapOutboundOut(.end(nil)))
        limit(written, context)
        if !keepAlive {
            let channel = context.channel
            written.whenComplete { _ in channel.close(promise: nil) }
        }
    }

    private func write(
        head response: ControlResponse, length: Int?, keepAlive: Bool, version: HTTPVersion,
        _ context: ChannelHandlerContext
    ) {
        var headers = HTTPHeaders(response.headers.map { ($0.name, $0.value) })
        headers.add(name: "Content-Type", value: response.contentType)
        if let length { headers.add(name: "Content-Length", value: String(length)) }
        headers.add(name: "Connection", value: keepAlive ? "keep-alive" : "close")
        let head = HTTPResponseHead(
            version: version, status: HTTPResponseStatus(statusCode: response.status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
    }

    private func limit(_ written: EventLoopFuture<Void>, _ context: ChannelHandlerContext) {
        let channel = context.channel
        let deadline = context.eventLoop.scheduleTask(in: TimeAmount(limits.write)) {
            channel.close(promise: nil)
        }
        written.whenComplete { _ in deadline.cancel() }
    }
}
