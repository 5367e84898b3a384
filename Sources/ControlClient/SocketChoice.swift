import ControlAPI

/// Selects the daemon for a command (docs/commands.md, "Which daemon"). The first place that is named, or exists, decides: if no
/// daemon answers there, that is an error, and no other place is tried.
package struct SocketChoice: Hashable, Sendable {
    /// `--socket`.
    package var socket: String?
    /// `--dir`.
    package var directory: String?
    /// `--cluster`.
    package var cluster: String?
    /// `$CLUSTERD_SOCKET`; empty means unset.
    package var environment: String?
    /// The user id of the caller.
    package var caller: UInt32

    package init(
        socket: String? = nil, directory: String? = nil, cluster: String? = nil, environment: String? = nil,
        caller: UInt32
    ) {
        self.socket = socket
        self.directory = directory
        self.cluster = cluster
        self.environment = environment
        self.caller = caller
    }

    package static let socketName = "control.sock"
    package static let localSocket = "./clusterd-data/control.sock"
    package static let systemSocket = "/run/clusterd/control.sock"

    /// The state of a file, without opening it.
    package enum FileFact: Hashable, Sendable {
        case absent
        case owned(by: UInt32)
        /// Its folder is not accessible.
        case hidden
    }

    /// The path of the socket. `fact` is called only if nothing was named; `find` returns the socket of a cluster by its name.
    package func path(
        where fact: (String) -> FileFact, find: (String) throws(ControlError) -> String
    ) throws(ControlError) -> String {
        if let socket { return socket }
        if let directory {
            return directory.hasSuffix("/") ? directory + Self.socketName : "\(directory)/\(Self.socketName)"
        }
        if let cluster { return try find(cluster) }
        if let environment, !environment.isEmpty { return environment }
        // In a world-writable folder, such as /tmp, any user could have placed a malicious socket.
        if case .owned(let owner) = fact(Self.localSocket), owner == caller || owner == 0 { return Self.localSocket }
        // Hidden: it exists, and the attempt to connect reports which permission is missing.
        if fact(Self.systemSocket) != .absent { return Self.systemSocket }
        throw ControlError(
            "no-daemon", "no clusterd runs here: neither \(Self.localSocket) nor \(Self.systemSocket) exists",
            hint: "start one: clusterd up; or select one of clusterd list with --cluster")
    }
}
