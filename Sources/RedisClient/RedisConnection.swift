import ClusterModel
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

    /// Called for each message of a subscription, on the event loop. The connection then sends no further command.
    package typealias PushHandler = @Sendable (RESPValue) -> Void

    private enum Place {
        case tcp(host: String, port: Int)
        case unixSocket(String)
    }

    package static func connect(
        host: String, port: Int, credentials: RedisCredentials?, security: TransportSecurity? = nil,
        limits: RESPParser.Limits = .init(), on group: any EventLoopGroup, timeout: Duration
    ) async throws(RedisClientError) -> RedisConnection {
        let connection = try await open(
            .tcp(host: host, port: port), security, ReplyHandler.Options(limits: limits), group, timeout)
        return try await connection.authenticated(credentials, timeout: timeout)
    }

    package static func connect(
        unixSocket path: String, limits: RESPParser.Limits = .init(), onPush: PushHandler? = nil,
        on group: any EventLoopGroup, timeout: Duration
    ) async throws(RedisClientError) -> RedisConnection {
        try await open(.unixSocket(path), nil, ReplyHandler.Options(limits: limits, onPush: onPush), group, timeout)
    }

    private static func open(
        _ place: Place, _ security: TransportSecurity?, _ options: ReplyHandler.Options,
        _ group: any EventLoopGroup, _ timeout: Duration
    ) async throws(RedisClientError) -> RedisConnection {
        let channel: any Channel
        let farewell = Farewell()
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(.nanoseconds(timeout.inNanoseconds))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let security { try channel.pipeline.syncOperations.addHandler(security.handler()) }
                    try channel.pipeline.syncOperations.addHandler(ReplyHandler(farewell, options))
                }
            }
        do {
            switch place {
            case .tcp(let host, let port):
                channel =
                    try await bootstrap
                    .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
                    .connect(host: host, port: port).get()
            case .unixSocket(let path):
                channel = try await bootstrap.connect(unixDomainSocketPath: path).get()
            }
        } catch let error as ChannelError {
            if case .connectTimeout = error {
                switch place {
                case .tcp(let host, let port): throw .timedOut("connecting to \(host):\(port)")
                case .unixSocket(let path): throw .timedOut("connecting to \(path)")
                }
            }
            throw .refused("\(error)")
        } catch {
            throw .refused("\(error)")
        }
        return RedisConnection(channel, farewell)
    }

    private func authenticated(
        _ credentials: RedisCredentials?, timeout: Duration
    ) async throws(RedisClientError) -> RedisConnection {
        guard let credentials else { return self }
        let answer = try await send(credentials.command, timeout: timeout)
        if let words = answer.errorText {
            await close()
            throw .authentication(words)
        }
        return self
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

    struct Options: Sendable {
        var limits = RESPParser.Limits()
        var onPush: RedisConnection.PushHandler?
    }

    private var parser: RESPParser
    private var waiting = CircularBuffer<Waiting>()
    private var isClosed = false
    private let farewell: Farewell
    private let onPush: RedisConnection.PushHandler?

    init(_ farewell: Farewell, _ options: Options) {
        self.farewell = farewell
        parser = RESPParser(limits: options.limits)
        onPush = options.onPush
    }

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
                    if let onPush {
                        onPush(value)
                        continue
                    }
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
