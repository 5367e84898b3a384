import ControlAPI

/// The clients that a listening socket answers.
enum ListenerScope: Sendable {
    /// Processes of this host, authorized by the credentials from the kernel: all requests.
    case local(SocketAccess)
    /// Any client that reaches the port: only requests that change nothing and show no data.
    case network

    /// Over the network, the answer to an unknown path does not list the calls that only the control socket offers.
    func answer(to rejection: ControlRejection) -> ControlRejection {
        guard case .network = self, rejection.status == 404 else { return rejection }
        var answer = rejection
        answer.error.hint = "available: \(ControlRequest.publicCalls); \(Self.refusal.hint ?? "")"
        return answer
    }

    static let refusal = ControlError(
        "not-here", "over the network there are only /livez, /servingz, /readyz and /metrics",
        hint: "everything else is on the control socket")
}
