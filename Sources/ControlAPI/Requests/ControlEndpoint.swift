/// The paths of the control API with their methods: one table for parsing, for sending, and for the hint about an unknown path.
enum ControlEndpoint: CaseIterable {
    case status, check, configuration, operations, operation, events, login, fixPlan, quarantine, removeQuarantine
    case restartNode, startNode, stopNode, failover, rollingRestart, reshard, rebalance, pause, resume, cancel, fix
    case addNode, removeNode, apply
    case backup, call
    case stop, detach, reload, reexec, livez, servingz, readyz, metrics

    var method: String {
        switch self {
        case .status, .check, .configuration, .operations, .operation, .events, .login, .fixPlan, .quarantine, .livez,
            .servingz, .readyz, .metrics:
            "GET"
        default: "POST"
        }
    }

    /// The pattern of the path. A part in braces stands for any text.
    var pattern: String {
        switch self {
        case .status: "/v1/status"
        case .check: "/v1/check"
        case .configuration: "/v1/config"
        case .operations: "/v1/operations"
        case .operation: "/v1/operations/{id}"
        case .events: "/v1/events"
        case .restartNode: "/v1/nodes/{node}/restart"
        case .startNode: "/v1/nodes/{node}/start"
        case .stopNode: "/v1/nodes/{node}/stop"
        case .failover: "/v1/nodes/{node}/failover"
        case .rollingRestart: "/v1/rolling-restart"
        case .reshard: "/v1/reshard"
        case .rebalance: "/v1/rebalance"
        case .addNode: "/v1/nodes"
        case .removeNode: "/v1/nodes/{node}/remove"
        case .apply: "/v1/apply"
        case .pause: "/v1/pause"
        case .resume: "/v1/resume"
        case .cancel: "/v1/operations/{id}/cancel"
        case .fixPlan, .fix: "/v1/fix"
        case .backup: "/v1/backup"
        case .quarantine: "/v1/quarantine"
        case .removeQuarantine: "/v1/quarantine/{id}/remove"
        case .login: "/v1/nodes/{node}/login"
        case .call: "/v1/call"
        case .stop: "/v1/stop"
        case .detach: "/v1/detach"
        case .reload: "/v1/reload"
        case .reexec: "/v1/reexec"
        case .livez: "/livez"
        case .servingz: "/servingz"
        case .readyz: "/readyz"
        case .metrics: "/metrics"
        }
    }

    /// The text, still encoded, of the part in braces (empty if there is none), or nil if `path` does not match this endpoint.
    func match(_ path: Substring) -> Substring? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let wanted = pattern.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == wanted.count else { return nil }
        var text: Substring = ""
        for (part, want) in zip(parts, wanted) {
            if want.first == "{" {
                guard !part.isEmpty else { return nil }
                text = part
            } else if part != want {
                return nil
            }
        }
        return text
    }

    func path(_ text: String = "") -> String {
        let parts = pattern.split(separator: "/", omittingEmptySubsequences: false)
        return parts.map { $0.first == "{" ? PercentCoding.encode(text) : String($0) }.joined(separator: "/")
    }
}
