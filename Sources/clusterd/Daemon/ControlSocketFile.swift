import ClusterModel
import ControlAPI
import ControlServer
import NIOPosix
import NodeFiles
import ProcessSupervision
import Systemd

/// The control socket: its path, whether this program inherits it, and its server.
enum ControlSocketFile {
    static func path(_ spec: ClusterSpec, _ options: Daemon.Options) -> String {
        let own = "\(spec.dataDirectory)/control.sock"
        guard let path = spec.control.socket else { return own }
        // Nodes are stopped even if another process listens there, such as systemd for the next daemon.
        return options.stopsAtOnce && SocketTable.hasUnixListener(path) ? own : path
    }

    /// The socket that systemd passes: from a socket unit, or stored there by the previous program.
    static func handedOver(to notifier: Notifier, for path: String) throws(Failure) -> InheritedSocket? {
        let offers = notifier.handedOver.map {
            OfferedSocket(descriptor: $0.descriptor, name: $0.name, isListening: $0.listensOnUnixSocket)
        }
        let sockets = try OfferedSockets(offers, for: path)
        for leftover in sockets.leftovers {
            notifier.notify(.unstore(leftover.name), within: .seconds(1))
            leftover.socket.discard()
        }
        return sockets.control
    }

    static func serve(
        _ path: String, _ spec: ClusterSpec, _ handler: RequestHandler, _ group: MultiThreadedEventLoopGroup,
        _ inherited: InheritedSocket?
    ) async throws -> ControlServer {
        do {
            try makeDirectory(SocketPath(path).folder, mode: 0o750, parentMode: 0o755)
        } catch {
            throw Failure(
                "no-permission", error.description,
                hint: "run clusterd as root, or set control.socket to a path that you may write")
        }
        do {
            return try await ControlServer.start(
                socketPath: path, group: spec.control.group, inherited: inherited, on: group
            ) { request, peer in
                await handler.answer(request, peer)
            }
        } catch {
            throw Failure(
                "no-socket", "the control socket \(path) cannot be created: \(error)")
        }
    }
}
