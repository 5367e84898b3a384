import ControlAPI
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// The daemon's end of the control socket: HTTP/1.1 with JSON. It determines the client and the request; the handler makes the
/// answer.
package final class ControlServer: Sendable {
    /// No peer: the request came over the network.
    package typealias Handler = @Sendable (ControlRequest, Peer?) async -> ControlResponse

    /// The users who may use the socket, for a finding if its group is not the configured one.
    package var access: SocketAccess? { socket?.access }

    /// nil for a network listener.
    private let socket: ListeningSocket?
    /// The address as configured.
    private let address: String
    let listener: any Channel
    let connections: ConnectionRegistry
    private let stopped = Mutex(false)

    private init(
        socket: ListeningSocket?, address: String, listener: any Channel, connections: ConnectionRegistry
    ) {
        self.socket = socket
        self.address = address
        self.listener = listener
        self.connections = connections
    }

    /// Binds, and answers from then on. The folder must exist and belong to this daemon alone: the caller created it and holds a
    /// lock. A group that does not exist, or that this user may not assign, is not an error: see `access`.
    ///
    /// - Parameter inherited: the inherited socket; no request is answered before `resume` then.
    package static func start(
        socketPath: String, group: String?, mode: mode_t = 0o660, limits: ControlLimits = ControlLimits(),
        inherited: InheritedSocket? = nil, on eventLoopGroup: any EventLoopGroup, handler: @escaping Handler
    ) async throws -> ControlServer {
        let socket = try ListeningSocket(path: socketPath, group: group, mode: mode, inherited: inherited)
        let connections = ConnectionRegistry(limit: limits.connections)
        let bootstrap = ServerBootstrap(group: eventLoopGroup)
            .serverChannelOption(.autoRead, value: inherited == nil)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try configure(channel, .local(socket.access), limits, connections, handler)
                }
            }
        do {
            let listener = try await bootstrap.withBoundSocket(socket.descriptor).get()
            return ControlServer(
                socket: socket, address: socketPath, listener: listener, connections: connections)
        } catch {
            // NIO owns the descriptor from the call on, and closes it.
            socket.end(leavingFile: false)
            throw error
        }
    }

    /// Answers the requests that are allowed over the network, on TCP: the probes and the metrics.
    package static func start(
        host: String, port: Int, limits: ControlLimits = ControlLimits(), inherited: InheritedSocket? = nil,
        on eventLoopGroup: any EventLoopGroup, handler: @escaping Handler
    ) async throws -> ControlServer {
        let connections = ConnectionRegistry(limit: limits.connections)
        let address = "\(host):\(port)"
        let bootstrap = ServerBootstrap(group: eventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.autoRead, value: inherited == nil)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try configure(channel, .network, limits, connections, handler)
                }
            }
        let isStill = inherited?.address == address
        if let inherited, !isStill { inherited.discard() }
        let listener =
            if let inherited, isStill {
                try await bootstrap.withBoundSocket(inherited.descriptor).get()
            } else {
                try await bootstrap.bind(host: host, port: port).get()
            }
        return ControlServer(socket: nil, address: address, listener: listener, connections: connections)
    }

    /// The port that the kernel chose.
    package var port: Int? { listener.localAddress?.port }

    /// The socket for the next program in an upgrade in place.
    package func inheritance() async -> InheritedSocket? {
        if let socket { return socket.inheritance(address) }
        let descriptor = try? await listener.eventLoop.submit { [listener] in
            try listener.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
        }.get()
        return (descriptor ?? nil).map { InheritedSocket(descriptor: $0, address: address, file: nil) }
    }

    /// The socket for systemd to keep for the next program, and its name there.
    package var storedSocket: (descriptor: Int32, name: String)? {
        socket.flatMap { socket in socket.storedName.map { (socket.descriptor, $0) } }
    }

    /// Whether a socket unit of systemd created the socket.
    package var isOfUnit: Bool { socket?.isOfUnit == true }

    /// Accepts no more connections, ends streams and idle connections, and gives current answers two seconds to finish. Removes
    /// the socket file, unless it is to be left or belongs to a socket unit. A second call does nothing.
    package func stop(leavingFile: Bool = false) async {
        let isFirst = stopped.withLock { stopped in
            defer { stopped = true }
            return !stopped
        }
        guard isFirst else { return }
        try? await listener.close()
        socket?.end(leavingFile: leavingFile)
        let open = connections.close()
        for channel in open { channel.pipeline.fireUserInboundEventTriggered(ControlConnection.Stop()) }
        for channel in open {
            let limit = channel.eventLoop.scheduleTask(in: .seconds(2)) { channel.close(promise: nil) }
            try? await channel.closeFuture.get()
            limit.cancel()
        }
    }

    private static func configure(
        _ channel: any Channel, _ scope: ListenerScope, _ limits: ControlLimits, _ connections: ConnectionRegistry,
        _ handler: @escaping Handler
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        guard connections.admit(channel) else {
            try pipeline.addHandler(OverloadedConnection(limit: limits.connections))
            return
        }
        var decoding = NIOHTTPDecoderLimitConfiguration()
        decoding.maxHeaderListSize = limits.headerBytes
        decoding.maxHeaderFieldSize = limits.headerBytes
        decoding.maxHeaderFieldCount = 100
        // Requests that were sent ahead wait for the previous answer, and nothing more is read meanwhile.
        try pipeline.configureHTTPServerPipeline(
            withPipeliningAssistance: true, withErrorHandling: false, withOutboundHeaderValidation: true,
            withEncoderConfiguration: .init(), withDecoderLimitConfiguration: decoding)
        try pipeline.addHandler(ControlConnection(scope: scope, limits: limits, handler: handler))
    }
}

/// The limits for one client.
package struct ControlLimits: Sendable {
    package var headerBytes = 16 << 10
    package var bodyBytes = 1 << 20
    package var connections = 128
    /// The time from the connection, or the previous answer, to the last byte of a request.
    package var request = Duration.seconds(10)
    /// The time for a client to read an answer.
    package var write = Duration.seconds(10)

    package init() {}
}
