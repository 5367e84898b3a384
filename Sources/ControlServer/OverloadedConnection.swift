import ControlAPI
import NIOCore

/// A connection above the limit: gets an error without being read, and is closed.
final class OverloadedConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let limit: Int

    init(limit: Int) { self.limit = limit }

    func channelActive(context: ChannelHandlerContext) {
        let error = ControlError(
            "too-many-connections", "clusterd already serves \(limit) connections, which is the limit",
            hint: "try again")
        guard case .document(let body) = ControlResponse.error(error, status: 503).body else { return }
        let head =
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.count)\r\nConnection: close\r\n\r\n"
        var bytes = context.channel.allocator.buffer(capacity: head.utf8.count + body.count)
        bytes.writeString(head)
        bytes.writeBytes(body)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(bytes)).whenComplete { _ in channel.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
}
