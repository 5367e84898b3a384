import ControlAPI
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// The daemon's end of the control socket: HTTP/1.1 with JSON. It knows who asks and what; what the answer is, is its
/// handler's.
package final class ControlServer: Sendable {
    /// No peer: it came over the network.
    package typealias Handler = @Sendable (ControlRequest, Peer?) async -> ControlResponse

    /// Who may use the socket, for a finding where its group was not as wanted.
    package var access: SocketAccess? { socket?.access }

    /// nil for a listener on the network.
    private let socket: ListeningSocket?
    /// As the configuration has it.
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

    /// Binds, and answers from then on. The folder is there already, and belongs to one daemon alone: the caller made it
    /// and holds a lock. A group that does not exist, or that we may not give the file to, is no error: see `access`.
    ///
    /// - Parameter inherited: it was there before this program; then nobody is answered before `resume`.
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
            // NIO took the descriptor over with the call, and closes it.
            socket.end(leavingFile: false)
            throw error
        }
    }

    /// Answers on TCP what may be asked over the network: the probes and the metrics.
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

    /// The port, where it was left to the kernel to choose one.
    package var port: Int? { listener.localAddress?.port }

    /// For a program that is to take the place of this one.
    package func inheritance() async -> InheritedSocket? {
        if let socket { return socket.inheritance(address) }
        let descriptor = try? await listener.eventLoop.submit { [listener] in
            try listener.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
        }.get()
        return (descriptor ?? nil).map { InheritedSocket(descriptor: $0, address: address, file: nil) }
    }

    /// The socket, where systemd may be asked to keep it for the next program, and what to call it there.
    package var storedSocket: (descriptor: Int32, name: String)? {
        socket.flatMap { socket in socket.storedName.map { (socket.descriptor, $0) } }
    }

    /// Whether a socket unit of systemd's made the socket.
    package var isOfUnit: Bool { socket?.isOfUnit == true }

    /// Takes no more connections, ends streams and idle connections, and gives answers under way two seconds to go out.
    /// The file is gone when it returns, unless it is to be left or a socket unit's. A second call does nothing.
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
        // Requests that were sent ahead wait for the answer before theirs, and no more is read meanwhile.
        try pipeline.configureHTTPServerPipeline(
            withPipeliningAssistance: true, withErrorHandling: false, withOutboundHeaderValidation: true,
            withEncoderConfiguration: .init(), withDecoderLimitConfiguration: decoding)
        try pipeline.addHandler(ControlConnection(scope: scope, limits: limits, handler: handler))
    }
}

/// What one client may cost.
package struct ControlLimits: Sendable {
    package var headerBytes = 16 << 10
    package var bodyBytes = 1 << 20
    package var connections = 128
    /// From the connection, or the answer before, to the last byte of a request.
    package var request = Duration.seconds(10)
    /// For a client to take what was written to it.
    package var write = Duration.seconds(10)

    package init() {}
}
