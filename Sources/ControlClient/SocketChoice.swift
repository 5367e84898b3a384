import ControlAPI

/// Which daemon a command speaks to (docs/commands.md, "Which daemon"). What was named, or exists, first decides: if
/// nobody answers there, that is an error and no reason to look further.
package struct SocketChoice: Hashable, Sendable {
    /// `--socket`.
    package var socket: String?
    /// `--dir`.
    package var directory: String?
    /// `--cluster`.
    package var cluster: String?
    /// `$CLUSTERD_SOCKET`; empty is as good as unset.
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

    /// What is known of a file without opening it.
    package enum FileFact: Hashable, Sendable {
        case absent
        case owned(by: UInt32)
        /// We may not look into its folder.
        case hidden
    }

    /// The path of the socket. `fact` is asked only where nothing was named; `find` gives the socket of a cluster by its name.
    package func path(
        where fact: (String) -> FileFact, find: (String) throws(ControlError) -> String
    ) throws(ControlError) -> String {
        if let socket { return socket }
        if let directory {
            return directory.hasSuffix("/") ? directory + Self.socketName : "\(directory)/\(Self.socketName)"
        }
        if let cluster { return try find(cluster) }
        if let environment, !environment.isEmpty { return environment }
        // In a folder that everybody may write to, such as /tmp, anybody could have left one for us to confide in.
        if case .owned(let owner) = fact(Self.localSocket), owner == caller || owner == 0 { return Self.localSocket }
        // Hidden: it is there, and who connects to it is told what permission it takes.
        if fact(Self.systemSocket) != .absent { return Self.systemSocket }
        throw ControlError(
            "no-daemon", "no clusterd runs here: neither \(Self.localSocket) nor \(Self.systemSocket) is there",
            hint: "start one: clusterd up; or name one of clusterd list with --cluster", exit: ExitCode.noDaemon)
    }
}
