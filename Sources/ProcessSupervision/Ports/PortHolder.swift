import Glibc

/// The process that holds a TCP port, as far as /proc shows it to this user.
package struct PortHolder: Hashable, Sendable, CustomStringConvertible {
    package enum Trace: Hashable, Sendable {
        case listens, connected
        /// Another clusterd's `PortReservation`.
        case promised
        /// Not listed in /proc: a socket that is only bound, or has closed since.
        case none
    }

    package var port: Int
    package var trace: Trace
    package var pid: pid_t?
    package var command: String?
    package var user: String?

    /// The listener, else the process that has the port as the local end of a connection.
    /// - Parameter address: the one that could not be bound, numeric; nil: any.
    package static func of(port: Int, address: String? = nil) -> PortHolder {
        let wanted = address.flatMap { SocketAddress($0, port: port)?.bytes }
        let sockets = SocketTable.tcp(port: port).filter { socket in wanted.map { socket.blocks($0) } ?? true }
        guard let socket = sockets.first(where: \.listens) ?? sockets.first else {
            return PortHolder(port: port, trace: .none)
        }
        // The user who created the socket; its current owner may be another one.
        var holder = PortHolder(port: port, trace: socket.listens ? .listens : .connected)
        holder.user = UserAccount.name(of: socket.userID)
        holder.find(socket.inode)
        return holder
    }

    /// The clusterd that has reserved a port (`PortReservation`).
    package static func ofPromise(port: Int) -> PortHolder {
        var holder = PortHolder(port: port, trace: .promised)
        if let inode = SocketTable.abstractSocket(named: PortReservation.promiseName(port)) { holder.find(inode) }
        return holder
    }

    /// `python3 (pid 4182, user alice)`.
    package var description: String {
        if let pid { return "\(command ?? "a process") (pid \(pid)\(user.map { ", user \($0)" } ?? ""))" }
        let who = user.map { "user \($0)" } ?? "a process"
        let isHidden = "process not visible to clusterd"
        return switch trace {
        case .listens: "\(who) (\(isHidden); sudo ss -ltnp 'sport = :\(port)')"
        case .connected: "\(who) (\(isHidden); sudo ss -tanp 'sport = :\(port)')"
        case .promised: "another clusterd (\(isHidden); sudo ss -xap | grep \(PortReservation.promiseName(port)))"
        case .none: "a process that is not visible (its socket does not listen, or has closed since)"
        }
    }

    /// `7005 is in use by python3 (pid 4182, user alice)`.
    package func sentence(port: Int) -> String {
        "\(port) is \(trace == .promised ? "reserved" : "in use") by \(description)"
    }

    private init(port: Int, trace: Trace) {
        self.port = port
        self.trace = trace
    }

    private mutating func find(_ inode: UInt64) {
        let holder = ProcessTable.all().first { ProcessTable.sockets(of: $0)?.contains(inode) == true }
        guard let holder, let stat = ProcessTable.Stat(holder) else { return }
        pid = holder
        command = stat.command
        user = ProcessTable.userName(of: holder) ?? user
    }
}
