/// A change that an operator requests, each with its own POST. Nodes are given as typed: a name, host:port, a port or the
/// beginning of an id. An absent member of the body is false.
package enum Change: Hashable, Sendable {
    case restartNode(String, noFailover: Bool = false, restoreRoles: Bool = false, force: Bool = false)
    case startNode(String)
    case stopNode(String, noFailover: Bool = false, force: Bool = false)
    /// `from`: the node is the master to replace, instead of the replica to promote.
    case failover(String, from: Bool = false, force: Bool = false)
    case rollingRestart(pending: Bool = false, restoreRoles: Bool = false, force: Bool = false)
    /// nil: until `resume`.
    case pause(Duration?)
    case resume
    case cancel(String)
    /// The ids of the repairs that the operator confirmed.
    case fix([String])

    var endpoint: ControlEndpoint {
        switch self {
        case .restartNode: .restartNode
        case .startNode: .startNode
        case .stopNode: .stopNode
        case .failover: .failover
        case .rollingRestart: .rollingRestart
        case .pause: .pause
        case .resume: .resume
        case .cancel: .cancel
        case .fix: .fix
        }
    }

    /// The subject in the path.
    var subject: String {
        switch self {
        case .restartNode(let node, _, _, _), .startNode(let node), .stopNode(let node, _, _),
            .failover(let node, _, _):
            node
        case .cancel(let id): id
        case .rollingRestart, .pause, .resume, .fix: ""
        }
    }

    var body: [String: JSONValue] {
        switch self {
        case .restartNode(_, let noFailover, let restoreRoles, let force):
            Self.flags(["noFailover": noFailover, "restoreRoles": restoreRoles, "force": force])
        case .stopNode(_, let noFailover, let force): Self.flags(["noFailover": noFailover, "force": force])
        case .failover(_, let from, let force): Self.flags(["from": from, "force": force])
        case .rollingRestart(let pending, let restoreRoles, let force):
            Self.flags(["pending": pending, "restoreRoles": restoreRoles, "force": force])
        case .pause(let duration): ["for": .string(duration.map(DurationText.text) ?? "forever")]
        case .fix(let ids): ["repairs": .array(ids.map { .string($0) })]
        case .startNode, .resume, .cancel: [:]
        }
    }

    private static func flags(_ flags: [String: Bool]) -> [String: JSONValue] {
        flags.filter(\.value).mapValues { .bool($0) }
    }

    /// nil: `endpoint` is not a change.
    init?(_ endpoint: ControlEndpoint, _ subject: String, _ body: RequestBody) throws(ControlRejection) {
        switch endpoint {
        case .restartNode:
            let flags = try body.flags(["noFailover", "restoreRoles", "force"])
            self = .restartNode(
                subject, noFailover: flags.contains("noFailover"), restoreRoles: flags.contains("restoreRoles"),
                force: flags.contains("force"))
        case .startNode:
            _ = try body.flags([])
            self = .startNode(subject)
        case .stopNode:
            let flags = try body.flags(["noFailover", "force"])
            self = .stopNode(subject, noFailover: flags.contains("noFailover"), force: flags.contains("force"))
        case .failover:
            let flags = try body.flags(["from", "force"])
            self = .failover(subject, from: flags.contains("from"), force: flags.contains("force"))
        case .rollingRestart:
            let flags = try body.flags(["pending", "restoreRoles", "force"])
            self = .rollingRestart(
                pending: flags.contains("pending"), restoreRoles: flags.contains("restoreRoles"),
                force: flags.contains("force"))
        case .pause: self = .pause(try body.pause())
        case .resume:
            _ = try body.flags([])
            self = .resume
        case .cancel:
            _ = try body.flags([])
            self = .cancel(subject)
        case .fix: self = .fix(try body.repairs())
        default: return nil
        }
    }
}
