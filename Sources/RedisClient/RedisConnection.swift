import NIOCore
import NIOPosix
import RESP
import Synchronization

package struct RedisCredentials: Hashable, Sendable, CustomStringConvertible {
    /// nil means the default user.
    package var user: String?
    package var password: String

    package init(user: String? = nil, password: String) {
        self.user = user
        self.password = password
    }
    package var description: String { "\(user ?? "default") with a password" }

    var command: RESPCommand { RESPCommand(["AUTH"] + (user.map { [$0] } ?? []) + [password]) }
}

package enum RedisClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The connection failed; usually no process listens there.
    case refused(String)
    case timedOut(String)
    /// The server's error text.
    case authentication(String)
    /// The TLS handshake failed: one side does not trust the other.
    case insecure(String)
    case closed
    /// The server closed the connection with this error before it read any command, for example because of `maxclients`.
    case turnedAway(String)
    case protocolViolation(String)

    package var description: String {
        switch self {
        case .refused(let why): "cannot connect: \(why)"
        case .timedOut(let what): "no answer in time: \(what)"
        case .authentication(let words): "authentication failed: \(words)"
        case .insecure(let why): "the TLS handshake failed: \(why)"
        case .turnedAway(let words): "the node rejected the connection: \(words)"
        case .closed: "the node closed the connection"
        case .protocolViolation(let what): "the node does not speak the Redis protocol: \(what)"
        }
    }
}

/// One connection to one node. Commands are pipelined, and replies arrive in order. After a timeout it is closed, because later
/// replies could not be matched to commands.
package final class RedisConnection: Sendable {
    private let channel: any Channel
    private let farewell: Farewell

    private init(_ channel: any Channel, _ farewell: Farewell) {
        self.channel = channel
        self.farewell = farewell
    }

    package var isOpen: Bool { channel.isActive }

    package static func connect(
        host: String, port: Int, credentials: RedisCredentials?, security: TransportSecurity? = nil,
        on group: any EventLoopGroup, timeout: Duration
    ) async throws(RedisClientError) -> RedisConnection {
        let channel: any Channel
        let farewell = Farewell()
        do {
            channel = try await ClientBootstrap(group: group)
                .connectTimeout(
                    .nanoseconds(
                        timeout.components.seconds * 1_000_000_000 + timeout.components.attoseconds / 1_000_000_000)
                )
                .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let security { try channel.pipeline.syncOperations.addHandler(security.handler()) }
                        try channel.pipeline.syncOperations.addHandler(ReplyHandler(farewell))
                    }
                }
                .connect(host: host, port: port).get()
        } catch let error as ChannelError {
            if case .connectTimeout = error { throw .timedOut("connecting to \(host):\(port)") }
            throw .refused("\(error)")
        } catch {
            throw .refused("\(error)")
        }
        let connection = RedisConnection(channel, farewell)
        if let credentials {
            let answer = try await connection.send(credentials.command, timeout: timeout)
            if let words = answer.errorText {
                await connection.close()
                throw .authentication(words)
            }
        }
        return connection
    }

    package func send(_ command: RESPCommand, timeout: Duration) async throws(RedisClientError) -> RESPValue {
        let answers = try await pipeline([command], timeout: timeout)
        return answers.first ?? .null
    }

    /// An error reply is returned as a value. Throws only if the connection no longer works.
    package func pipeline(_ commands: [RESPCommand], timeout: Duration) async throws(RedisClientError) -> [RESPValue] {
        let promise = channel.eventLoop.makePromise(of: [RESPValue].self)
        let request = PipelinedRequest(
            bytes: commands.flatMap(\.bytes), count: commands.count, what: commands.first?.name ?? "",
            timeout: timeout,
            promise: promise)
        channel.writeAndFlush(request, promise: nil)
        if !channel.isActive { channel.eventLoop.execute { promise.fail(RedisClientError.closed) } }
        do {
            return try await promise.futureResult.get()
        } catch let error as RedisClientError {
            throw error == .closed ? farewell.error ?? error : error
        } catch {
            throw farewell.error ?? .closed
        }
    }

    package func close() async { try? await channel.close().get() }
}

/// The error text of a server that rejected the connection.
private final class Farewell: Sendable {
    private let words = Mutex<String?>(nil)

    var error: RedisClientError? { words.withLock { $0 }.map { .turnedAway($0) } }

    func say(_ text: String) { words.withLock { $0 = text } }
}

struct PipelinedRequest: Sendable {
    var bytes: [UInt8]
    var count: Int
    var what: String
    var timeout: Duration
    var promise: EventLoopPromise<[RESPValue]>
}

private final class ReplyHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = Never
    typealias OutboundIn = PipelinedRequest
    typealias OutboundOut = ByteBuffer

    private struct Waiting {
        var count: Int
        var answers: [RESPValue] = []
        var promise: EventLoopPromise<[RESPValue]>
        var timer: Scheduled<Void>
    }

    private var parser = RESPParser()
    private var waiting = CircularBuffer<Waiting>()
    private var isClosed = false
    private let farewell: Farewell

    init(_ farewell: Farewell) { self.farewell = farewell }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let request = unwrapOutboundIn(data)
        guard !isClosed, context.channel.isActive else { return request.promise.fail(RedisClientError.closed) }
        let channel = context.channel
        let limit = request.timeout.components
        let timer = context.eventLoop.scheduleTask(
            in: .nanoseconds(limit.seconds * 1_000_000_000 + limit.attoseconds / 1_000_000_000)
        ) { [what = request.what, answer = request.promise] in
            answer.fail(RedisClientError.timedOut("\(what) was not answered within \(request.timeout)"))
            channel.close(promise: nil)
        }
        waiting.append(Waiting(count: request.count, promise: request.promise, timer: timer))
        context.write(wrapOutboundOut(context.channel.allocator.buffer(bytes: request.bytes)), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        parser.append(unwrapInboundIn(data).readableBytesView)
        do {
            while let value = try parser.next() {
                guard !waiting.isEmpty else {
                    if let words = value.errorText {
                        farewell.say(words)
                        return fail(context, .turnedAway(words))
                    }
                    return fail(context, .protocolViolation("an unsolicited reply"))
                }
                waiting[waiting.startIndex].answers.append(value)
                guard let first = waiting.first, first.answers.count == first.count else { continue }
                waiting.removeFirst()
                first.timer.cancel()
                first.promise.succeed(first.answers)
            }
        } catch {
            fail(context, .protocolViolation("\(error)"))
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        // One error reply for many commands before the close: the server sent it before it read any of them.
        if let first = waiting.first, first.count > 1, first.answers.count == 1, let words = first.answers[0].errorText
        {
            farewell.say(words)
        }
        fail(context, farewell.error ?? .closed)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(context, TransportSecurity.refusal(error).map { .insecure($0) } ?? .closed)
    }

    private func fail(_ context: ChannelHandlerContext, _ error: RedisClientError) {
        isClosed = true
        for request in waiting {
            request.timer.cancel()
            request.promise.fail(error)
        }
        waiting.removeAll()
        context.close(promise: nil)
    }
}
