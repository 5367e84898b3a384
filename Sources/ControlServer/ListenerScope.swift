import ControlAPI

/// Whom a listening socket answers.
enum ListenerScope: Sendable {
    /// Processes of this host, by the credentials that the kernel noted: everything.
    case local(SocketAccess)
    /// Anybody who reaches the port: only what looks and shows nothing of the data.
    case network

    /// Over the network, a path that does not exist is answered without the calls that only the control socket offers.
    func answer(to rejection: ControlRejection) -> ControlRejection {
        guard case .network = self, rejection.status == 404 else { return rejection }
        var answer = rejection
        answer.error.hint = "there is: \(ControlRequest.publicCalls); \(Self.refusal.hint ?? "")"
        return answer
    }

    static let refusal = ControlError(
        "not-here", "over the network there are only /livez, /servingz, /readyz and /metrics",
        hint: "everything else is on the control socket", exit: ExitCode.noPermission)
}
