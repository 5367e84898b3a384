import ControlAPI
import NIOCore
import NIOHTTP1

/// The connection of one client: assembles its requests, has them answered one after the other, and closes if the client is too
/// slow. Everything runs on the connection's event loop, except the handler, which runs in a task that belongs to the connection
/// and is cancelled with it.
final class ControlConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// The server stops: finish the current answer, and close.
    struct Stop: Sendable {}

    /// Like `Stop`, but also answers a first request that has not arrived completely.
    struct Finish: Sendable {}

    enum State {
        /// No part of a request has arrived. Changes to `receiving` on its head.
        case idle
        /// Changes to `answering` on the end of the request, to `closing` if it is refused.
        case receiving(HTTPRequestHead)
        /// The handler runs, or its answer is being sent. Changes to `idle` or to `closing`.
        case answering(Answering)
        /// The last answer is being sent; further input is dropped.
        case closing
    }

    struct Answering {
        var head: HTTPRequestHead
        var task: Task<Void, Never>?
        /// A stream, which ends only when the server or the client closes it.
        var isStream = false
    }

    let limits: ControlLimits
    private let scope: ListenerScope
    private let handler: ControlServer.Handler
    var state = State.idle
    /// The head of the request that is being received.
    private var body = ByteBuffer()
    private var peer: Peer?
    private var closesAfterAnswer = false
    private var hasAnswered = false
    private(set) var isFinishing = false
    private var requestDeadline: Scheduled<Void>?

    init(scope: ListenerScope, limits: ControlLimits, handler: @escaping ControlServer.Handler) {
        self.scope = scope
        self.limits = limits
        self.handler = handler
    }

    func channelActive(context: ChannelHandlerContext) {
        if case .network = scope {
            startRequestDeadline(context)
            return context.fireChannelActive()
        }
        let known = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { Peer(ofSocket: $0) }
        peer = known ?? nil
        startRequestDeadline(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .answering(let answering) = state { answering.task?.cancel() }
        state = .closing
        requestDeadline?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .idle):
            receive(head, context)
        case (.body(var part), .receiving):
            body.writeBuffer(&part)
            if body.readableBytes > limits.bodyBytes { refuseBody(context) }
        case (.end, .receiving(let head)):
            requestDeadline?.cancel()
            answer(head, context)
        default:
            break
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is Finish:
            (closesAfterAnswer, isFinishing) = (true, true)
            switch state {
            case .idle where hasAnswered: context.close(promise: nil)
            case .answering(let answering) where answering.isStream: answering.task?.cancel()
            default: break
            }
        // The client sends no more, but may still read: nc -N, or shutdown(2).
        case ChannelEvent.inputClosed, is Stop:
            switch state {
            case .idle, .receiving: context.close(promise: nil)
            case .answering(let answering):
                closesAfterAnswer = true
                if event is Stop, answering.isStream { answering.task?.cancel() }
            case .closing: break
            }
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch (error, state) {
        // Must be answered before this returns, because the decoder then closes the channel.
        case (HTTPParserError.headerOverflow, .idle), (HTTPParserError.headerOverflow, .receiving):
            refuse(.requestHeaderFieldsTooLarge, "the header is larger than \(limits.headerBytes) bytes", context)
        case (let error as HTTPParserError, .idle), (let error as HTTPParserError, .receiving):
            refuse(.badRequest, "this is not HTTP/1.1: \(error)", context)
        default:
            context.close(promise: nil)
        }
    }

    private func receive(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        state = .receiving(head)
        body.clear()
        if case .local(let access) = scope {
            guard let peer else {
                refuse(.forbidden, "the kernel does not report the user of the client", context)
                return
            }
            guard access.admits(peer) else {
                respondAndClose(.error(access.refusal(of: peer), status: 403), context)
                return
            }
        }
        let announced = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        if announced > limits.bodyBytes { refuseBody(context) }
    }

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        state = .answering(Answering(head: head))
        let headers = head.headers.map { HTTPHeader($0.name, $0.value) }
        let request: ControlRequest
        do throws(ControlRejection) {
            request = try ControlRequest(
                parsing: HTTPRequest(
                    head.method.rawValue, head.uri, headers: headers, body: Array(body.readableBytesView)))
        } catch {
            send(.rejected(scope.answer(to: error)), context)
            return
        }
        if case .network = scope, !request.isPublic {
            return send(.error(ListenerScope.refusal, status: 403), context)
        }
        let connection = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        let task = Task { [handler, peer] in
            let response = await handler(request, peer)
            guard case .lines(let lines) = response.body else {
                eventLoop.execute { connection.value.0.send(response, connection.value.1) }
                return
            }
            do {
                try await eventLoop.flatSubmit { connection.value.0.beginStream(response, connection.value.1) }.get()
                for await bytes in lines {
                    try await eventLoop.flatSubmit { connection.value.0.write(bytes, connection.value.1) }.get()
                }
            } catch {
                // The client has gone, or was too slow and its connection was closed.
            }
            eventLoop.execute { connection.value.0.end(connection.value.1) }
        }
        state = .answering(Answering(head: head, task: task))
    }

    /// Called before the end of an answer is written, because that admits requests which were sent ahead.
    func answered(keepAlive: Bool, _ context: ChannelHandlerContext) {
        hasAnswered = true
        if keepAlive {
            state = .idle
            startRequestDeadline(context)
        } else {
            state = .closing
        }
    }

    var answeringHead: HTTPRequestHead? {
        guard case .answering(let answering) = state else { return nil }
        return answering.head
    }

    var keepsAlive: Bool { !closesAfterAnswer && answeringHead?.isKeepAlive == true }

    private func startRequestDeadline(_ context: ChannelHandlerContext) {
        let connection = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        requestDeadline?.cancel()
        requestDeadline = context.eventLoop.scheduleTask(in: TimeAmount(limits.request)) {
            let (connection, context) = connection.value
            if case .receiving = connection.state {
                connection.refuse(
                    .requestTimeout, "the request was not complete within \(connection.limits.request)", context)
            } else {
                context.close(promise: nil)
            }
        }
    }
}
