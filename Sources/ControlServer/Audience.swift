import ControlAPI

/// Whom a listening socket answers.
enum Audience: Sendable {
    /// Processes of this host, by the credentials that the kernel noted: everything.
    case local(SocketAccess)
    /// Anybody who reaches the port: only what looks and shows nothing of the data.
    case network

    static let refusal = ControlError(
        "not-here", "over the network there are only /livez, /servingz, /readyz and /metrics",
        hint: "everything else is on the control socket", exit: ExitCode.noPermission)
}
